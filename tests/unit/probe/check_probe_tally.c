/* check_probe_tally.c - what arrives is accounted to the right flow and the right fault, and the
 * sums are judged against what was sent.
 */
#include "src/probe/tally.h"

#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define SOCKETS 3
#define BOOT    77u

static struct probe_tally tally;
static const struct addr from = {.family = AF_INET, .port = 9, .ip = {10, 0, 0, 1}};
static const struct probe_expect unsaid = {PROBE_UNKNOWN, PROBE_UNKNOWN, PROBE_UNKNOWN, false};
static struct probe_now now = {.mono_ns = 1000000, .real_ns = 2000000};

static void set_up(void)
{
	probe_wire_init();
	ck_assert_int_eq(probe_tally_init(&tally, SOCKETS, BOOT), 0);
}

static void tear_down(void)
{
	probe_tally_free(&tally);
}

/* Writes the datagram that the sender would; `out' has room for `size'. */
static void make(const struct probe_wire *wire, unsigned char *out)
{
	probe_wire_pack(wire, out);
	memcpy(out + PROBE_WIRE_HEADER_BYTES, probe_wire_body(wire->flow, wire->seq),
	       wire->size_bytes - PROBE_WIRE_HEADER_BYTES);
}

static struct probe_wire wire_of(uint32_t flow, uint64_t seq)
{
	return (struct probe_wire){.kind = PROBE_WIRE_DATA,
				   .clock = PROBE_WIRE_MONOTONIC,
				   .session = 5,
				   .flow = flow,
				   .seq = seq,
				   .time_ns = 999000,
				   .boot = BOOT,
				   .size_bytes = 200};
}

/* A datagram of the size in `wire' arrives, of which `len' bytes are left. */
static bool arrive(uint32_t sock_idx, const struct probe_wire *wire, size_t len)
{
	unsigned char *data = calloc(1, wire->size_bytes + len);
	bool ours;

	make(wire, data);
	ours = probe_tally_add(&tally, sock_idx, data, len, &from, &now);
	free(data);
	return ours;
}

static void take(uint32_t sock_idx, uint32_t flow, uint64_t seq)
{
	struct probe_wire wire = wire_of(flow, seq);

	ck_assert(arrive(sock_idx, &wire, wire.size_bytes));
}

static void take_short(size_t len)
{
	ck_assert(probe_tally_add(&tally, 0, probe_wire_short(), len, &from, &now));
}

static void take_marker(uint32_t flow, uint64_t seqs, uint64_t shorts)
{
	struct probe_wire wire = wire_of(flow, seqs);

	wire.kind = PROBE_WIRE_END;
	wire.time_ns = shorts;
	wire.size_bytes = PROBE_WIRE_HEADER_BYTES;
	ck_assert(!arrive(0, &wire, wire.size_bytes));
}

static struct probe_result sum(struct probe_expect expect)
{
	struct probe_result result;

	probe_tally_sum(&tally, &expect, &result);
	return result;
}

/* ---- the header ---- */

START_TEST(header_comes_back_as_it_was_written)
{
	struct probe_wire wire = {PROBE_WIRE_END, PROBE_WIRE_REALTIME, 0x12345678, 0x9abcdef0,
				  UINT64_MAX,     0x1122334455667788,  0xdeadbeef, 65507};
	struct probe_wire got;
	unsigned char data[PROBE_WIRE_HEADER_BYTES];

	memset(&got, 0, sizeof(got));
	probe_wire_pack(&wire, data);
	ck_assert_int_eq(probe_wire_parse(data, sizeof(data), &got), PROBE_WIRE_OURS);
	ck_assert_int_eq(got.kind, wire.kind);
	ck_assert_int_eq(got.clock, wire.clock);
	ck_assert_uint_eq(got.session, wire.session);
	ck_assert_uint_eq(got.flow, wire.flow);
	ck_assert_uint_eq(got.seq, wire.seq);
	ck_assert_uint_eq(got.time_ns, wire.time_ns);
	ck_assert_uint_eq(got.boot, wire.boot);
	ck_assert_uint_eq(got.size_bytes, wire.size_bytes);
}
END_TEST

START_TEST(every_flipped_bit_of_a_datagram_is_noticed)
{
	struct probe_wire wire = wire_of(3, 4);
	unsigned char data[200];

	make(&wire, data);
	for (size_t bit = 0; bit < sizeof(data) * 8; bit++) {
		struct probe_wire got;
		enum probe_wire_verdict verdict;

		data[bit / 8] ^= (unsigned char)(1u << bit % 8);
		verdict = probe_wire_parse(data, sizeof(data), &got);
		if (bit < 32) {
			ck_assert_int_eq(verdict, PROBE_WIRE_FOREIGN);
		} else if (bit < (size_t)8 * PROBE_WIRE_HEADER_BYTES) {
			ck_assert_int_eq(verdict, PROBE_WIRE_CORRUPT);
		} else {
			ck_assert_int_eq(verdict, PROBE_WIRE_OURS);
			ck_assert(!probe_wire_body_ok(&got, data, sizeof(data)));
		}
		data[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
}
END_TEST

START_TEST(bodies_of_neighbours_differ)
{
	for (uint64_t seq = 0; seq < 1000; seq++) {
		ck_assert_mem_ne(probe_wire_body(1, seq), probe_wire_body(1, seq + 1), 20);
		ck_assert_mem_ne(probe_wire_body(1, seq), probe_wire_body(2, seq), 20);
	}
}
END_TEST

START_TEST(each_length_below_the_header_is_short)
{
	struct probe_wire wire = wire_of(0, 0);
	unsigned char stump[200];
	struct probe_wire got;

	make(&wire, stump);
	for (size_t len = 0; len < PROBE_WIRE_HEADER_BYTES; len++) {
		ck_assert_int_eq(probe_wire_parse(probe_wire_short(), len, &got), PROBE_WIRE_SHORT);
		if (len >= 4) { /* what is left of a longer one */
			ck_assert_int_eq(probe_wire_parse(stump, len, &got), PROBE_WIRE_CORRUPT);
		}
	}
	ck_assert_int_eq(probe_wire_parse((const unsigned char *)"hello", 5, &got),
			 PROBE_WIRE_FOREIGN);
}
END_TEST

START_TEST(the_largest_body_reads_inside_the_table)
{
	struct probe_wire wire = wire_of(0, 0);

	wire.size_bytes = PROBE_WIRE_SIZE_MAX;
	for (wire.seq = 0; wire.seq < 500; wire.seq++) {
		unsigned char *data = malloc(wire.size_bytes);
		struct probe_wire got;

		make(&wire, data);
		ck_assert_int_eq(probe_wire_parse(data, wire.size_bytes, &got), PROBE_WIRE_OURS);
		ck_assert(probe_wire_body_ok(&got, data, wire.size_bytes));
		free(data);
	}
}
END_TEST

/* ---- accounting ---- */

START_TEST(a_clean_run_is_ok)
{
	struct probe_result result;

	for (uint64_t seq = 0; seq < 100; seq++) {
		take(0, 0, seq);
		take(1, 1, seq);
	}
	result = sum((struct probe_expect){200, 100, 2, false});
	ck_assert(result.ok);
	ck_assert_uint_eq(result.flows, 2);
	ck_assert_uint_eq(result.unique, 200);
	ck_assert_uint_eq(tally.bytes, 40000);
	ck_assert_uint_eq(tally.flows[0].latency.count, 100);
	ck_assert_uint_eq(tally.flows[0].latency.max_ns, 1000);
}
END_TEST

START_TEST(a_copy_on_another_socket_is_another_flow)
{
	struct probe_result result;

	take(0, 0, 0);
	take(1, 0, 0);
	result = sum(unsaid);
	ck_assert_uint_eq(result.flows, 2);
	ck_assert_uint_eq(result.duplicated, 0);
	ck_assert(result.ok);
	take(1, 0, 0);
	result = sum(unsaid);
	ck_assert_uint_eq(result.duplicated, 1);
	ck_assert(!result.ok);
}
END_TEST

START_TEST(sessions_are_kept_apart)
{
	struct probe_wire wire = wire_of(0, 0);

	take(0, 0, 0);
	wire.session = 6;
	ck_assert(arrive(0, &wire, wire.size_bytes));
	ck_assert_uint_eq(tally.flow_count, 2);
	ck_assert_uint_eq(sum(unsaid).duplicated, 0);
}
END_TEST

START_TEST(a_hole_and_a_lost_head_are_lost)
{
	take(0, 0, 2);
	take(0, 0, 4);
	ck_assert_uint_eq(sum(unsaid).lost, 3);
	ck_assert_uint_eq(
		sum((struct probe_expect){PROBE_UNKNOWN, PROBE_UNKNOWN, PROBE_UNKNOWN, true}).lost,
		1);
}
END_TEST

START_TEST(a_lost_tail_is_known_by_expectation_or_marker)
{
	take(0, 0, 0);
	ck_assert_uint_eq(sum(unsaid).lost, 0);
	ck_assert(sum(unsaid).ok);
	ck_assert_uint_eq(sum((struct probe_expect){10, PROBE_UNKNOWN, PROBE_UNKNOWN, false}).lost,
			  9);
	ck_assert_uint_eq(sum((struct probe_expect){PROBE_UNKNOWN, 10, PROBE_UNKNOWN, false}).lost,
			  9);
	take_marker(0, 5, 0);
	ck_assert_uint_eq(sum(unsaid).lost, 4);
	ck_assert(!sum(unsaid).ok);
}
END_TEST

START_TEST(loss_known_twice_is_counted_once)
{
	struct probe_result result;

	take(0, 0, 0);
	take(0, 0, 3);
	take_marker(0, 10, 0);
	result = sum((struct probe_expect){10, 10, 1, false});
	ck_assert_uint_eq(result.lost, 8);
	ck_assert_uint_eq(result.unattributed, 0);
}
END_TEST

START_TEST(a_flow_lost_whole_is_missed)
{
	struct probe_result result;

	for (uint64_t seq = 0; seq < 10; seq++) {
		take(0, 0, seq);
	}
	result = sum((struct probe_expect){PROBE_UNKNOWN, PROBE_UNKNOWN, 2, false});
	ck_assert_uint_eq(result.flows_missing, 1);
	ck_assert_uint_eq(result.lost, 0);
	ck_assert(!result.ok);
	result = sum((struct probe_expect){20, 10, 2, false});
	ck_assert_uint_eq(result.lost, 10);
	ck_assert_uint_eq(result.unattributed, 10);
	result = sum((struct probe_expect){PROBE_UNKNOWN, PROBE_UNKNOWN, 0, false});
	ck_assert_uint_eq(result.flows_surplus, 1);
	ck_assert(!result.ok);
}
END_TEST

START_TEST(more_than_expected_is_no_success)
{
	take(0, 0, 0);
	take(0, 0, 1);
	ck_assert_uint_eq(
		sum((struct probe_expect){1, PROBE_UNKNOWN, PROBE_UNKNOWN, false}).surplus, 1);
	ck_assert(!sum((struct probe_expect){1, PROBE_UNKNOWN, PROBE_UNKNOWN, false}).ok);
	ck_assert(!sum((struct probe_expect){PROBE_UNKNOWN, 1, PROBE_UNKNOWN, false}).ok);
}
END_TEST

START_TEST(silence_is_a_fault_unless_it_was_expected)
{
	ck_assert(sum(unsaid).nothing);
	ck_assert(!sum(unsaid).ok);
	ck_assert(sum((struct probe_expect){0, PROBE_UNKNOWN, PROBE_UNKNOWN, false}).ok);
	ck_assert(!sum((struct probe_expect){PROBE_UNKNOWN, 5, PROBE_UNKNOWN, false}).ok);
	ck_assert_uint_eq(sum((struct probe_expect){7, PROBE_UNKNOWN, PROBE_UNKNOWN, false}).lost,
			  7);
}
END_TEST

START_TEST(only_foreign_datagrams_are_silence)
{
	ck_assert(!probe_tally_add(&tally, 0, (const unsigned char *)"hello", 5, &from, &now));
	ck_assert_uint_eq(tally.foreign_count, 1);
	ck_assert_uint_eq(tally.received_count, 0);
	ck_assert(sum(unsaid).nothing);
}
END_TEST

START_TEST(short_datagrams_are_counted_against_the_markers)
{
	take(0, 0, 0);
	for (size_t len = 0; len < 10; len++) {
		take_short(len);
	}
	ck_assert_uint_eq(tally.short_count, 10);
	ck_assert(sum((struct probe_expect){11, PROBE_UNKNOWN, PROBE_UNKNOWN, false}).ok);
	take_marker(0, 1, 12);
	ck_assert_uint_eq(sum(unsaid).short_lost, 2);
	ck_assert_uint_eq(sum(unsaid).lost, 2);
	for (size_t len = 0; len < 5; len++) {
		take_short(len);
	}
	ck_assert_uint_eq(sum(unsaid).surplus, 3);
	ck_assert(!sum(unsaid).ok);
}
END_TEST

START_TEST(damage_is_told_from_cutting)
{
	struct probe_wire wire = wire_of(0, 0);
	unsigned char data[300] = {0};

	ck_assert(arrive(0, &wire, 199)); /* one byte short */
	wire.seq = 1;
	ck_assert(arrive(0, &wire, 201)); /* one too many */
	ck_assert_uint_eq(sum(unsaid).cut, 2);
	ck_assert_uint_eq(sum(unsaid).corrupt, 0);
	wire.seq = 2;
	make(&wire, data);
	data[150] ^= 1;
	ck_assert(probe_tally_add(&tally, 0, data, 200, &from, &now));
	ck_assert_uint_eq(sum(unsaid).corrupt, 1);
	ck_assert_uint_eq(sum(unsaid).lost, 0);
	data[20] ^= 1; /* in the header: it belongs to no flow */
	ck_assert(!probe_tally_add(&tally, 0, data, 200, &from, &now));
	ck_assert_uint_eq(sum(unsaid).corrupt, 2);
	tally.verify = false;
	data[20] ^= 1;
	ck_assert(probe_tally_add(&tally, 0, data, 200, &from, &now));
	ck_assert_uint_eq(sum(unsaid).corrupt, 2);
}
END_TEST

START_TEST(latency_of_another_boot_or_the_future_is_not_guessed)
{
	struct probe_wire wire = wire_of(0, 0);

	wire.boot = BOOT + 1;
	ck_assert(arrive(0, &wire, wire.size_bytes));
	ck_assert_uint_eq(tally.untimed_count, 1);
	wire.seq = 1;
	wire.clock = PROBE_WIRE_REALTIME; /* does not need the same boot */
	wire.time_ns = now.real_ns - 500;
	ck_assert(arrive(0, &wire, wire.size_bytes));
	ck_assert_uint_eq(tally.untimed_count, 1);
	ck_assert_uint_eq(tally.flows[0].latency.max_ns, 500);
	wire.seq = 2;
	wire.time_ns = now.real_ns + 1;
	ck_assert(arrive(0, &wire, wire.size_bytes));
	ck_assert_uint_eq(tally.untimed_count, 2);
	ck_assert_uint_eq(tally.flows[0].latency.count, 1);
	ck_assert(sum(unsaid).ok);
}
END_TEST

START_TEST(absurd_numbers_from_the_network_are_untracked)
{
	struct probe_wire wire = wire_of(0, UINT64_MAX);

	ck_assert(arrive(0, &wire, wire.size_bytes));
	ck_assert_uint_eq(tally.untracked_count, 1);
	ck_assert(!sum(unsaid).ok);
	take_marker(0, UINT64_MAX, 0);
	take_marker(0, 1, UINT64_MAX);
	ck_assert_uint_eq(tally.ended_count, 0);
	take_marker(0, 3, 0);
	take_marker(0, 3, 0);
	ck_assert_uint_eq(tally.ended_count, 1);
	ck_assert_uint_eq(tally.marker_count, 4);
}
END_TEST

#define MANY_FLOWS 5000u

START_TEST(thousands_of_flows_stay_apart_and_in_order)
{
	uint32_t *order = calloc(MANY_FLOWS, sizeof(order[0]));

	for (uint64_t seq = 0; seq < 3; seq++) {
		for (uint32_t i = 0; i < MANY_FLOWS; i++) {
			uint32_t flow = i * 7919u % MANY_FLOWS; /* 7919 is a prime */

			take(flow % SOCKETS, flow, seq);
		}
	}
	ck_assert_uint_eq(tally.flow_count, MANY_FLOWS);
	ck_assert(sum((struct probe_expect){3ULL * MANY_FLOWS, 3, MANY_FLOWS, false}).ok);
	ck_assert_int_eq(probe_tally_order(&tally, order), 0);
	for (uint32_t i = 0; i < MANY_FLOWS; i++) {
		ck_assert_uint_eq(tally.flows[order[i]].flow, i);
	}
	free(order);
}
END_TEST

START_TEST(sessions_are_reported_as_they_came)
{
	static const uint32_t sessions[] = {9, 1, 4};
	uint32_t order[6];

	for (uint32_t i = 0; i < 6; i++) {
		struct probe_wire wire = wire_of(1 - i / 3, 0); /* flow 1 of all, then flow 0 */

		wire.session = sessions[i % 3];
		ck_assert(arrive(0, &wire, wire.size_bytes));
	}
	ck_assert_int_eq(probe_tally_order(&tally, order), 0);
	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_uint_eq(tally.flows[order[i]].session, sessions[i / 2]);
		ck_assert_uint_eq(tally.flows[order[i]].flow, i % 2);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe_tally");
	TCase *wire = tcase_create("wire");
	TCase *account = tcase_create("account");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(wire, set_up, tear_down);
	tcase_add_test(wire, header_comes_back_as_it_was_written);
	tcase_add_test(wire, every_flipped_bit_of_a_datagram_is_noticed);
	tcase_add_test(wire, bodies_of_neighbours_differ);
	tcase_add_test(wire, each_length_below_the_header_is_short);
	tcase_add_test(wire, the_largest_body_reads_inside_the_table);
	suite_add_tcase(suite, wire);
	tcase_add_checked_fixture(account, set_up, tear_down);
	tcase_add_test(account, a_clean_run_is_ok);
	tcase_add_test(account, a_copy_on_another_socket_is_another_flow);
	tcase_add_test(account, sessions_are_kept_apart);
	tcase_add_test(account, a_hole_and_a_lost_head_are_lost);
	tcase_add_test(account, a_lost_tail_is_known_by_expectation_or_marker);
	tcase_add_test(account, loss_known_twice_is_counted_once);
	tcase_add_test(account, a_flow_lost_whole_is_missed);
	tcase_add_test(account, more_than_expected_is_no_success);
	tcase_add_test(account, silence_is_a_fault_unless_it_was_expected);
	tcase_add_test(account, only_foreign_datagrams_are_silence);
	tcase_add_test(account, short_datagrams_are_counted_against_the_markers);
	tcase_add_test(account, damage_is_told_from_cutting);
	tcase_add_test(account, latency_of_another_boot_or_the_future_is_not_guessed);
	tcase_add_test(account, absurd_numbers_from_the_network_are_untracked);
	tcase_add_test(account, thousands_of_flows_stay_apart_and_in_order);
	tcase_add_test(account, sessions_are_reported_as_they_came);
	suite_add_tcase(suite, account);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
