/* pending.c - see pending.h.
 *
 * What is due makes one list for the changer: those flows that could hear an output are told of it
 * first, then it is opened and handed over. What fails stays, with the reason, and waits longer.
 */
#include "src/run/pending.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/run/echoes_change.h"
#include "src/run/supervisor.h"

#define START_WAIT_NS  (5 * NS_PER_S) /* for the first try, at most */
#define WOKEN_PAUSE_NS (NS_PER_S / 5) /* between two tries, whatever happens to the interface */
#define PAUSE_MAX_NS   (30 * NS_PER_S)
#define SAID_MAX       20 /* at a time, one by one */

static bool is_due(const struct pending *p);
static void await(struct pending *p);
static uint32_t collect(const struct worker *w, struct pending_item *out);
static uint32_t count_pending(const struct supervisor *sup);
static void take_over(const struct pending *p, struct pending_item *item);
static struct pending_item *find(const struct pending *p, const struct pending_item *key);
static int compare(const void *left, const void *right);
static bool is_for(const struct pending *p, const struct pending_item *item, unsigned ifindex,
		   const char *ifname);
static uint32_t list_due(struct pending *p, struct changer_step *steps);
static void postpone(struct pending_item *item, uint64_t now_ns);
static int prepared(void *context, struct err *err);
static void done(void *context, int rc, bool begun, const struct err *err);
static void warn(struct pending *p);
static const struct endpoint *at_of(const struct pending_item *item);

int pending_init(struct pending *p, struct supervisor *sup, uint64_t now_ns)
{
	int rc;

	*p = (struct pending){.sup = sup};
	gate_keep(&sup->gate);
	rc = pending_look(p);
	gate_let(&sup->gate);
	if (rc == 0) {
		pending_tick(p, now_ns);
		await(p);
		warn(p);
		p->started = true;
	}
	return rc;
}

void pending_free(struct pending *p)
{
	must(p->steps == NULL);
	free(p->items);
	*p = (struct pending){0};
}

int pending_look(struct pending *p)
{
	struct supervisor *sup = p->sup;
	uint32_t count = count_pending(sup), filled = 0;
	struct pending_item *items = calloc(count + 1UL, sizeof(*items));

	if (!items) {
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		filled += collect(&sup->workers[s], items + filled);
	}
	must(filled == count);
	for (uint32_t i = 0; i < count; i++) {
		take_over(p, &items[i]);
	}
	free(p->items);
	p->items = items;
	p->count = count;
	return 0;
}

void pending_wake(struct pending *p, unsigned ifindex, const char *ifname, uint64_t now_ns)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct pending_item *item = &p->items[i];

		if (is_for(p, item, ifindex, ifname)) {
			item->next_ns = item->tried_ns + WOKEN_PAUSE_NS;
			item->next_ns = item->next_ns < now_ns ? now_ns : item->next_ns;
			item->tries = 0;
		}
	}
}

void pending_tick(struct pending *p, uint64_t now_ns)
{
	const struct layout *layout = &p->sup->setup->layout;
	struct changer_client client = {.prepared = prepared, .done = done, .context = p};
	uint32_t due, told;

	p->now_ns = now_ns;
	if (!is_due(p) || !changer_is_idle(&p->sup->changer)) {
		return;
	}
	p->steps = calloc((size_t)layout->echo_count + p->count + 1, sizeof(*p->steps));
	if (!p->steps) {
		return; /* all the same in the next tick */
	}
	due = list_due(p, p->steps + layout->echo_count);
	told = echoes_of_opened(layout, p->steps + layout->echo_count, due, p->steps);
	memmove(p->steps + told, p->steps + layout->echo_count, due * sizeof(*p->steps));
	p->step_count = told + due;
	if (changer_begin(&p->sup->changer, p->steps, p->step_count, &client) < 0) {
		free(p->steps);
		p->steps = NULL;
	}
}

int pending_sleep_ms(const struct pending *p, int most_ms)
{
	uint64_t until_ns = p->now_ns + (uint64_t)most_ms * NS_PER_MS;

	for (uint32_t i = 0; i < p->count; i++) {
		until_ns = p->items[i].next_ns < until_ns ? p->items[i].next_ns : until_ns;
	}
	return until_ns > p->now_ns ? (int)((until_ns - p->now_ns) / NS_PER_MS) + 1 : 1;
}

const char *pending_why(const struct pending *p, const struct worker *worker, uint32_t index,
			bool output)
{
	struct pending_item key = {.shard = worker->index, .is_output = output};
	const struct pending_item *item;

	if (p->count == 0) {
		return NULL;
	}
	key.token = output ? shard_output(worker->shard, index)->output.token
			   : shard_flow(worker->shard, index)->flow.token;
	item = find(p, &key);
	if (!item || item->token != key.token) {
		return NULL;
	}
	return endpoint_is_known(at_of(item))
		       ? item->why.text
		       : names_amiss(&p->sup->links.names, at_of(item)->name);
}

static bool is_due(const struct pending *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		if (p->now_ns >= p->items[i].next_ns) {
			return true;
		}
	}
	return false;
}

/* At start there is nothing else to do. */
static void await(struct pending *p)
{
	uint64_t end_ns = clock_now_ns() + START_WAIT_NS;

	while (p->steps && clock_now_ns() < end_ns) {
		struct pollfd fd = {.fd = changer_fd(&p->sup->changer), .events = POLLIN};

		(void)poll(&fd, 1, changer_sleep_ms(&p->sup->changer, 100));
		changer_tick(&p->sup->changer);
	}
}

/* Whether a place has a socket changes by message only, until its shard begins to close: then it
 * waits for nothing any more. */
static uint32_t collect(const struct worker *w, struct pending_item *out)
{
	uint32_t count = 0;

	if (w->closing) {
		return 0;
	}

	for (uint32_t f = 0; f < w->shard->relay.place_count; f++) {
		const struct flow_place *place = shard_flow(w->shard, f);

		if (place->flow.rule && place->flow.fd < 0) {
			out[count++] = (struct pending_item){
				.shard = w->index, .token = place->flow.token, .flow = place->rule};
		}
	}
	for (uint32_t o = 0; o < w->shard->egress.place_count; o++) {
		const struct output_place *place = shard_output(w->shard, o);

		if (place->output.rule && place->output.fd < 0) {
			out[count++] = (struct pending_item){
				.shard = w->index,
				.token = place->output.token,
				.is_output = true,
				.flow = shard_flow(w->shard, place_index(place->output.flow))->rule,
				.output = place->rule};
		}
	}
	return count;
}

static uint32_t count_pending(const struct supervisor *sup)
{
	uint32_t count = 0;

	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct shard *shard = sup->workers[s].shard;

		if (sup->workers[s].closing) {
			continue;
		}
		for (uint32_t f = 0; f < shard->relay.place_count; f++) {
			count += shard_flow(shard, f)->flow.rule &&
				 shard_flow(shard, f)->flow.fd < 0;
		}
		for (uint32_t o = 0; o < shard->egress.place_count; o++) {
			const struct egress_output *output = &shard_output(shard, o)->output;

			count += output->rule && output->fd < 0;
		}
	}
	return count;
}

/* What was known of it already; else it is tried at once. */
static void take_over(const struct pending *p, struct pending_item *item)
{
	const struct pending_item *known = find(p, item);

	if (known && known->token == item->token) {
		item->told = known->told;
		item->tries = known->tries;
		item->tried_ns = known->tried_ns;
		item->next_ns = known->next_ns;
		item->why = known->why;
	} else if (at_of(item)->ifname[0] != '\0') {
		err_set(&item->why, "interface %s does not exist",
			conf_ifname(&p->sup->setup->opt->conf, at_of(item)->ifname));
	} else {
		err_set(&item->why, "not tried yet");
	}
}

/* The one that stands, or stood, in the place of `key'. */
static struct pending_item *find(const struct pending *p, const struct pending_item *key)
{
	return p->count == 0 ? NULL : bsearch(key, p->items, p->count, sizeof(*key), compare);
}

static int compare(const void *left, const void *right)
{
	const struct pending_item *a = left, *b = right;
	uint32_t at = place_index(a->token), other = place_index(b->token);

	if (a->shard != b->shard) {
		return a->shard < b->shard ? -1 : 1;
	}
	if (a->is_output != b->is_output) {
		return a->is_output ? 1 : -1;
	}
	return (at > other) - (at < other);
}

static bool is_for(const struct pending *p, const struct pending_item *item, unsigned ifindex,
		   const char *ifname)
{
	const char *name = conf_ifname(&p->sup->setup->opt->conf, at_of(item)->ifname);

	return at_of(item)->ifname[0] == '\0' || strcmp(name, ifname) == 0 ||
	       if_nametoindex(name) == ifindex;
}

static uint32_t list_due(struct pending *p, struct changer_step *steps)
{
	uint32_t due = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		struct pending_item *item = &p->items[i];

		if (p->now_ns < item->next_ns) {
			continue;
		}
		postpone(item, p->now_ns);
		steps[due++] = (struct changer_step){
			.op = item->is_output ? SHARD_OPEN_OUTPUT : SHARD_OPEN_FLOW,
			.shard = item->shard,
			.flow = &item->flow,
			.output = item->is_output ? &item->output : NULL,
			.why = &item->why,
			.fd = -1,
		};
	}
	return due;
}

static void postpone(struct pending_item *item, uint64_t now_ns)
{
	uint64_t pause_ns = NS_PER_S << (item->tries < 5 ? item->tries : 5);

	item->tries++;
	item->tried_ns = now_ns;
	item->next_ns = now_ns + (pause_ns < PAUSE_MAX_NS ? pause_ns : PAUSE_MAX_NS);
}

/* Before an output sends, those that could hear it know it. */
static int prepared(void *context, struct err *err)
{
	struct pending *p = context;

	return echoes_fill(&p->sup->changer, &p->sup->setup->layout, p->steps, p->step_count, err);
}

static void done(void *context, int rc, bool begun, const struct err *err)
{
	struct pending *p = context;
	char text[ENDPOINT_TEXT_MAX];

	for (uint32_t i = 0; i < p->step_count; i++) {
		const struct changer_step *step = &p->steps[i];

		if (step->why && step->result == 0 && p->started) {
			log_notice("%s: live", endpoint_format(step->output ? &step->output->out.to
									    : &step->flow->in.at,
							       text));
		}
	}
	free(p->steps);
	p->steps = NULL;
	echoes_sweep(p->sup);
	links_changed(&p->sup->links);
	if (p->started) {
		warn(p);
	}
}

/* Of each once, after it was tried. */
static void warn(struct pending *p)
{
	char text[ENDPOINT_TEXT_MAX];
	uint32_t said = 0, more = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		struct pending_item *item = &p->items[i];

		if (item->told || item->tries == 0) {
			continue;
		}
		item->told = true;
		if (said == SAID_MAX) {
			more++;
			continue;
		}
		said++;
		log_warn("%s: pending: %s; it is tried again by itself%s",
			 endpoint_format(at_of(item), text), item->why.text,
			 p->started || !endpoint_is_known(at_of(item))
				 ? ""
				 : "; --strict makes this an error");
	}
	if (more > 0) {
		log_warn("%u more are pending; --exit-report tells why", more);
	}
}

static const struct endpoint *at_of(const struct pending_item *item)
{
	return item->is_output ? &item->output.out.to : &item->flow.in.at;
}
