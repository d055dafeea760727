/* changer_sock.c - sockets and memory of a change. See changer_sock.h.
 *
 * Sockets are opened as a shard opens its own when it starts (shard/shard.c). What a removed flow
 * still has queued is counted as at the end of a shard: `shutdown'.
 */
#include "src/run/changer_sock.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "numa/nodemem.h"
#include "src/base/advice.h"
#include "src/run/changer_find.h"
#include "src/run/changer_merge.h"
#include "src/run/changer_shares.h"
#include "src/run/spread.h"
#include "src/run/supervisor.h"

static size_t room_bytes(const struct worker *w, const struct shard_message *m);
static int open_for(struct changer *c, struct changer_step *step, struct err *err);
static int open_new_output(const struct worker *w, struct changer_step *step, struct err *err);
static void say_far(struct changer *c, int rc);
static uint32_t rooms_short(uint32_t wanted, uint32_t unused, uint32_t size);
static uint32_t with_spare(uint32_t rooms, uint32_t now, uint32_t most);
static uint32_t unused_flows(const struct shard *shard);
static uint32_t unused_outputs(const struct shard *shard);
static int map(const struct worker *w, size_t bytes, struct arena *arena, struct err *err);
static bool is_missing(const struct endpoint *at, unsigned ifindex);
static int open_flow(struct changer *c, struct changer_step *step, struct err *err);
static int open_waiting_output(struct changer *c, struct changer_step *step, struct err *err);
static int find_interface(const struct supervisor *sup, struct changer_step *step,
			  struct endpoint *at, struct err *err);
static void want_for(const struct rule_output *out, struct sock_want *want);
static int open_output(const struct worker *w, struct changer_step *step,
		       const struct rule_table_output *rule, struct err *err);
static bool may_gso(const struct worker *w, const struct rule_output *out,
		    const struct sock_got *got);
static int set_output(const struct worker *w, struct shard_message *m, struct err *err);
static void empty(int fd, struct flow_stats *stats, const struct rule_flow *rule);

int changer_open(struct changer *c, struct changer_step *step, struct err *err)
{
	bool opens = step->op == SHARD_ADD_FLOW || step->op == SHARD_ADD_OUTPUT ||
		     step->op == SHARD_REPLACE_OUTPUT || step->op == SHARD_OPEN_FLOW ||
		     step->op == SHARD_OPEN_OUTPUT;

	if (!opens) {
		return 0;
	}
	changer_go_near(c, step->shard);
	return open_for(c, step, err);
}

void changer_go_near(struct changer *c, uint32_t shard)
{
	const struct setup *setup = c->sup->setup;

	say_far(c, near_go(&c->near, &setup->topo, &setup->plan, c->sup->workers[shard].node_os));
}

int changer_prepare_flow(struct changer *c, struct changer_step *step, struct rule_ingress *in,
			 struct sock_want *want, struct err *err)
{
	const struct worker *w = &c->sup->workers[step->shard];
	const struct changer_step *end = c->steps + c->count;
	const struct flow_place *place = NULL;
	uint32_t o;

	*in = step->flow->in;
	*want = (struct sock_want){.buffer_bytes = w->spec.rcvbuf_bytes,
				   .gro = step->flow->gro,
				   .ttl = step->flow->merge != NULL, /* its outputs are another's */
				   .tos = step->flow->merge != NULL,
				   .stamp = step->cut || shard_stamps(&w->spec, &step->flow->in),
				   .share = step->flow->share};
	if (step->op == SHARD_ADD_FLOW) {
		step->ifindex = step->flow->ifindex;
		for (const struct changer_step *next = step + 1;
		     next < end && next->op == SHARD_ADD_OUTPUT && next->flow == step->flow;
		     next++) {
			want_for(&next->output->out, want);
		}
		return is_missing(&in->at, step->ifindex) ? 1 : 0;
	}
	place = changer_find_flow(c, step->shard, &step->flow->in);
	o = place ? place->flow.first_output : PLACE_NONE;
	for (; o != PLACE_NONE; o = shard_output(w->shard, o)->output.sibling) {
		want_for(&shard_output(w->shard, o)->rule.out, want);
	}
	return find_interface(c->sup, step, &in->at, err);
}

void changer_go_home(struct changer *c)
{
	say_far(c, near_go_home(&c->near));
}

int changer_fit(const struct worker *w, uint32_t flow, const struct changer_step *step,
		struct shard_message *m, struct err *err)
{
	const struct ingress_flow *running = &shard_flow(w->shard, place_index(flow))->flow;
	struct sock_want want = {0};
	int rc;

	want_for(&step->output->out, &want);
	rc = running->fd < 0 ? 0 : sock_want_more(running->fd, &running->rule->in, &want, err);
	if (rc == 0 && step->op == SHARD_SET_OUTPUT) {
		return set_output(w, m, err);
	}
	m->socket = (struct egress_socket){.fd = step->fd};
	if (step->fd >= 0) {
		shard_describe(w->shard, &m->output_rule, &step->got, &m->socket);
	}
	return rc;
}

void changer_stamp(struct worker *w, uint32_t latency_sample)
{
	w->spec.latency_sample = latency_sample;
	for (uint32_t i = 0; i < w->shard->relay.place_count; i++) {
		const struct ingress_flow *flow = &shard_flow(w->shard, i)->flow;

		if (flow->fd >= 0) {
			(void)sock_set_stamp(flow->fd, shard_stamps(&w->spec, &flow->rule->in));
		}
	}
}

void changer_stamp_flow(const struct worker *w, uint32_t flow, const struct rule_flow *rule)
{
	int fd = shard_flow(w->shard, place_index(flow))->flow.fd;

	if (fd >= 0) {
		(void)sock_set_stamp(fd, shard_stamps(&w->spec, &rule->in));
	}
}

void changer_keep(struct supervisor *sup, struct shard_message *m, const struct changer_step *step)
{
	struct flow_place *place;
	const struct worker *w;
	int fd;

	switch (m->op) {
	case SHARD_REMOVE_FLOW:
		if (m->fd >= 0) {
			empty(m->fd, &m->flow_stats, step->flow);
		}
		spread_removed(sup, m);
		report_keep_flow(&sup->gone, &m->flow_stats);
		lane_forget(sup, &step->flow->in);
		break;
	case SHARD_CLOSE_FLOW:
		/* Nobody else counts there, while it has no socket. */
		place = relay_place(&sup->workers[step->shard].shard->relay, place_index(m->flow));
		empty(m->fd, place->flow.stats, step->flow);
		spread_closed(sup, &place->flow);
		break;
	case SHARD_REMOVE_OUTPUT:
		report_keep_output(&sup->gone, &m->output_stats);
		if (step->op == SHARD_REMOVE_OUTPUT) {
			lane_forget_output(sup, &step->flow->in, &step->output->out.to);
		}
		break;
	case SHARD_SET_OUTPUT:
		/* What each datagram carried by itself until now has its default now. */
		w = &sup->workers[step->shard];
		fd = shard_output(w->shard, place_index(m->output))->output.fd;
		if (fd >= 0) {
			(void)sock_set_egress(fd, &m->output_rule.out, m->output_rule.ifindex,
					      &(struct err){0});
		}
		return;
	default:
		break;
	}
	if ((m->op == SHARD_REMOVE_FLOW || m->op == SHARD_REMOVE_OUTPUT ||
	     m->op == SHARD_REPLACE_OUTPUT || m->op == SHARD_CLOSE_FLOW ||
	     m->op == SHARD_CLOSE_OUTPUT) &&
	    m->fd >= 0) {
		close(m->fd);
	}
}

/* As much as is short, and a quarter more, so that rules that come one by one seldom need any. */
int changer_map_rooms(const struct worker *w, struct changer_shard *wanted,
		      struct changer_memory **memories, struct shard_message *m, struct err *err)
{
	uint32_t flows = rooms_short(wanted->flows_wanted, unused_flows(w->shard), ROOM_FLOWS);
	uint32_t outputs =
		rooms_short(wanted->outputs_wanted, unused_outputs(w->shard), ROOM_OUTPUTS);
	struct changer_memory *memory;
	size_t bytes;
	int rc = changer_find_blocks(w, wanted, err);

	if (rc < 0 || (flows == 0 && outputs == 0 && wanted->merges_wanted == 0)) {
		return rc;
	}
	flows = with_spare(flows, w->shard->relay.place_count / ROOM_FLOWS,
			   SHARD_FLOWS_MAX / ROOM_FLOWS);
	outputs = with_spare(outputs, w->shard->egress.place_count / ROOM_OUTPUTS,
			     SHARD_OUTPUTS_MAX / ROOM_OUTPUTS);
	memory = calloc(1, sizeof(*memory));
	if (!memory) {
		err_set(err, "shard %u: out of memory for more rules", w->index);
		return -ENOMEM;
	}
	*m = (struct shard_message){.op = SHARD_ADD_ROOM,
				    .memory = &memory->arena,
				    .flow_rooms = flows,
				    .output_rooms = outputs,
				    .merge_bytes = wanted->merge_bytes,
				    .merge_blocks = wanted->merges_wanted};
	bytes = room_bytes(w, m);
	if (bytes == 0) {
		err_set(err, "the shards are ending");
	}
	rc = bytes > 0 ? map(w, bytes, &memory->arena, err) : -ESHUTDOWN;
	if (rc < 0) {
		free(memory);
		return rc;
	}
	memory->next = *memories;
	*memories = memory;
	return 1;
}

/* What is asked for takes so much; 0: the shard has begun to close, and what it had is going. */
static size_t room_bytes(const struct worker *w, const struct shard_message *m)
{
	size_t bytes = 0;

	gate_keep(w->gate);
	if (!w->closing) {
		bytes = change_room_bytes(&w->shard->relay, m);
	}
	gate_let(w->gate);
	return bytes;
}

static int open_for(struct changer *c, struct changer_step *step, struct err *err)
{
	const struct worker *w = &c->sup->workers[step->shard];

	switch (step->op) {
	case SHARD_ADD_FLOW:
	case SHARD_OPEN_FLOW:
		return share_is_part(&step->flow->share) ? changer_open_shares(c, step, err)
							 : open_flow(c, step, err);
	case SHARD_ADD_OUTPUT:
	case SHARD_REPLACE_OUTPUT:
		return open_new_output(w, step, err);
	case SHARD_OPEN_OUTPUT:
		return open_waiting_output(c, step, err);
	default:
		return 0;
	}
}

/* What waits for an interface or for the address of its name is to be pending, and so is what that
 * address turns out to be out of reach: nobody has written it, so no change is refused for it. */
static int open_new_output(const struct worker *w, struct changer_step *step, struct err *err)
{
	const struct endpoint *to = &step->output->out.to;
	int rc;

	if (is_missing(to, step->output->ifindex) || !endpoint_is_known(to)) {
		return 0;
	}
	rc = open_output(w, step, step->output, err);
	return to->name ? 0 : rc;
}

static void say_far(struct changer *c, int rc)
{
	if (rc < 0 && !c->far_told) {
		c->far_told = true;
		log_warn("sockets of changes may have their memory on another node than their "
			 "shards: cannot choose CPUs: %s",
			 strerror(-rc));
	}
}

static uint32_t rooms_short(uint32_t wanted, uint32_t unused, uint32_t size)
{
	return wanted > unused ? rooms_for(wanted - unused, size) : 0;
}

/* `rooms' more, and a quarter of what there is `now', up to `most' in all. */
static uint32_t with_spare(uint32_t rooms, uint32_t now, uint32_t most)
{
	uint32_t spare = rooms > 0 ? now / 4 : 0;

	return now + rooms + spare > most ? rooms : rooms + spare;
}

static uint32_t unused_flows(const struct shard *shard)
{
	uint32_t unused = 0;

	for (uint32_t i = 0; i < shard->relay.place_count; i++) {
		unused += !shard_flow(shard, i)->flow.rule;
	}
	return unused;
}

static uint32_t unused_outputs(const struct shard *shard)
{
	uint32_t unused = 0;

	for (uint32_t i = 0; i < shard->egress.place_count; i++) {
		unused += !shard_output(shard, i)->output.rule;
	}
	return unused;
}

/* Of the shard's node, verified as its arena was. */
static int map(const struct worker *w, size_t bytes, struct arena *arena, struct err *err)
{
	struct nodemem_result result = {0};
	struct err cause;
	int rc = nodemem_arena(arena, bytes, w->node_os, NODEMEM_HUGE_OFF, false, &result, &cause);

	if (rc < 0) {
		err_set(err, "shard %u: no memory for more rules: %s", w->index, cause.text);
	} else if (result.note.text[0] != '\0') {
		log_warn("shard %u: %s", w->index, result.note.text);
	}
	return rc;
}

/* What stands on it is to be pending. */
static bool is_missing(const struct endpoint *at, unsigned ifindex)
{
	return at->ifname[0] != '\0' && ifindex == 0;
}

static int open_flow(struct changer *c, struct changer_step *step, struct err *err)
{
	struct rule_ingress in;
	struct sock_want want;
	int rc = step->tried ? 1 : changer_prepare_flow(c, step, &in, &want, err);

	step->tried = true;
	if (rc != 0) {
		return rc < 0 ? rc : 0;
	}
	step->fd = sock_open_ingress(&in, step->ifindex, &want, &step->got, err);
	if (step->fd < 0) {
		rc = step->fd;
		step->fd = -1;
		return rc;
	}
	rc = sock_join(step->fd, &in, step->ifindex, err);
	if (rc < 0) {
		close(step->fd);
		step->fd = -1;
	}
	return rc;
}

static int open_waiting_output(struct changer *c, struct changer_step *step, struct err *err)
{
	struct rule_table_output rule = *step->output;
	int rc;

	if (!endpoint_is_known(&rule.out.to)) {
		err_set(err, "%s", names_amiss(&c->sup->links.names, rule.out.to.name));
		return -EADDRNOTAVAIL;
	}
	rc = find_interface(c->sup, step, &rule.out.to, err);

	rule.ifindex = step->ifindex;
	return rc == 0 ? open_output(&c->sup->workers[step->shard], step, &rule, err) : rc;
}

/* Its index and MTU by now, and the kernel's name of it, which the rule need not use. */
static int find_interface(const struct supervisor *sup, struct changer_step *step,
			  struct endpoint *at, struct err *err)
{
	const char *name = conf_ifname(&sup->setup->opt->conf, at->ifname);
	int rc;

	step->ifindex = 0;
	if (at->ifname[0] == '\0') {
		return 0;
	}
	rc = iface_index(name, &step->ifindex);
	if (rc == 0 && !if_indextoname(step->ifindex, at->ifname)) {
		rc = errno == ENXIO ? -ENODEV : -errno;
	}
	if (rc == -ENODEV) {
		err_set(err, "interface %s does not exist", name);
		return rc;
	}
	if (rc < 0) {
		err_set(err, "interface %s: cannot ask the kernel for it: %s; %s", name,
			strerror(-rc), advice_for_file(-rc));
		return rc;
	}
	step->mtu = iface_mtu(at->ifname);
	return 0;
}

/* What an output needs to know of each datagram. */
static void want_for(const struct rule_output *out, struct sock_want *want)
{
	want->ttl = want->ttl || out->ttl_mode != RULE_TTL_FIXED;
	want->tos = want->tos || out->dscp == RULE_DSCP_KEEP;
}

static int open_output(const struct worker *w, struct changer_step *step,
		       const struct rule_table_output *rule, struct err *err)
{
	struct sock_want want = {.buffer_bytes = w->spec.sndbuf_bytes};
	int fd = sock_open_egress(&rule->out, rule->ifindex, &want, &step->got, err);

	step->fd = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

/* A fixed hop limit holds at once; what is to come with each datagram waits for the message, since
 * until then datagrams would leave with the default in its place. */
static int set_output(const struct worker *w, struct shard_message *m, struct err *err)
{
	const struct output_place *place = shard_output(w->shard, place_index(m->output));
	const struct rule_output *out = &m->output_rule.out;

	if (place->output.fd < 0) {
		return 0;
	}
	m->socket.gso = may_gso(w, out, &place->got);
	if (out->ttl_mode != RULE_TTL_FIXED || out->dscp == RULE_DSCP_KEEP) {
		return 0;
	}
	return sock_set_egress(place->output.fd, out, m->output_rule.ifindex, err);
}

static bool may_gso(const struct worker *w, const struct rule_output *out,
		    const struct sock_got *got)
{
	bool wanted = out->gso == RULE_AUTO ? w->spec.gso : out->gso != 0;

	return wanted && got->gso && w->spec.train_max > 1;
}

/* What is still queued belongs to the flow as much as what was relayed. */
static void empty(int fd, struct flow_stats *stats, const struct rule_flow *rule)
{
	struct ingress_flow flow = {
		.rule = rule,
		.stats = stats,
		.fd = fd,
		.drops_seen = sock_kernel_drops(fd),
		.state = FLOW_IDLE,
	};

	sock_leave(fd, &rule->in, rule->ifindex);
	ingress_count_leftovers(&flow);
}
