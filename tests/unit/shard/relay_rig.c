/* relay_rig.c - see relay_rig.h. */
#include "tests/unit/shard/relay_rig.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shard/relay_band.h"
#include "shard/relay_hot.h"
#include "src/base/clock.h"
#include <unistd.h>

#define RIG_TURNS_MAX 100000

static void rig_open_outputs(struct rig *rig, const struct rig_options *options)
{
	for (uint32_t i = 0; i < options->outputs; i++) {
		struct rule_table_output rule = {.out = options->out};
		struct egress_socket sock = {.fd = -1, .gso = options->train_max > 1};
		struct output_place *place;

		ck_assert_int_eq(addr_parse_ip("239.2.2.2", &rule.out.to.addr), 0);
		rule.out.to.addr.port = (uint16_t)(6000 + i);
		place = egress_take_place(&rig->egress, &rule);
		ck_assert_ptr_nonnull(place);
		place->output.stats = &rig->output_stats[i];
		place->output.flow = place_token(0, 0);
		place->output.sibling = i + 1 < options->outputs ? i + 1 : PLACE_NONE;
		sock.file = (uint32_t)ring_add_file(rig->ring, 100 + (int)i);
		sock.mtu = options->mtu;
		sock.zerocopy_bytes = options->zerocopy;
		egress_open_output(&rig->egress, &place->output, &sock);
	}
}

static void rig_open_flows(struct rig *rig, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct flow_place *place = relay_take_place(&rig->relay, &rig->flow_rule);

		ck_assert_ptr_nonnull(place);
		place->flow.stats = &rig->flow_stats;
		place->flow.first_output = rig->flow_rule.output_count > 0 ? 0 : PLACE_NONE;
		place->flow.file = (uint32_t)ring_add_file(rig->ring, 200 + (int)i);
	}
}

/* The lower half of the slots is registered. */
static void rig_set_up_zerocopy(struct rig *rig, const struct pool_counts *counts,
				struct iovec *areas, struct ring_params *params)
{
	struct regbuf_limit limit = {.slots = counts->count[POOL_TRAIN] / 2, .bytes = REGBUF_ALL};
	struct regbuf_map *map = &rig->egress.zerocopy.areas;

	regbuf_plan(counts, &limit, map);
	regbuf_areas(map, &rig->pool, areas);
	params->zerocopy = true;
	params->buffers = areas;
	params->buffer_count = map->area_count;
}

static void rig_cut(struct rig *rig, const struct rig_options *options, uint32_t trains,
		    const struct pool_counts *counts, struct arena *arena)
{
	relay_cut(&rig->relay, options->flows, arena);
	egress_cut(&rig->egress, options->outputs, trains, arena);
	zerocopy_cut(&rig->egress.zerocopy, counts, trains, arena);
	pool_cut(&rig->pool, counts, arena);
}

void rig_open(struct rig *rig, const struct rig_options *options)
{
	uint32_t flows = options->flows ? options->flows : 1;
	uint32_t flow_places = rooms_for(flows, ROOM_FLOWS) * ROOM_FLOWS;
	uint32_t trains = options->trains ? options->trains : TRAIN_COUNT;
	struct pool_counts counts = {{0, 0, 0, options->slots}};
	struct ring_params params = {.sq_entries = 8,
				     .cq_entries = 16,
				     .flows = flow_places,
				     .files = ROOM_OUTPUTS + flow_places,
				     .sends = trains};
	struct iovec areas[RING_BUFFERS_MAX];
	struct arena counter = ARENA_COUNTER;

	memset(rig, 0, sizeof(*rig));
	params.stats = &rig->ring_stats;
	params.groups[POOL_TRAIN].depth = 1;
	while (params.groups[POOL_TRAIN].depth * 2 <= options->slots) {
		params.groups[POOL_TRAIN].depth *= 2;
	}
	params.groups[POOL_TRAIN].slot_bytes = SLOT_HEAD_BYTES + UDP_PAYLOAD_MAX;
	params.groups[band_group(BAND_KEPT, POOL_TRAIN)] =
		(struct ring_group){params.groups[POOL_TRAIN].depth / BAND_KEPT_SHARE,
				    SLOT_HEAD_BYTES + UDP_PAYLOAD_MAX};
	params.groups[band_group(BAND_APART, POOL_TRAIN)] =
		(struct ring_group){params.groups[POOL_TRAIN].depth / BAND_APART_SHARE,
				    SLOT_HEAD_BYTES + UDP_PAYLOAD_MAX};
	rig_cut(rig, options, trains, &counts, &counter);
	ck_assert_int_eq(arena_map(&rig->arena, counter.used_bytes, ARENA_HUGE_OFF), 0);
	rig_cut(rig, options, trains, &counts, &rig->arena);
	pool_init(&rig->pool, rig->pool_stats);
	egress_init(&rig->egress, options->train_max, &rig->pool);
	if (options->zerocopy > 0) {
		rig_set_up_zerocopy(rig, &counts, areas, &params);
	}
	rig->ring = fake_open(&params);
	rig->egress.ring = rig->relay.ring = rig->ring;
	rig->relay.pool = &rig->pool;
	rig->relay.egress = &rig->egress;
	rig->relay.mailbox = &rig->mailbox;
	rig->egress.batches = &rig->batches;
	rig_open_outputs(rig, options);
	rig->flow_rule =
		(struct rule_flow){.output_count = options->outputs, .pool_class = POOL_TRAIN};
	rig->flow_rule.in.at.addr.family = AF_INET;
	rig_open_flows(rig, flows);
	ck_assert_int_eq(mailbox_open(&rig->mailbox), 0);
	hot_start(&rig->relay, options->hot_least);
	rig->relay.answer_ns = SILENCE_MAX_US * NS_PER_US;
	relay_start(&rig->relay);
}

void rig_close(struct rig *rig)
{
	mailbox_post(&rig->mailbox, MAIL_QUIT);
	fake_wake(rig->ring);
	for (int i = 0; i < RIG_TURNS_MAX && relay_turn(&rig->relay) == 0; i++) {
		continue;
	}
	ck_assert_int_eq(rig->relay.phase, RELAY_STOPPED);
	ck_assert(rig_sums_agree(rig));
	ck_assert_uint_eq(rig->pool.classes[POOL_TRAIN].free_count,
			  rig->pool.classes[POOL_TRAIN].count);
	ring_close(rig->ring);
	mailbox_close(&rig->mailbox);
	arena_unmap(&rig->arena);
}

static void rig_number(struct rig *rig, unsigned char *at)
{
	uint32_t number = htonl(rig->delivered++);

	memcpy(at, &number, sizeof(number));
}

void rig_deliver(struct rig *rig, size_t bytes)
{
	rig_deliver_to(rig, 0, bytes);
}

void rig_deliver_to(struct rig *rig, uint32_t flow, size_t bytes)
{
	static unsigned char payload[UDP_PAYLOAD_MAX];

	ck_assert_uint_ge(bytes, 4);
	rig_number(rig, payload);
	fake_deliver(rig->ring, flow,
		     &(struct fake_datagram){.payload = payload, .payload_bytes = bytes});
}

void rig_deliver_train(struct rig *rig, uint32_t count, uint32_t segment, uint32_t last)
{
	static unsigned char payload[UDP_PAYLOAD_MAX];
	size_t bytes = (size_t)(count - 1) * segment + last;

	ck_assert_uint_le(bytes, sizeof(payload));
	for (uint32_t i = 0; i < count; i++) {
		rig_number(rig, payload + (size_t)i * segment);
	}
	fake_deliver(rig->ring, 0,
		     &(struct fake_datagram){.payload = payload,
					     .payload_bytes = bytes,
					     .gro_segment = (int)segment});
}

static bool rig_is_delivered(const struct rig *rig)
{
	for (uint32_t i = 0; i < rig->relay.place_count; i++) {
		if (fake_undelivered(rig->ring, i) > 0) {
			return false;
		}
	}
	return true;
}

void rig_settle(struct rig *rig)
{
	for (int i = 0; i < RIG_TURNS_MAX; i++) {
		ck_assert_int_eq(relay_turn(&rig->relay), 0);
		if (rig_is_delivered(rig) && !egress_busy(&rig->egress)) {
			return;
		}
	}
	ck_abort_msg("the relay did not come to rest");
}

uint32_t rig_sent_numbers(const struct rig *rig, uint32_t output, uint32_t *numbers, uint32_t max)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < fake_send_count(rig->ring); i++) {
		const struct fake_send *send = fake_send_at(rig->ring, i);
		size_t step = send->segment_bytes ? send->segment_bytes : send->payload_bytes;

		if (send->fd != 100 + (int)output || !send->answered || send->res < 0) {
			continue;
		}
		for (size_t at = 0; at < send->payload_bytes; at += step) {
			uint32_t number;

			memcpy(&number, send->payload + at, sizeof(number));
			if (count < max) {
				numbers[count] = ntohl(number);
			}
			count++;
		}
	}
	return count;
}

void rig_expect_all_in_order(const struct rig *rig, uint32_t output)
{
	static uint32_t numbers[65536];
	uint32_t count = rig_sent_numbers(rig, output, numbers, 65536);

	ck_assert_uint_eq(count, rig->delivered);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_uint_eq(numbers[i], i);
	}
}

uint64_t rig_drops(const struct rig *rig, uint32_t output)
{
	uint64_t sum = 0;

	for (int d = 0; d < OUTPUT_DROP_COUNT; d++) {
		sum += stat_get(&rig->output_stats[output].drops[d]);
	}
	return sum;
}

bool rig_sums_agree(const struct rig *rig)
{
	uint64_t dropped = 0, all = 0, relayed = stat_get(&rig->flow_stats.relayed);

	for (int d = 0; d < FLOW_DROP_COUNT; d++) {
		dropped += stat_get(&rig->flow_stats.drops[d]);
	}
	if (stat_get(&rig->flow_stats.received) != relayed + dropped) {
		return false;
	}
	for (uint32_t o = 0; o < rig->flow_rule.output_count; o++) {
		uint64_t offered = stat_get(&rig->output_stats[o].offered);

		if (offered != stat_get(&rig->output_stats[o].sent) + rig_drops(rig, o) ||
		    (!rig->divided && offered != relayed)) {
			return false;
		}
		all += offered;
	}
	if (rig->divided && all != relayed) {
		return false;
	}
	return pool_consistent(&rig->pool);
}
