/* shard.c - builds one core's relay inside its arena, and takes it apart again (steps 3 and 4).
 *
 * The order is: memory (pool, trains, counters), ring, egress sockets, ingress sockets; then, when
 * all shards have come this far, the groups are joined and the receives armed. So when anything
 * fails, no shard has relayed a datagram and every socket is closed on the way out. Shard thread.
 */
#include "shard/shard.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "shard/relay_band.h"
#include "shard/relay_flows.h"
#include "shard/relay_hot.h"
#include "shard/relay_merge.h"
#include "src/base/clock.h"
#include "src/base/must.h"

static void set_up(struct shard *s);
static int open_ring(struct shard *s, struct err *err);
static struct ring_params choose_ring_params(const struct shard_spec *spec);
static struct ring_group share_of(const struct shard_spec *spec, unsigned cls,
				  const struct ring_group *all, uint32_t share);
static bool avoids_copying(const struct shard_spec *spec);
static int open_sockets(struct shard *s, struct err *err);
static int open_output(struct shard *s, uint32_t i, struct err *err);
static int open_flow(struct shard *s, uint32_t i, struct err *err);
static bool take_kept(const struct shard *s, uint32_t i, struct flow_place *place);
static int is_there(const struct endpoint *at, unsigned ifindex, struct err *err);
static void join_outputs(struct shard *s, struct ingress_flow *flow);
static void give_up(struct shard *s, struct ingress_flow *flow);
static int add_file(struct shard *s, int fd, uint32_t *file, struct err *err);
static void close_once(int *fd);

uint32_t shard_hot_default(enum pool_class cls, uint32_t slots)
{
	uint32_t most = HOT_BYTES / pool_payload_bytes(cls);
	uint32_t depth = 1;

	if (slots == 0) {
		return 0;
	}
	if (cls == POOL_TRAIN) {
		most = slots < HOT_TRAINS_MOST ? 2 * slots - 1 : HOT_TRAINS_MOST;
	} else if (most > slots) {
		most = slots;
	}
	while (depth * 2 <= most) {
		depth *= 2;
	}
	return depth;
}

struct shard *shard_cut(const struct shard_spec *spec, struct arena *arena)
{
	struct ring_params params = choose_ring_params(spec);
	struct shard *s = arena_alloc(arena, sizeof(*s), CACHE_LINE_BYTES);
	struct shard cut = {.spec = spec};

	cut.stats = arena_alloc(arena, sizeof(*cut.stats), CACHE_LINE_BYTES);
	cut.echoes = arena_alloc(arena, spec->echo_count * sizeof(*cut.echoes), CACHE_LINE_BYTES);
	relay_cut(&cut.relay, spec->table->flow_count, arena);
	relay_merges_cut(&cut.relay, spec->table, arena);
	egress_cut(&cut.egress, spec->table->output_count, TRAIN_COUNT, arena);
	pool_cut(&cut.pool, &spec->pool, arena);
	if (params.zerocopy) {
		zerocopy_cut(&cut.egress.zerocopy, &spec->pool, TRAIN_COUNT, arena);
	}
	cut.relay.ring = ring_cut(spec->engine, &params, arena);
	if (s) {
		*s = cut;
	}
	return s;
}

size_t shard_arena_bytes(const struct shard_spec *spec)
{
	struct arena counter = ARENA_COUNTER;

	(void)shard_cut(spec, &counter);
	return counter.used_bytes;
}

size_t shard_locked_bytes(const struct shard_spec *spec, uint32_t shards)
{
	struct ring_params params = choose_ring_params(spec);

	return ring_locked_bytes(spec->engine, &params, shards);
}

void shard_registers(const struct shard_spec *spec, struct regbuf_map *out)
{
	*out = (struct regbuf_map){0};
	if (ring_can(spec->engine, RING_CAN_ZEROCOPY)) {
		regbuf_plan(&spec->pool, &spec->registered, out);
	}
}

int shard_open(const struct shard_spec *spec, struct arena *arena, struct mailbox *mailbox,
	       struct shard **out, struct err *err)
{
	struct shard *s;
	int rc;

	rule_table_check(spec->table);
	s = shard_cut(spec, arena);
	arena_seal(arena);
	s->mailbox = mailbox;
	set_up(s);
	rc = open_ring(s, err);
	if (rc < 0) {
		shard_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

int shard_open_sockets(struct shard *s, struct err *err)
{
	int rc = open_sockets(s, err);

	if (rc == 0) {
		rc = ring_arm_wake(s->relay.ring, s->mailbox->eventfd);
		if (rc < 0) {
			err_set(err, "ring: cannot wait for the mailbox: %s", strerror(-rc));
		}
	}
	return rc;
}

void shard_set_echoes(struct shard *s, uint32_t flow, const struct addr *echoes, uint32_t count)
{
	struct ingress_flow *f = &relay_place(&s->relay, flow)->flow;
	struct addr *at = s->echoes + s->echoes_told;

	must(s->echoes_told + count <= s->spec->echo_count);
	memcpy(at, echoes, count * sizeof(*at));
	s->echoes_told += count;
	f->echoes = at;
	f->echo_count = count;
}

struct sock_want shard_want(const struct shard_spec *spec, const struct rule_flow *rule)
{
	struct sock_want want = {.buffer_bytes = spec->rcvbuf_bytes,
				 .gro = rule->gro,
				 .stamp = shard_stamps(spec, &rule->in),
				 .ttl = rule->merge != NULL, /* its outputs are another's */
				 .tos = rule->merge != NULL,
				 .share = rule->share};

	for (uint32_t i = 0; i < rule->output_count; i++) {
		const struct rule_output *out = &spec->table->outputs[rule->first_output + i].out;

		want.ttl = want.ttl || out->ttl_mode != RULE_TTL_FIXED;
		want.tos = want.tos || out->dscp == RULE_DSCP_KEEP;
	}
	return want;
}

bool shard_stamps(const struct shard_spec *spec, const struct rule_ingress *in)
{
	return spec->latency_sample > 0 || in->max_age_ms > 0;
}

void shard_describe(const struct shard *s, const struct rule_table_output *rule,
		    const struct sock_got *got, struct egress_socket *sock)
{
	bool gso = rule->out.gso == RULE_AUTO ? s->spec->gso : rule->out.gso != 0;

	sock->connected = got->connected;
	sock->gso = gso && got->gso && s->spec->train_max > 1;
	sock->zerocopy_bytes = s->zerocopy ? rule->zerocopy_bytes : 0;
	sock->mtu = egress_choose_mtu(rule->mtu, got->path_mtu);
}

int shard_join(struct shard *s, struct err *err)
{
	for (uint32_t i = 0; i < s->spec->table->flow_count; i++) {
		const struct ingress_flow *flow = &shard_flow(s, i)->flow;
		int rc = 0;

		/* Control joins what several shards divide. */
		if (flow->state != FLOW_PENDING && !flow->kept &&
		    !share_is_part(&flow->rule->share)) {
			rc = sock_join(flow->fd, &flow->rule->in, flow->rule->ifindex, err);
		}
		if (rc < 0 && s->spec->strict) {
			return rc;
		}
		if (rc < 0) {
			give_up(s, &relay_place(&s->relay, i)->flow);
		}
	}
	return 0;
}

int shard_live(struct shard *s, struct err *err)
{
	int armed;

	for (uint32_t i = 0; i < s->spec->table->flow_count; i++) {
		struct ingress_flow *flow = &relay_place(&s->relay, i)->flow;

		flow->kept = false; /* it is ours from here on */
		if (flow->state == FLOW_PENDING && flow->fd >= 0) {
			give_up(s, flow); /* so control has decided, of a share */
		}
	}
	relay_start(&s->relay);
	armed = ring_turn(s->relay.ring, 0); /* before we say so */
	if (armed < 0) {
		err_set(err, "ring: cannot start to receive: %s", strerror(-armed));
	}
	return armed;
}

int shard_run(struct shard *s)
{
	int rc;

	do {
		rc = relay_turn(&s->relay);
	} while (rc == 0);
	return rc < 0 ? rc : 0;
}

void shard_discard(struct shard *s)
{
	relay_count_unread(&s->relay);
}

void shard_close(struct shard *s)
{
	ring_close(s->relay.ring);
	s->relay.ring = NULL;
	for (uint32_t i = 0; i < s->relay.place_count; i++) {
		close_once(&relay_place(&s->relay, i)->flow.fd);
	}
	for (uint32_t i = 0; i < s->egress.place_count; i++) {
		close_once(&egress_output(&s->egress, i)->fd);
	}
}

static void set_up(struct shard *s)
{
	pool_init(&s->pool, s->stats->pool);
	egress_init(&s->egress, s->spec->train_max, &s->pool);
	if (avoids_copying(s->spec)) {
		shard_registers(s->spec, &s->egress.zerocopy.areas);
	}
	s->egress.ring = s->relay.ring;
	s->egress.batches = &s->stats->batches;
	s->relay.pool = &s->pool;
	hot_start(&s->relay, s->spec->hot[POOL_TRAIN] == 0 ? HOT_TRAINS : 0);
	s->relay.egress = &s->egress;
	s->relay.mailbox = s->mailbox;
	s->relay.drain_ns = s->spec->drain_ns;
	relay_sample(&s->relay, s->spec->latency_sample);
	s->relay.answer_ns = SILENCE_MAX_US * NS_PER_US;
}

static int open_ring(struct shard *s, struct err *err)
{
	struct ring_params params = choose_ring_params(s->spec);
	struct iovec areas[RING_BUFFERS_MAX];
	struct regbuf_map map;
	int rc;

	shard_registers(s->spec, &map);
	regbuf_areas(&map, &s->pool, areas);
	params.buffers = areas;
	params.stats = &s->stats->ring;
	rc = ring_open(s->relay.ring, &params, &s->features, err);
	s->zerocopy = rc == 0 && ring_zerocopy(s->relay.ring);
	return rc;
}

static struct ring_params choose_ring_params(const struct shard_spec *spec)
{
	struct ring_params params = spec->ring;
	struct regbuf_map areas;

	shard_registers(spec, &areas);
	params.buffer_count = areas.area_count;
	params.zerocopy = avoids_copying(spec);
	params.flows = rooms_for(spec->table->flow_count, ROOM_FLOWS) * ROOM_FLOWS;
	params.files =
		params.flows + rooms_for(spec->table->output_count, ROOM_OUTPUTS) * ROOM_OUTPUTS;
	params.sends = TRAIN_COUNT;
	for (unsigned g = 0; g < POOL_CLASS_COUNT; g++) {
		uint32_t slots = spec->pool.count[g];

		params.groups[g].depth =
			spec->hot[g] ? spec->hot[g] : shard_hot_default((enum pool_class)g, slots);
		params.groups[g].slot_bytes =
			SLOT_HEAD_BYTES + pool_payload_bytes((enum pool_class)g);
		if (slots == 0) {
			params.groups[g].depth = 0;
		}
		params.groups[band_group(BAND_KEPT, g)] =
			share_of(spec, g, &params.groups[g], BAND_KEPT_SHARE);
		params.groups[band_group(BAND_APART, g)] =
			share_of(spec, g, &params.groups[g], BAND_APART_SHARE);
	}
	return params;
}

/* Of what the class begins with. */
static struct ring_group share_of(const struct shard_spec *spec, unsigned cls,
				  const struct ring_group *all, uint32_t share)
{
	uint32_t depth = all->depth;

	if (cls == POOL_TRAIN && spec->hot[cls] == 0 && depth > HOT_TRAINS) {
		depth = HOT_TRAINS;
	}
	return (struct ring_group){depth / share, all->slot_bytes};
}

static bool avoids_copying(const struct shard_spec *spec)
{
	return ring_can(spec->engine, RING_CAN_ZEROCOPY) && rule_table_zerocopy(spec->table);
}

static int open_sockets(struct shard *s, struct err *err)
{
	const struct rule_table *table = s->spec->table;
	int rc = 0;

	for (uint32_t i = 0; i < table->output_count && rc == 0; i++) {
		rc = open_output(s, i, err);
	}
	for (uint32_t i = 0; i < table->flow_count && rc == 0; i++) {
		rc = open_flow(s, i, err);
	}
	return rc;
}

/* Gives the next place to output `i' of the table: while a shard starts, places are taken in the
 * table's order. */
static int open_output(struct shard *s, uint32_t i, struct err *err)
{
	const struct rule_table_output *rule = &s->spec->table->outputs[i];
	struct sock_want want = {.buffer_bytes = s->spec->sndbuf_bytes};
	struct output_place *place = egress_take_place(&s->egress, rule);
	struct egress_socket sock;
	int rc;

	must(place != NULL);
	must(place_index(place->output.token) == i);
	if (!endpoint_is_known(&rule->out.to)) {
		return 0; /* nobody waits for it */
	}
	sock.fd = is_there(&rule->out.to, rule->ifindex, err);
	if (sock.fd == 0) {
		sock.fd = sock_open_egress(&rule->out, rule->ifindex, &want, &place->got, err);
	}
	if (sock.fd < 0) {
		return s->spec->strict ? sock.fd : 0;
	}
	place->output.fd = sock.fd; /* shard_close finds it from here on */
	rc = add_file(s, sock.fd, &sock.file, err);
	if (rc < 0) {
		return rc;
	}
	shard_describe(s, rule, &place->got, &sock);
	egress_open_output(&s->egress, &place->output, &sock);
	return 0;
}

/* What several shards divide they get ready together, or none of them has it. */
static int open_flow(struct shard *s, uint32_t i, struct err *err)
{
	struct flow_place *place = relay_take_place(&s->relay, &s->spec->table->flows[i]);
	struct ingress_flow *flow = &place->flow;
	struct sock_want want = shard_want(s->spec, &s->spec->table->flows[i]);

	must(place_index(flow->token) == i);
	join_outputs(s, flow);
	flow->echoes = s->echoes;
	if (take_kept(s, i, place)) {
		return add_file(s, flow->fd, &flow->file, err);
	}
	flow->fd = is_there(&flow->rule->in.at, flow->rule->ifindex, err);
	if (flow->fd == 0) {
		flow->fd = sock_open_ingress(&flow->rule->in, flow->rule->ifindex, &want,
					     &place->got, err);
	}
	if (flow->fd < 0) {
		flow->state = FLOW_PENDING;
		return s->spec->strict || (share_is_part(&flow->rule->share) && flow->fd != -ENODEV)
			       ? flow->fd
			       : 0;
	}
	return add_file(s, flow->fd, &flow->file, err);
}

/* What is queued in it waits until we are live, and for somebody else if we are never. */
static bool take_kept(const struct shard *s, uint32_t i, struct flow_place *place)
{
	struct shard_kept *kept = s->spec->kept != NULL ? &s->spec->kept[i] : NULL;

	if (kept == NULL || kept->fd < 0) {
		return false;
	}
	place->got = kept->got;
	place->flow.fd = kept->fd;
	place->flow.kept = true;
	place->flow.drops_seen = sock_noted_drops(kept->fd);
	kept->fd = -1;
	return true;
}

/* An interface may come later. */
static int is_there(const struct endpoint *at, unsigned ifindex, struct err *err)
{
	if (at->ifname[0] != '\0' && ifindex == 0) {
		err_set(err, "interface %s does not exist", at->ifname);
		return -ENODEV;
	}
	return 0;
}

static void join_outputs(struct shard *s, struct ingress_flow *flow)
{
	const struct rule_flow *rule = flow->rule;

	for (uint32_t i = rule->output_count; i-- > 0;) {
		struct egress_output *output = egress_output(&s->egress, rule->first_output + i);

		output->flow = flow->token;
		output->sibling = flow->first_output;
		flow->first_output = rule->first_output + i;
	}
}

/* Its socket goes, and another is waited for. */
static void give_up(struct shard *s, struct ingress_flow *flow)
{
	ring_remove_file(s->relay.ring, flow->file);
	flow->file = PLACE_NONE;
	flow->state = FLOW_PENDING;
	close_once(&flow->fd);
}

static int add_file(struct shard *s, int fd, uint32_t *file, struct err *err)
{
	int n = ring_add_file(s->relay.ring, fd);

	if (n < 0) {
		err_set(err, "ring: cannot register a socket: %s", strerror(-n));
		return n;
	}
	*file = (uint32_t)n;
	return 0;
}

static void close_once(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}
