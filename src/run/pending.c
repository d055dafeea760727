/* pending.c - see pending.h.
 *
 * One step of one item: open its socket and join; tell those flows that could hear its output of
 * it; hand it over. Whatever fails is tried again from the start, but a socket that is open is
 * kept. Shards answer within a turn, so their answer is waited for a little, and else taken in the
 * next tick.
 */
#include "src/run/pending.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/run/echoes.h"
#include "src/run/supervisor.h"

#define ANSWER_WAIT_MS 100
#define WOKEN_PAUSE_NS (NS_PER_S / 5) /* between two tries, whatever happens to the interface */
#define PAUSE_MAX_NS   (30 * NS_PER_S)
#define SAID_MAX       20 /* at start, one by one */

static uint32_t collect(struct pending *p, struct worker *w);
static bool try_item(struct pending *p, struct pending_item *item, uint64_t now_ns);
static int open_socket(const struct pending *p, struct pending_item *item);
static int find_interface(const struct pending *p, struct pending_item *item, struct endpoint *at);
static int open_flow(struct pending_item *item, const struct rule_flow *rule,
		     const struct rule_ingress *in);
static int tell_listeners(struct pending *p, const struct pending_item *item);
static int tell_listener(struct pending *p, const struct layout_echo *echo,
			 const struct echo_sender *sender);
static int hand_over(struct pending *p, struct pending_item *item);
static int ask(struct pending *p, struct worker *w);
static int take_answer(struct pending *p);
static void settle(struct pending *p, struct pending_item *item, int rc);
static void postpone(struct pending_item *item, uint64_t now_ns);
static void warn(const struct pending *p);
static const struct rule_flow *flow_of(const struct pending_item *item);
static const struct rule_table_output *output_of(const struct pending_item *item);
static const char *name_of(const struct pending_item *item, char *text);

int pending_init(struct pending *p, struct supervisor *sup, uint64_t now_ns)
{
	uint32_t most = 0;

	*p = (struct pending){.sup = sup};
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct rule_table *table = sup->workers[s].spec.table;

		most += table->flow_count + table->output_count;
	}
	p->items = calloc(most + 1UL, sizeof(*p->items));
	p->echoes = calloc((size_t)sup->setup->layout.echo_count + 1, sizeof(struct addr *));
	if (!p->items || !p->echoes) {
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		p->count = collect(p, &sup->workers[s]);
	}
	p->waiting = p->count;
	(void)pending_tick(p, now_ns);
	warn(p);
	p->warned = true;
	return 0;
}

void pending_free(struct pending *p)
{
	if (p->asked) {
		int rc = take_answer(p);

		if (p->opening) {
			settle(p, p->opening, rc);
		}
	}
	for (uint32_t i = 0; i < p->count; i++) {
		if (p->items[i].fd >= 0) {
			close(p->items[i].fd);
		}
	}
	for (uint32_t i = 0; i < p->echo_count; i++) {
		free(p->echoes[i]);
	}
	free(p->echoes);
	free(p->items);
	*p = (struct pending){0};
}

void pending_wake(struct pending *p, unsigned ifindex, const char *ifname, uint64_t now_ns)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct pending_item *item = &p->items[i];
		const struct endpoint *at =
			item->output ? &output_of(item)->out.to : &flow_of(item)->in.at;
		const char *name = conf_ifname(&p->sup->setup->opt->conf, at->ifname);

		if (at->ifname[0] == '\0' || strcmp(name, ifname) == 0 ||
		    if_nametoindex(name) == ifindex) {
			item->next_ns = item->tried_ns + WOKEN_PAUSE_NS;
			item->next_ns = item->next_ns < now_ns ? now_ns : item->next_ns;
			item->tries = 0;
		}
	}
}

bool pending_tick(struct pending *p, uint64_t now_ns)
{
	bool flow_came = false;

	if (p->asked) {
		int rc = take_answer(p);

		if (p->asked) {
			return false;
		}
		if (p->opening) {
			settle(p, p->opening, rc);
			flow_came = p->opening->live && !p->opening->output;
			p->opening = NULL;
		}
	}
	for (uint32_t i = 0; i < p->count && p->waiting > 0 && !p->asked; i++) {
		struct pending_item *item = &p->items[i];

		if (!item->live && now_ns >= item->next_ns && try_item(p, item, now_ns)) {
			flow_came = flow_came || !item->output;
		}
	}
	return flow_came;
}

const char *pending_why(const struct pending *p, const struct worker *worker, uint32_t index,
			bool output)
{
	for (uint32_t i = 0; i < p->count; i++) {
		const struct pending_item *item = &p->items[i];

		if (item->worker == worker && item->index == index && item->output == output) {
			return item->live ? NULL : item->why.text;
		}
	}
	return NULL;
}

/* Of one shard, while it receives: whether a place has a socket changes by message only. */
static uint32_t collect(struct pending *p, struct worker *w)
{
	const struct rule_table *table = w->spec.table;
	uint32_t count = p->count;

	for (uint32_t o = 0; o < table->output_count; o++) {
		if (shard_output(w->shard, o)->output.fd < 0) {
			p->items[count++] = (struct pending_item){
				.worker = w, .index = o, .output = true, .fd = -1};
		}
	}
	for (uint32_t f = 0; f < table->flow_count; f++) {
		if (shard_flow(w->shard, f)->flow.fd < 0) {
			p->items[count++] =
				(struct pending_item){.worker = w, .index = f, .fd = -1};
		}
	}
	return count;
}

/* Whether it is live now. */
static bool try_item(struct pending *p, struct pending_item *item, uint64_t now_ns)
{
	int rc;

	must(item->worker != NULL);
	rc = item->fd < 0 ? open_socket(p, item) : 0;
	postpone(item, now_ns);
	if (rc == 0 && item->output) {
		rc = tell_listeners(p, item);
	}
	if (rc == 0) {
		rc = hand_over(p, item);
		if (p->asked) {
			p->opening = item;
			return false;
		}
		settle(p, item, rc);
	}
	return item->live;
}

static int open_socket(const struct pending *p, struct pending_item *item)
{
	struct sock_want want = {.buffer_bytes = item->worker->spec.sndbuf_bytes};
	struct rule_output out;
	struct rule_ingress in;
	int rc;

	if (item->output) {
		out = output_of(item)->out;
		rc = find_interface(p, item, &out.to);
		if (rc == 0) {
			rc = sock_open_egress(&out, item->ifindex, &want, &item->got, &item->why);
		}
	} else {
		in = flow_of(item)->in;
		rc = find_interface(p, item, &in.at);
		if (rc == 0) {
			rc = open_flow(item, flow_of(item), &in);
		}
	}
	item->fd = rc < 0 ? -1 : rc;
	return rc < 0 ? rc : 0;
}

/* Its index, and the kernel's name of it, which the rule need not use. */
static int find_interface(const struct pending *p, struct pending_item *item, struct endpoint *at)
{
	const char *name = conf_ifname(&p->sup->setup->opt->conf, at->ifname);

	item->ifindex = 0;
	if (at->ifname[0] == '\0') {
		return 0;
	}
	item->ifindex = if_nametoindex(name);
	if (item->ifindex == 0 || !if_indextoname(item->ifindex, at->ifname)) {
		err_set(&item->why, "interface %s does not exist", name);
		return -ENODEV;
	}
	return 0;
}

static int open_flow(struct pending_item *item, const struct rule_flow *rule,
		     const struct rule_ingress *in)
{
	struct sock_want want = shard_want(&item->worker->spec, rule);
	int fd = sock_open_ingress(in, item->ifindex, &want, &item->got, &item->why);
	int rc = fd < 0 ? fd : sock_join(fd, in, item->ifindex, &item->why);

	if (rc < 0 && fd >= 0) {
		close(fd);
	}
	return rc < 0 ? rc : fd;
}

/* Before it sends anything. */
static int tell_listeners(struct pending *p, const struct pending_item *item)
{
	const struct layout *layout = &p->sup->setup->layout;
	struct echo_sender sender = {
		.shard = item->worker->index, .output = item->index, .local = item->got.local};
	int rc = 0;

	for (uint32_t e = 0; e < layout->echo_count && rc == 0; e++) {
		const struct layout_echo *echo = &layout->echoes[e];

		if (echo->from_shard == sender.shard && echo->from_output == sender.output) {
			rc = tell_listener(p, echo, &sender);
		}
	}
	return rc;
}

static int tell_listener(struct pending *p, const struct layout_echo *echo,
			 const struct echo_sender *sender)
{
	struct worker *w = &p->sup->workers[echo->shard];
	void *grown = realloc(p->echoes, (p->echo_count + 1UL) * sizeof(struct addr *));
	struct addr *echoes;
	uint32_t count = 0;

	if (!grown) {
		return -ENOMEM;
	}
	p->echoes = grown;
	echoes = echoes_of(p->sup, echo, sender, &count);
	if (!echoes) {
		return -ENOMEM;
	}
	p->echoes[p->echo_count++] = echoes;
	p->message = (struct shard_message){
		.op = SHARD_SET_ECHOES,
		.flow = shard_flow(w->shard, echo->flow)->flow.token,
		.echoes = echoes,
		.echo_count = count,
	};
	return ask(p, w);
}

static int hand_over(struct pending *p, struct pending_item *item)
{
	struct worker *w = item->worker;
	struct shard_message *m = &p->message;

	*m = (struct shard_message){.fd = item->fd, .got = item->got};
	if (item->output) {
		m->op = SHARD_OPEN_OUTPUT;
		m->output = shard_output(w->shard, item->index)->output.token;
		m->output_rule = *output_of(item);
		m->output_rule.ifindex = item->ifindex;
		m->socket.fd = item->fd;
		shard_describe(w->shard, &m->output_rule, &item->got, &m->socket);
	} else {
		m->op = SHARD_OPEN_FLOW;
		m->flow = shard_flow(w->shard, item->index)->flow.token;
		m->flow_rule.ifindex = item->ifindex;
	}
	return ask(p, w);
}

/* The answer, or -EAGAIN: it is still to come (p->asked), or another one is. */
static int ask(struct pending *p, struct worker *w)
{
	struct pollfd fd = {.fd = w->mailbox.answerfd, .events = POLLIN};

	if (!mailbox_send(&w->mailbox, &p->message)) {
		return -EAGAIN;
	}
	p->asked = w;
	(void)poll(&fd, 1, ANSWER_WAIT_MS);
	return take_answer(p);
}

static int take_answer(struct pending *p)
{
	if (!mailbox_take_answer(&p->asked->mailbox)) {
		return -EAGAIN;
	}
	p->asked = NULL;
	return p->message.result;
}

/* The shard has taken the socket, or has not. */
static void settle(struct pending *p, struct pending_item *item, int rc)
{
	char text[ENDPOINT_TEXT_MAX];

	if (rc == 0) {
		item->live = true;
		item->fd = -1;
		p->waiting--;
		if (p->warned) {
			log_notice("%s: live", name_of(item, text));
		}
	} else if (rc != -EAGAIN) {
		err_set(&item->why, "shard %u does not take its socket: %s", item->worker->index,
			strerror(-rc));
	}
}

static void postpone(struct pending_item *item, uint64_t now_ns)
{
	uint64_t pause_ns = NS_PER_S << (item->tries < 5 ? item->tries : 5);

	item->tries++;
	item->tried_ns = now_ns;
	item->next_ns = now_ns + (pause_ns < PAUSE_MAX_NS ? pause_ns : PAUSE_MAX_NS);
}

static void warn(const struct pending *p)
{
	char text[ENDPOINT_TEXT_MAX];
	uint32_t said = 0;

	for (uint32_t i = 0; i < p->count && said < SAID_MAX; i++) {
		if (!p->items[i].live) {
			said++;
			log_warn("%s: pending: %s; it is tried again by itself; --strict makes "
				 "this an error",
				 name_of(&p->items[i], text), p->items[i].why.text);
		}
	}
	if (p->waiting > said) {
		log_warn("%u more are pending; --exit-report tells why", p->waiting - said);
	}
}

static const struct rule_flow *flow_of(const struct pending_item *item)
{
	must(item->worker != NULL);
	return &item->worker->spec.table->flows[item->index];
}

static const struct rule_table_output *output_of(const struct pending_item *item)
{
	must(item->worker != NULL);
	return &item->worker->spec.table->outputs[item->index];
}

static const char *name_of(const struct pending_item *item, char *text)
{
	return endpoint_format(item->output ? &output_of(item)->out.to : &flow_of(item)->in.at,
			       text);
}
