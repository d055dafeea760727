/* tally.c - accounts datagrams to flows, and sums the flows up.
 *
 * The network can send anything, so every number taken from a header has a bound, and what cannot
 * be accounted is counted as such. One thread: numacast-probe recv. Units: datagrams, bytes of
 * payload, nanoseconds.
 */
#include "src/probe/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"

#define SLOTS_MIN 1024u

struct order_key {
	uint32_t session;
	uint32_t rank; /* of the session: the lowest index among its flows */
	uint32_t flow;
	uint32_t sock_idx;
	uint32_t idx;
};

static void take_any(struct probe_tally *tally, size_t len, const struct probe_now *now);
static struct probe_flow *find_flow(struct probe_tally *tally, uint32_t sock_idx,
				    const struct probe_wire *wire, const struct addr *source);
static bool is_flow(const struct probe_flow *flow, uint32_t sock_idx,
		    const struct probe_wire *wire);
static struct probe_flow *add_flow(struct probe_tally *tally, uint32_t sock_idx,
				   const struct probe_wire *wire, const struct addr *source);
static int grow_flows(struct probe_tally *tally);
static int grow_slots(struct probe_tally *tally);
static uint32_t slot_hash(uint32_t sock_idx, uint32_t session, uint32_t flow);
static void take_marker(struct probe_tally *tally, struct probe_flow *flow,
			const struct probe_wire *wire);
static bool take_data(struct probe_tally *tally, struct probe_flow *flow,
		      const struct probe_wire *wire, const struct probe_now *now);
static void sum_flow(const struct probe_flow *flow, const struct probe_expect *expect,
		     struct probe_result *sum);
static void sum_shorts(const struct probe_tally *tally, struct probe_result *sum);
static void sum_expectations(const struct probe_tally *tally, const struct probe_expect *expect,
			     struct probe_result *sum);
static int by_session(const void *left, const void *right);
static int by_rank(const void *left, const void *right);

int probe_tally_init(struct probe_tally *tally, uint32_t sock_count, uint32_t boot)
{
	must(sock_count > 0);
	memset(tally, 0, sizeof(*tally));
	tally->sock_count = sock_count;
	tally->boot = boot;
	tally->verify = true;
	tally->slot_count = SLOTS_MIN;
	tally->slots = calloc(SLOTS_MIN, sizeof(tally->slots[0]));
	tally->last = calloc(sock_count, sizeof(tally->last[0]));
	if (tally->slots == NULL || tally->last == NULL) {
		probe_tally_free(tally);
		return -ENOMEM;
	}
	return 0;
}

bool probe_tally_add(struct probe_tally *tally, uint32_t sock_idx, const unsigned char *data,
		     size_t len, const struct addr *source, const struct probe_now *now)
{
	struct probe_wire wire;
	struct probe_flow *flow;

	enum probe_wire_verdict verdict = probe_wire_parse(data, len, &wire);

	must(sock_idx < tally->sock_count);
	switch (verdict) {
	case PROBE_WIRE_FOREIGN:
		tally->foreign_count++;
		return false;
	case PROBE_WIRE_CORRUPT:
		tally->damaged_count++;
		return false;
	case PROBE_WIRE_SHORT:
		tally->short_count++;
		take_any(tally, len, now);
		return true;
	case PROBE_WIRE_OURS:
		break;
	}
	flow = find_flow(tally, sock_idx, &wire, source);
	if (wire.kind == PROBE_WIRE_END) {
		tally->marker_count++;
		tally->heard_ns = now->mono_ns;
		if (flow != NULL) {
			take_marker(tally, flow, &wire);
		}
		return false;
	}
	take_any(tally, len, now);
	if (flow == NULL || !take_data(tally, flow, &wire, now)) {
		tally->untracked_count++;
		return true;
	}
	flow->bytes += len;
	flow->cut_count += len != wire.size_bytes;
	flow->corrupt_count += tally->verify && !probe_wire_body_ok(&wire, data, len);
	return true;
}

void probe_tally_free(struct probe_tally *tally)
{
	for (uint32_t i = 0; i < tally->flow_count; i++) {
		probe_seq_free(&tally->flows[i].seq);
		probe_hist_free(&tally->flows[i].latency);
	}
	free(tally->flows);
	free(tally->slots);
	free(tally->last);
	memset(tally, 0, sizeof(*tally));
}

void probe_flow_span(const struct probe_flow *flow, const struct probe_expect *expect,
		     uint64_t *floor, uint64_t *until)
{
	uint64_t end = flow->seq.next;

	if (flow->end_seqs != PROBE_UNKNOWN && flow->end_seqs > end) {
		end = flow->end_seqs;
	}
	if (expect->per_flow != PROBE_UNKNOWN && expect->per_flow > end) {
		end = expect->per_flow;
	}
	*floor = expect->late_start && flow->seq.unique_count > 0 ? flow->seq.first : 0;
	*until = end;
}

void probe_tally_sum(const struct probe_tally *tally, const struct probe_expect *expect,
		     struct probe_result *out)
{
	struct probe_result sum = {0};
	bool told = expect->total != PROBE_UNKNOWN || expect->flows != PROBE_UNKNOWN;

	for (uint32_t i = 0; i < tally->flow_count; i++) {
		sum_flow(&tally->flows[i], expect, &sum);
	}
	sum.corrupt += tally->damaged_count;
	sum_shorts(tally, &sum);
	sum_expectations(tally, expect, &sum);
	sum.nothing = tally->received_count == 0 && !told;
	sum.ok = !sum.nothing && sum.lost == 0 && sum.duplicated == 0 && sum.reordered == 0 &&
		 sum.corrupt == 0 && sum.cut == 0 && sum.surplus == 0 && sum.flows_missing == 0 &&
		 sum.flows_surplus == 0 && tally->untracked_count == 0;
	*out = sum;
}

int probe_tally_order(const struct probe_tally *tally, uint32_t *order)
{
	struct order_key *keys = calloc((size_t)tally->flow_count + 1, sizeof(keys[0]));

	if (keys == NULL) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < tally->flow_count; i++) {
		const struct probe_flow *flow = &tally->flows[i];

		keys[i] = (struct order_key){flow->session, i, flow->flow, flow->sock_idx, i};
	}
	qsort(keys, tally->flow_count, sizeof(keys[0]), by_session);
	for (uint32_t i = 1; i < tally->flow_count; i++) {
		if (keys[i].session == keys[i - 1].session) {
			keys[i].rank = keys[i - 1].rank;
		}
	}
	qsort(keys, tally->flow_count, sizeof(keys[0]), by_rank);
	for (uint32_t i = 0; i < tally->flow_count; i++) {
		order[i] = keys[i].idx;
	}
	free(keys);
	return 0;
}

static void take_any(struct probe_tally *tally, size_t len, const struct probe_now *now)
{
	if (tally->received_count++ == 0) {
		tally->first_ns = now->mono_ns;
	}
	tally->last_ns = tally->heard_ns = now->mono_ns;
	tally->bytes += len;
}

/* The flow a datagram belongs to, made when it is new; NULL when no more can be had. Most sockets
 * carry one flow, which the first comparison finds. */
static struct probe_flow *find_flow(struct probe_tally *tally, uint32_t sock_idx,
				    const struct probe_wire *wire, const struct addr *source)
{
	uint32_t last = tally->last[sock_idx];
	uint32_t at = slot_hash(sock_idx, wire->session, wire->flow) & (tally->slot_count - 1);
	struct probe_flow *flow;

	if (last != 0 && is_flow(&tally->flows[last - 1], sock_idx, wire)) {
		return &tally->flows[last - 1];
	}
	for (; tally->slots[at] != 0; at = (at + 1) & (tally->slot_count - 1)) {
		flow = &tally->flows[tally->slots[at] - 1];
		if (is_flow(flow, sock_idx, wire)) {
			tally->last[sock_idx] = tally->slots[at];
			return flow;
		}
	}
	flow = add_flow(tally, sock_idx, wire, source);
	if (flow != NULL) {
		tally->last[sock_idx] = tally->flow_count;
	}
	return flow;
}

static bool is_flow(const struct probe_flow *flow, uint32_t sock_idx, const struct probe_wire *wire)
{
	return flow->sock_idx == sock_idx && flow->session == wire->session &&
	       flow->flow == wire->flow;
}

static struct probe_flow *add_flow(struct probe_tally *tally, uint32_t sock_idx,
				   const struct probe_wire *wire, const struct addr *source)
{
	struct probe_flow *flow;
	uint32_t at;

	if (grow_flows(tally) != 0) {
		return NULL;
	}
	flow = &tally->flows[tally->flow_count++];
	memset(flow, 0, sizeof(*flow));
	flow->sock_idx = sock_idx;
	flow->session = wire->session;
	flow->flow = wire->flow;
	flow->source = *source;
	flow->end_seqs = PROBE_UNKNOWN;
	at = slot_hash(sock_idx, wire->session, wire->flow) & (tally->slot_count - 1);
	while (tally->slots[at] != 0) {
		at = (at + 1) & (tally->slot_count - 1);
	}
	tally->slots[at] = tally->flow_count;
	return flow;
}

/* Makes room for one more flow and its slot. */
static int grow_flows(struct probe_tally *tally)
{
	uint32_t room = tally->flow_room == 0 ? 64 : tally->flow_room * 2;
	struct probe_flow *flows;

	if (tally->flow_count >= PROBE_FLOWS_MAX) {
		return -ENOSPC;
	}
	if ((tally->flow_count + 1) * 2 > tally->slot_count && grow_slots(tally) != 0) {
		return -ENOMEM;
	}
	if (tally->flow_count < tally->flow_room) {
		return 0;
	}
	flows = realloc(tally->flows, room * sizeof(flows[0]));
	if (flows == NULL) {
		return -ENOMEM;
	}
	tally->flows = flows;
	tally->flow_room = room;
	return 0;
}

/* Doubles the table of slots. */
static int grow_slots(struct probe_tally *tally)
{
	uint32_t count = tally->slot_count * 2;
	uint32_t *slots = calloc(count, sizeof(slots[0]));

	if (slots == NULL) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < tally->flow_count; i++) {
		const struct probe_flow *flow = &tally->flows[i];
		uint32_t at = slot_hash(flow->sock_idx, flow->session, flow->flow) & (count - 1);

		while (slots[at] != 0) {
			at = (at + 1) & (count - 1);
		}
		slots[at] = i + 1;
	}
	free(tally->slots);
	tally->slots = slots;
	tally->slot_count = count;
	return 0;
}

static uint32_t slot_hash(uint32_t sock_idx, uint32_t session, uint32_t flow)
{
	uint64_t hash = ((uint64_t)session << 32 | flow) * 0x9e3779b97f4a7c15ULL;

	hash = (hash ^ hash >> 29 ^ sock_idx) * 0xbf58476d1ce4e5b9ULL;
	return (uint32_t)(hash >> 32);
}

static void take_marker(struct probe_tally *tally, struct probe_flow *flow,
			const struct probe_wire *wire)
{
	if (flow->end_seqs != PROBE_UNKNOWN || wire->seq > PROBE_SEQ_MAX ||
	    wire->time_ns > PROBE_SEQ_MAX) {
		return;
	}
	flow->end_seqs = wire->seq;
	flow->end_shorts = wire->time_ns;
	tally->ended_count++;
}

static bool take_data(struct probe_tally *tally, struct probe_flow *flow,
		      const struct probe_wire *wire, const struct probe_now *now)
{
	bool mono = wire->clock == PROBE_WIRE_MONOTONIC;
	uint64_t now_ns = mono ? now->mono_ns : now->real_ns;

	if (probe_seq_add(&flow->seq, wire->seq) == PROBE_SEQ_REFUSED) {
		return false;
	}
	if ((mono && wire->boot != tally->boot) || now_ns < wire->time_ns ||
	    probe_hist_add(&flow->latency, now_ns - wire->time_ns) != 0) {
		tally->untimed_count++;
	}
	return true;
}

static void sum_flow(const struct probe_flow *flow, const struct probe_expect *expect,
		     struct probe_result *sum)
{
	uint64_t floor;
	uint64_t until;

	probe_flow_span(flow, expect, &floor, &until);
	sum->flows++;
	sum->unique += flow->seq.unique_count;
	sum->lost += until - floor - flow->seq.unique_count;
	sum->duplicated += flow->seq.duplicate_count;
	sum->reordered += flow->seq.reordered_count;
	sum->corrupt += flow->corrupt_count;
	sum->cut += flow->cut_count;
	if (flow->seq.reordered_extent > sum->extent) {
		sum->extent = flow->seq.reordered_extent;
	}
	if (expect->per_flow != PROBE_UNKNOWN && flow->seq.unique_count > expect->per_flow) {
		sum->surplus += flow->seq.unique_count - expect->per_flow;
	}
}

/* Short datagrams carry no flow, so they are compared in sum, once every flow has told. */
static void sum_shorts(const struct probe_tally *tally, struct probe_result *sum)
{
	uint64_t sent = 0;

	if (tally->flow_count == 0 || tally->ended_count < tally->flow_count) {
		return;
	}
	for (uint32_t i = 0; i < tally->flow_count; i++) {
		sent += tally->flows[i].end_shorts;
	}
	if (sent > tally->short_count) {
		sum->short_lost = sent - tally->short_count;
		sum->lost += sum->short_lost;
	} else {
		sum->surplus += tally->short_count - sent;
	}
}

static void sum_expectations(const struct probe_tally *tally, const struct probe_expect *expect,
			     struct probe_result *sum)
{
	uint64_t arrived = sum->unique + tally->short_count;

	if (expect->flows != PROBE_UNKNOWN && expect->flows > sum->flows) {
		sum->flows_missing = expect->flows - sum->flows;
		if (expect->per_flow != PROBE_UNKNOWN) {
			sum->unattributed = sum->flows_missing * expect->per_flow;
		}
	} else if (expect->flows != PROBE_UNKNOWN) {
		sum->flows_surplus = sum->flows - expect->flows;
	}
	sum->lost += sum->unattributed;
	if (expect->total == PROBE_UNKNOWN) {
		return;
	}
	if (arrived > expect->total) {
		sum->surplus += arrived - expect->total;
	} else if (sum->lost < expect->total - arrived) {
		sum->unattributed += expect->total - arrived - sum->lost;
		sum->lost = expect->total - arrived;
	}
}

static int by_session(const void *left, const void *right)
{
	const struct order_key *a = left;
	const struct order_key *b = right;

	if (a->session != b->session) {
		return a->session < b->session ? -1 : 1;
	}
	return a->idx < b->idx ? -1 : a->idx > b->idx;
}

static int by_rank(const void *left, const void *right)
{
	const struct order_key *a = left;
	const struct order_key *b = right;

	if (a->rank != b->rank) {
		return a->rank < b->rank ? -1 : 1;
	}
	if (a->flow != b->flow) {
		return a->flow < b->flow ? -1 : 1;
	}
	return a->sock_idx < b->sock_idx ? -1 : a->sock_idx > b->sock_idx;
}
