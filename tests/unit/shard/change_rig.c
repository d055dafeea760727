/* change_rig.c - see change_rig.h. */
#include "tests/unit/shard/change_rig.h"

#include <check.h>

#include "shard/relay_merge.h"

struct rig rig;

const struct rig_options change_options = {.outputs = 2,
					   .train_max = 64,
					   .mtu = 1500,
					   .slots = 32,
					   .zerocopy = 8000,
					   .out = {.ttl = 16}};

/* ---- messages ---- */

void hand_over(struct shard_message *m)
{
	ck_assert(mailbox_send(&rig.mailbox, m));
	fake_wake(rig.ring);
	ck_assert_int_eq(relay_turn(&rig.relay), 0);
}

bool is_answered(const struct shard_message *m)
{
	const struct shard_message *answer = mailbox_take_answer(&rig.mailbox);

	ck_assert(answer == NULL || answer == m);
	return answer != NULL;
}

void await_answer(const struct shard_message *m)
{
	for (int i = 0; i < CHANGE_TURNS_MAX; i++) {
		if (is_answered(m)) {
			ck_assert_ptr_null(mailbox_take_answer(&rig.mailbox)); /* once */
			return;
		}
		ck_assert_int_eq(relay_turn(&rig.relay), 0);
	}
	ck_abort_msg("never answered");
}

int ask(struct shard_message *m)
{
	hand_over(m);
	await_answer(m);
	return m->result;
}

struct shard_message new_output(uint32_t flow, uint16_t port, int fd)
{
	struct shard_message m = {.op = SHARD_ADD_OUTPUT, .flow = flow};

	m.output_rule.out = change_options.out;
	ck_assert_int_eq(addr_parse_ip("239.2.2.3", &m.output_rule.out.to.addr), 0);
	m.output_rule.out.to.addr.port = port;
	m.socket = (struct egress_socket){.fd = fd,
					  .gso = true,
					  .mtu = change_options.mtu,
					  .zerocopy_bytes = change_options.zerocopy};
	return m;
}

struct shard_message new_flow(int fd)
{
	struct shard_message m = {
		.op = SHARD_ADD_FLOW, .fd = fd, .flow_rule = {.pool_class = POOL_TRAIN}};

	m.flow_rule.in.at.addr.family = AF_INET;
	m.flow_rule.in.at.addr.port = (uint16_t)fd;
	return m;
}

struct egress_output *output_of(uint32_t token)
{
	struct egress_output *o = egress_output(&rig.egress, place_index(token));

	ck_assert_uint_eq(o->token, token);
	return o;
}

struct ingress_flow *flow_of(uint32_t token)
{
	struct ingress_flow *flow = &relay_place(&rig.relay, place_index(token))->flow;

	ck_assert_uint_eq(flow->token, token);
	return flow;
}

/* ---- laws ---- */

static uint64_t output_drops(const struct output_stats *stats)
{
	uint64_t sum = 0;

	for (int d = 0; d < OUTPUT_DROP_COUNT; d++) {
		sum += stat_get(&stats->drops[d]);
	}
	return sum;
}

void expect_output_law(const struct output_stats *stats)
{
	ck_assert_uint_eq(stat_get(&stats->offered), stat_get(&stats->sent) + output_drops(stats));
}

void expect_flow_law(const struct flow_stats *stats)
{
	uint64_t sum = 0;

	for (int d = 0; d < FLOW_DROP_COUNT; d++) {
		sum += stat_get(&stats->drops[d]);
	}
	ck_assert_uint_eq(stat_get(&stats->received), stat_get(&stats->relayed) + sum);
}

/* Every holder of a place, with nothing under way. */
void expect_laws(void)
{
	for (uint32_t i = 0; i < rig.relay.place_count; i++) {
		const struct ingress_flow *flow = &relay_place(&rig.relay, i)->flow;

		if (flow->state == FLOW_FREE) {
			continue;
		}
		expect_flow_law(flow->stats);
		for (uint32_t o = flow->first_output; o != PLACE_NONE;) {
			const struct egress_output *output = egress_output(&rig.egress, o);

			expect_output_law(output->stats);
			ck_assert_uint_eq(stat_get(&output->stats->offered),
					  relay_offered(flow) - output->relayed_before);
			o = output->sibling;
		}
	}
	ck_assert(pool_consistent(&rig.pool));
}

void open_rig(void)
{
	rig_open(&rig, &change_options);
	/* The rig's own sums are of outputs that stay; the laws above are of all. */
	rig.flow_rule.output_count = 0;
}

void deliver(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		rig_deliver(&rig, 100);
	}
}

/* Datagrams that left by `fd': how many, and whether they were `first' and those after it. */
uint32_t sent_in_order(int fd, uint32_t first)
{
	uint32_t numbers[1024];
	uint32_t count = rig_sent_numbers(&rig, (uint32_t)(fd - 100), numbers, 1024);

	for (uint32_t i = 0; i < count; i++) {
		ck_assert_uint_eq(numbers[i], first + i);
	}
	return count;
}
