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

/* The named terms of a shard's memory. */
size_t shard_arena_bytes(const struct shard_spec *spec)
{
	struct ring_params params = shard_ring_params(spec);
	size_t flows = spec->table->flow_count, outputs = spec->table->output_count;

	return arena_need(sizeof(struct shard_stats), CACHE_LINE_BYTES) +
	       arena_need(flows * sizeof(struct rule_flow), CACHE_LINE_BYTES) +
	       arena_need(outputs * sizeof(struct rule_table_output), CACHE_LINE_BYTES) +
	       arena_need(flows * sizeof(struct flow_stats), CACHE_LINE_BYTES) +
	       arena_need(outputs * sizeof(struct output_stats), CACHE_LINE_BYTES) +
	       arena_need(flows * sizeof(struct ingress_flow), CACHE_LINE_BYTES) +
	       arena_need(flows * sizeof(uint32_t), CACHE_LINE_BYTES) +
	       arena_need(flows * sizeof(struct sock_got), CACHE_LINE_BYTES) +
	       arena_need(outputs * sizeof(struct sock_got), CACHE_LINE_BYTES) +
	       arena_need(spec->echo_count * sizeof(struct addr), CACHE_LINE_BYTES) +
	       egress_arena_bytes((uint32_t)outputs, TRAIN_COUNT) + pool_arena_bytes(&spec->pool) +
	       (params.zerocopy ? zerocopy_arena_bytes(&spec->pool) : 0) +
	       ring_arena_bytes(spec->engine, &params);
}

/* The table is read for every datagram, so the shard has its own, node-local copy. */
static void shard_copy_table(struct shard *s, struct arena *arena)
{
	const struct rule_table *from = s->spec->table;
	size_t flow_bytes = from->flow_count * sizeof(struct rule_flow);
	size_t output_bytes = from->output_count * sizeof(struct rule_table_output);

	s->table = *from;
	s->table.flows = arena_alloc(arena, flow_bytes, CACHE_LINE_BYTES);
	s->table.outputs = arena_alloc(arena, output_bytes, CACHE_LINE_BYTES);
	memcpy(s->table.flows, from->flows, flow_bytes);
	memcpy(s->table.outputs, from->outputs, output_bytes);
}

static void shard_cut_memory(struct shard *s, struct arena *arena)
{
	const struct rule_table *table = &s->table;
	size_t flows = s->spec->table->flow_count, outputs = s->spec->table->output_count;

	shard_copy_table(s, arena);
	s->stats = arena_alloc(arena, sizeof(*s->stats), CACHE_LINE_BYTES);
	s->stats->flows = arena_alloc(arena, flows * sizeof(struct flow_stats), CACHE_LINE_BYTES);
	s->stats->outputs =
		arena_alloc(arena, outputs * sizeof(struct output_stats), CACHE_LINE_BYTES);
	s->relay.flows = arena_alloc(arena, flows * sizeof(struct ingress_flow), CACHE_LINE_BYTES);
	s->relay.ended = arena_alloc(arena, flows * sizeof(uint32_t), CACHE_LINE_BYTES);
	s->ingress_got = arena_alloc(arena, flows * sizeof(struct sock_got), CACHE_LINE_BYTES);
	s->egress_got = arena_alloc(arena, outputs * sizeof(struct sock_got), CACHE_LINE_BYTES);
	s->echoes = arena_alloc(arena, s->spec->echo_count * sizeof(struct addr), CACHE_LINE_BYTES);
	egress_init(&s->egress, table->output_count, TRAIN_COUNT, s->spec->train_max, &s->pool,
		    arena);
	pool_init(&s->pool, &s->spec->pool, arena, s->stats->pool);
	if (shard_avoids_copying(s->spec)) {
		zerocopy_init(&s->egress.zerocopy, &s->spec->pool, TRAIN_COUNT, arena);
		shard_registers(s->spec, &s->egress.zerocopy.areas);
	}
	for (uint32_t i = 0; i < table->flow_count; i++) {
		s->relay.flows[i] = (struct ingress_flow){
			.rule = &table->flows[i],
			.stats = &s->stats->flows[i],
			.echoes = s->echoes,
			.fd = -1,
			.group = table->flows[i].pool_class,
			.next_group = table->flows[i].pool_class,
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

static int shard_open_ring(struct shard *s, struct arena *arena, struct err *err)
{
	struct ring_params params = shard_ring_params(s->spec);
	struct iovec areas[RING_BUFFERS_MAX];
	struct regbuf_map map;

	shard_registers(s->spec, &map);
	regbuf_areas(&map, &s->pool, areas);
	params.buffers = areas;
	params.stats = &s->stats->ring;
	return ring_open(s->spec->engine, &params, arena, &s->relay.ring, &s->features, err);
}

int shard_open(struct shard *s, const struct shard_spec *spec, struct arena *arena,
	       struct mailbox *mailbox, struct err *err)
{
	int rc;

	*s = (struct shard){.spec = spec, .mailbox = mailbox};
	rule_table_check(spec->table);
	shard_cut_memory(s, arena);
	rc = shard_open_ring(s, arena, err);
	if (rc == 0) {
		arena_seal(arena);
		s->egress.ring = s->relay.ring;
		s->egress.batches = &s->stats->batches;
		s->relay.pool = &s->pool;
		s->relay.egress = &s->egress;
		s->relay.mailbox = mailbox;
		s->relay.flow_count = s->table.flow_count;
		s->relay.drain_ns = spec->drain_ns;
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
	}
	return rc;
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
