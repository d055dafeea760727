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

#include "src/base/must.h"

#define HOT_BYTES  (512 * 1024) /* half of a common 1 MiB L2: the other half is the kernel's */
#define HOT_TRAINS 32 /* single datagrams lie in train slots too, and fill little of them */

uint32_t shard_hot_default(enum pool_class cls, uint32_t slots)
{
	uint32_t most = HOT_BYTES / pool_payload_bytes(cls);
	uint32_t depth = 1;

	most = cls == POOL_TRAIN ? HOT_TRAINS : most;
	most = most < slots ? most : slots;
	while (depth * 2 <= most) {
		depth *= 2;
	}
	return slots == 0 ? 0 : depth;
}

/* ---- sizes ---- */

static bool shard_avoids_copying(const struct shard_spec *spec)
{
	return ring_can(spec->engine, RING_CAN_ZEROCOPY) && rule_table_zerocopy(spec->table);
}

void shard_registers(const struct shard_spec *spec, struct regbuf_map *out)
{
	*out = (struct regbuf_map){0};
	if (ring_can(spec->engine, RING_CAN_ZEROCOPY)) {
		regbuf_plan(&spec->pool, &spec->registered, out);
	}
}

static struct ring_params shard_ring_params(const struct shard_spec *spec)
{
	struct ring_params params = spec->ring;
	struct regbuf_map areas;

	shard_registers(spec, &areas);
	params.buffer_count = areas.area_count;
	params.zerocopy = shard_avoids_copying(spec);
	params.flows = spec->table->flow_count;
	params.files = spec->table->flow_count + spec->table->output_count;
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
	}
	return params;
}

size_t shard_locked_bytes(const struct shard_spec *spec, uint32_t shards)
{
	struct ring_params params = shard_ring_params(spec);

	return ring_locked_bytes(spec->engine, &params, shards);
}

size_t shard_arena_bytes(const struct shard_spec *spec)
{
	struct arena counter = ARENA_COUNTER;

	(void)shard_cut(spec, &counter);
	return counter.used_bytes;
}

/* ---- memory ---- */

static void shard_cut_tables(struct shard *s, struct arena *arena)
{
	size_t flows = s->spec->table->flow_count, outputs = s->spec->table->output_count;

	s->table = *s->spec->table;
	s->table.flows = arena_alloc(arena, flows * sizeof(*s->table.flows), CACHE_LINE_BYTES);
	s->table.outputs =
		arena_alloc(arena, outputs * sizeof(*s->table.outputs), CACHE_LINE_BYTES);
	s->relay.flows = arena_alloc(arena, flows * sizeof(*s->relay.flows), CACHE_LINE_BYTES);
	s->relay.ended = arena_alloc(arena, flows * sizeof(*s->relay.ended), CACHE_LINE_BYTES);
	s->ingress_got = arena_alloc(arena, flows * sizeof(*s->ingress_got), CACHE_LINE_BYTES);
	s->egress_got = arena_alloc(arena, outputs * sizeof(*s->egress_got), CACHE_LINE_BYTES);
	s->echoes = arena_alloc(arena, s->spec->echo_count * sizeof(*s->echoes), CACHE_LINE_BYTES);
}

static struct shard_stats *shard_cut_stats(const struct shard_spec *spec, struct arena *arena)
{
	size_t flows = spec->table->flow_count, outputs = spec->table->output_count;
	struct shard_stats *stats = arena_alloc(arena, sizeof(*stats), CACHE_LINE_BYTES);
	struct shard_stats cut = {0};

	cut.flows = arena_alloc(arena, flows * sizeof(*cut.flows), CACHE_LINE_BYTES);
	cut.outputs = arena_alloc(arena, outputs * sizeof(*cut.outputs), CACHE_LINE_BYTES);
	if (stats) {
		*stats = cut;
	}
	return stats;
}

struct shard *shard_cut(const struct shard_spec *spec, struct arena *arena)
{
	struct ring_params params = shard_ring_params(spec);
	struct shard *s = arena_alloc(arena, sizeof(*s), CACHE_LINE_BYTES);
	struct shard cut = {.spec = spec};

	cut.stats = shard_cut_stats(spec, arena);
	shard_cut_tables(&cut, arena);
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

/* The table is read for every datagram, so the shard has its own, node-local copy. */
static void shard_init(struct shard *s)
{
	const struct rule_table *from = s->spec->table;

	memcpy(s->table.flows, from->flows, from->flow_count * sizeof(*from->flows));
	memcpy(s->table.outputs, from->outputs, from->output_count * sizeof(*from->outputs));
	pool_init(&s->pool, s->stats->pool);
	egress_init(&s->egress, s->spec->train_max, &s->pool);
	if (shard_avoids_copying(s->spec)) {
		shard_registers(s->spec, &s->egress.zerocopy.areas);
	}
	for (uint32_t i = 0; i < s->table.flow_count; i++) {
		s->relay.flows[i] = (struct ingress_flow){
			.rule = &s->table.flows[i],
			.stats = &s->stats->flows[i],
			.echoes = s->echoes,
			.fd = -1,
			.group = s->table.flows[i].pool_class,
			.next_group = s->table.flows[i].pool_class,
		};
	}
}

/* ---- sockets ---- */

static int shard_add_file(struct shard *s, int fd, uint32_t *file, struct err *err)
{
	int n = ring_add_file(s->relay.ring, fd);

	if (n < 0) {
		err_set(err, "ring: cannot register a socket: %s", strerror(-n));
		return n;
	}
	*file = (uint32_t)n;
	return 0;
}

static int shard_open_output(struct shard *s, uint32_t i, struct err *err)
{
	const struct rule_table_output *rule = &s->table.outputs[i];
	struct sock_want want = {.buffer_bytes = s->spec->sndbuf_bytes};
	struct sock_got *got = &s->egress_got[i];
	struct egress_socket sock;
	bool gso = rule->out.gso == RULE_AUTO ? s->spec->gso : rule->out.gso != 0;
	int rc;

	sock.fd = sock_open_egress(&rule->out, rule->ifindex, &want, got, err);
	if (sock.fd < 0) {
		return sock.fd;
	}
	s->egress.outputs[i].fd = sock.fd; /* shard_close finds it from here on */
	rc = shard_add_file(s, sock.fd, &sock.file, err);
	if (rc < 0) {
		return rc;
	}
	sock.connected = got->connected;
	sock.gso = gso && got->gso && s->spec->train_max > 1;
	sock.zerocopy_bytes = ring_zerocopy(s->relay.ring) ? rule->zerocopy_bytes : 0;
	sock.mtu = rule->mtu ? rule->mtu : sock_path_mtu(sock.fd, rule->out.to.addr.family);
	egress_open_output(&s->egress, i, rule, &sock, &s->stats->outputs[i]);
	return 0;
}

/* What the outputs of a flow need to know about each datagram. */
static struct sock_want shard_ingress_want(const struct shard *s, const struct rule_flow *flow)
{
	struct sock_want want = {.buffer_bytes = s->spec->rcvbuf_bytes, .gro = flow->gro};

	for (uint32_t i = 0; i < flow->output_count; i++) {
		const struct rule_output *out = &s->table.outputs[flow->first_output + i].out;

		want.ttl = want.ttl || out->ttl_mode != RULE_TTL_FIXED;
		want.tos = want.tos || out->dscp == RULE_DSCP_KEEP;
	}
	return want;
}

static int shard_open_flow(struct shard *s, uint32_t i, struct err *err)
{
	struct ingress_flow *flow = &s->relay.flows[i];
	struct sock_want want = shard_ingress_want(s, flow->rule);

	flow->fd = sock_open_ingress(&flow->rule->in, flow->rule->ifindex, &want,
				     &s->ingress_got[i], err);
	if (flow->fd < 0) {
		return flow->fd;
	}
	return shard_add_file(s, flow->fd, &flow->file, err);
}

static int shard_open_sockets(struct shard *s, struct err *err)
{
	const struct rule_table *table = &s->table;
	int rc = 0;

	for (uint32_t i = 0; i < table->output_count && rc == 0; i++) {
		rc = shard_open_output(s, i, err);
	}
	for (uint32_t i = 0; i < table->flow_count && rc == 0; i++) {
		rc = shard_open_flow(s, i, err);
	}
	return rc;
}

/* ---- life ---- */

static int shard_open_ring(struct shard *s, struct err *err)
{
	struct ring_params params = shard_ring_params(s->spec);
	struct iovec areas[RING_BUFFERS_MAX];
	struct regbuf_map map;

	shard_registers(s->spec, &map);
	regbuf_areas(&map, &s->pool, areas);
	params.buffers = areas;
	params.stats = &s->stats->ring;
	return ring_open(s->relay.ring, &params, &s->features, err);
}

static void shard_join_parts(struct shard *s)
{
	s->egress.ring = s->relay.ring;
	s->egress.batches = &s->stats->batches;
	s->relay.pool = &s->pool;
	s->relay.egress = &s->egress;
	s->relay.mailbox = s->mailbox;
	s->relay.flow_count = s->table.flow_count;
	s->relay.drain_ns = s->spec->drain_ns;
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
	shard_init(s);
	shard_join_parts(s);
	rc = shard_open_ring(s, err);
	if (rc == 0) {
		rc = shard_open_sockets(s, err);
	}
	if (rc == 0) {
		rc = ring_arm_wake(s->relay.ring, mailbox->eventfd);
		if (rc < 0) {
			err_set(err, "ring: cannot wait for the mailbox: %s", strerror(-rc));
		}
	}
	if (rc < 0) {
		shard_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void shard_set_echoes(struct shard *s, uint32_t flow, const struct addr *echoes, uint32_t count)
{
	struct ingress_flow *f = &s->relay.flows[flow];
	struct addr *at =
		flow == 0 ? s->echoes : s->echoes + (f[-1].echoes - s->echoes) + f[-1].echo_count;

	must(at + count <= s->echoes + s->spec->echo_count);
	memcpy(at, echoes, count * sizeof(*at));
	f->echoes = at;
	f->echo_count = count;
}

int shard_live(struct shard *s, struct err *err)
{
	int armed;

	for (uint32_t i = 0; i < s->relay.flow_count; i++) {
		const struct ingress_flow *flow = &s->relay.flows[i];
		int rc = sock_join(flow->fd, &flow->rule->in, flow->rule->ifindex, err);

		if (rc < 0) {
			return rc;
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

void shard_close(struct shard *s)
{
	ring_close(s->relay.ring);
	s->relay.ring = NULL;
	for (uint32_t i = 0; i < s->relay.flow_count; i++) {
		if (s->relay.flows[i].fd >= 0) {
			close(s->relay.flows[i].fd);
			s->relay.flows[i].fd = -1;
		}
	}
	for (uint32_t i = 0; i < s->egress.output_count; i++) {
		if (s->egress.outputs[i].fd >= 0) {
			close(s->egress.outputs[i].fd);
			s->egress.outputs[i].fd = -1;
		}
	}
}
