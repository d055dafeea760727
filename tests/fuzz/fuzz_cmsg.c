/* fuzz_cmsg.c - any bytes in the place of what the kernel writes about a datagram.
 *
 * The first byte says what the flow asks for: a source, max-age=, a cut, echoes. Then come the
 * flags, the length that the kernel tells, a sender, and last the control data. What must hold: no
 * crash, no read beyond a slot; what is accepted is a whole number of datagrams whose bytes lie in
 * the slot; and all that was received was accepted or has one reason for its drop.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shard/ingress.h"
#include "src/base/must.h"

#define SLOTS 1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next bytes of the input, zeros where it ends. */
struct input {
	const uint8_t *at;
	size_t left;
};

static void take(struct input *in, void *out, size_t bytes)
{
	size_t some = bytes < in->left ? bytes : in->left;

	memset(out, 0, bytes);
	memcpy(out, in->at, some);
	in->at += some;
	in->left -= some;
}

static void ask(struct ingress_flow *flow, struct rule_flow *rule, uint8_t wishes)
{
	static const struct addr echo = {.family = AF_INET, .port = 0x0101, .ip = {1, 1, 1, 1}};

	if (wishes & 1) {
		rule->in.source = echo;
		rule->in.source_bits = wishes & 2 ? 8 : 0;
	}
	rule->in.max_age_ms = wishes & 4 ? 1 : 0;
	flow->since_ns = wishes & 8 ? UINT64_MAX / 2 : 0;
	flow->since_end_ns = wishes & 16 ? UINT64_MAX : 0;
	flow->until_ns = wishes & 32 ? 1000000000 : 0;
	flow->echoes = &echo;
	flow->echo_count = wishes >> 6 & 1;
}

/* As the kernel does, but for what lies in it. */
static void fill(unsigned char *base, struct input *in)
{
	struct slot_head *head = (struct slot_head *)base;
	uint16_t payload_bytes;
	uint8_t flags;

	take(in, &flags, sizeof(flags));
	take(in, &payload_bytes, sizeof(payload_bytes));
	head->name_bytes = flags & 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	head->payload_bytes = payload_bytes;
	head->flags = (flags & 1 ? MSG_TRUNC : 0) | (flags & 2 ? MSG_CTRUNC : 0);
	take(in, base + SLOT_NAME_OFFSET, SLOT_NAME_BYTES);
	head->control_bytes =
		(uint32_t)(in->left < SLOT_CONTROL_BYTES ? in->left : SLOT_CONTROL_BYTES);
	take(in, base + SLOT_CONTROL_OFFSET, SLOT_CONTROL_BYTES);
}

static void judge(const struct datagram *d, const unsigned char *base, bool accepted,
		  const struct flow_stats *stats)
{
	uint64_t dropped = 0, received = stat_get(&stats->received);

	for (unsigned i = 0; i < FLOW_DROP_COUNT; i++) {
		dropped += stat_get(&stats->drops[i]);
	}
	must(stat_get(&stats->pieces) == 1);
	if (!accepted) {
		must(received == dropped);
		return;
	}
	must(dropped == 0);
	must(received == d->count);
	must(d->count >= 1);
	must(d->payload == base + SLOT_HEAD_BYTES);
	must(d->bytes <= pool_payload_bytes(POOL_TRAIN));
	must(d->count == 1 || (uint64_t)(d->count - 1) * d->segment_bytes < d->bytes);
	must((uint64_t)d->count * d->segment_bytes >= d->bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pool pool;
	static struct pool_class_stats pool_stats[POOL_CLASS_COUNT];
	static struct arena arena;
	struct pool_counts counts = {{0, 0, 0, SLOTS}};
	struct input in = {data, size};
	struct flow_stats stats = {0};
	struct rule_flow rule = {.in = RULE_INGRESS_UNSET};
	struct ingress_flow flow = {.rule = &rule, .stats = &stats, .next_group = POOL_TRAIN};
	struct ring_recv event = {.group = POOL_TRAIN, .has_slot = true};
	struct datagram d;
	uint8_t wishes;

	if (arena.base == NULL) {
		must(arena_map(&arena, pool_arena_bytes(&counts), ARENA_HUGE_OFF) == 0);
		pool_cut(&pool, &counts, &arena);
		pool_init(&pool, pool_stats);
	}
	take(&in, &wishes, sizeof(wishes));
	ask(&flow, &rule, wishes);
	fill(pool_slot_base(&pool, pool_slot_id(POOL_TRAIN, 0)), &in);
	judge(&d, pool_slot_base(&pool, pool_slot_id(POOL_TRAIN, 0)),
	      ingress_accept(&flow, &event, &pool, &d), &stats);
	return 0;
}
