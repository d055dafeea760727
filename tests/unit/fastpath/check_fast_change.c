/* check_fast_change.c - flows come and go in the kernel: sums, hooks, what is left. */
#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/fastpath/counts.h"
#include "src/fastpath/filters.h"
#include "tests/unit/fastpath/fast_rig.h"

/* Of libbpf, which builds without the fast path have not. */
#define WEAK __attribute__((weak))
int __real_bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags) WEAK;
int __real_bpf_map_lookup_elem(int fd, const void *key, void *value) WEAK;
int __wrap_bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags);
int __wrap_bpf_map_lookup_elem(int fd, const void *key, void *value);

static int refuse_updates, refuse_lookups; /* so many of the next ones, for want of memory */

int __wrap_bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)
{
	if (refuse_updates > 0) {
		refuse_updates--;
		errno = ENOMEM;
		return -ENOMEM;
	}
	return __real_bpf_map_update_elem(fd, key, value, flags);
}

int __wrap_bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	if (refuse_lookups > 0) {
		refuse_lookups--;
		errno = ENOMEM;
		return -ENOMEM;
	}
	return __real_bpf_map_lookup_elem(fd, key, value);
}

START_TEST(flow_is_dropped_and_summed_though_the_kernel_lacks_memory_for_a_moment)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);
	struct rule_ingress in = ingress_at(GROUP, "a1", SOCK_PORT);

	rig_put(&out, 1);
	rig_send(10, 1);
	net_go(HERE);
	refuse_updates = 2;
	fast_drop(&rig_fast, &in);
	ck_assert_int_eq(refuse_updates, 0);
	refuse_lookups = 2;
	rig_sums_hold(1, &out, 1);
	ck_assert_int_eq(refuse_lookups, 0);
	rig_send(10, 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 1);
}
END_TEST

START_TEST(refused_by_the_queue_is_counted)
{
	struct rule_output outs[2] = {rig_output("239.2.2.2", 6000), rig_output("239.2.2.3", 6000)};
	struct rule_ingress in = ingress_at(GROUP, "a1", SOCK_PORT);
	int rx[2] = {rig_receiver("239.2.2.2", 6000), rig_receiver("239.2.2.3", 6000)};
	uint64_t sent[2], dropped = 0;

	net_go(HERE);
	net_tc("qdisc add dev b1 root tbf rate 1mbit burst 5kb limit 5kb\n");
	rig_put(outs, 2);
	for (int i = 0; i < 40; i++) {
		rig_send(1000, 1);
	}
	net_go(HERE);
	rig_sums_hold(40, outs, 2);
	for (int i = 0; i < 2; i++) {
		struct fast_output_counts counts;
		uint64_t before;

		fast_read_output(&rig_fast, &in, &outs[i].to, &counts, &before);
		sent[i] = counts.sent;
		dropped += counts.qdisc;
	}
	ck_assert_uint_gt(dropped, 0);
	for (int i = 0; i < 2; i++) {
		uint64_t came = 0;

		/* The queue lets them go at its rate. */
		for (int looks = 0; looks < 3000 && came < sent[i]; looks++) {
			came += rig_count_waiting(rx[i]);
		}
		ck_assert_uint_eq(came, sent[i]);
	}
}
END_TEST

START_TEST(sums_hold_through_changes)
{
	struct rule_output outs[3] = {rig_output("239.2.2.2", 6000), rig_output("239.2.2.3", 6000),
				      rig_output("239.2.2.4", 6000)};
	struct rule_ingress in = ingress_at(GROUP, "a1", SOCK_PORT);
	struct fast_image_counts flow = {0};
	struct fast_output_counts gone = {0};
	uint64_t received = 0;

	for (uint32_t turn = 0; turn < 30; turn++) {
		uint32_t count = 1 + turn % 3;

		outs[0].ttl = (uint8_t)(9 + turn / 4);
		rig_put(outs, count);
		for (uint32_t i = 0; i <= turn % 4; i++, received++) {
			rig_send(10, 1);
		}
		net_go(HERE);
		if (turn % 5 == 4) {
			fast_drop(&rig_fast, &in);
			rig_send(10, 1);
		}
		rig_sums_hold(received, outs, 3);
	}
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 6);
	net_go(HERE);
	fast_drop(&rig_fast, &in);
	fast_settle(&rig_fast);
	fast_forget_output(&rig_fast, &in, &outs[1].to, &gone);
	fast_forget(&rig_fast, &in, &flow, &gone);
	ck_assert_uint_eq(flow.received, received);
	ck_assert_ptr_null(fast_find(&rig_fast, &in));
	ck_assert_uint_eq(rig_fast.place_count, 0);
	ck_assert_uint_eq(rig_fast.outputs.count, rig_fast.outputs.free ? 32 : 0);
	ck_assert_uint_eq(rig_fast.images.count, 4 + 64);
	ck_assert_uint_eq(rig_fast.ways.count, 4);
}
END_TEST

START_TEST(more_than_there_is_room_for_changes_nothing)
{
	struct rule_output outs[FAST_OUTPUTS_MAX];
	struct fast_wanted_output outputs[FAST_OUTPUTS_MAX];
	struct fast_wanted wanted;
	struct err err;

	for (uint32_t i = 0; i < FAST_OUTPUTS_MAX; i++) {
		outs[i] = rig_output("239.2.2.2", (uint16_t)(6000 + i));
	}
	rig_put(outs, 2);
	rig_want(outs, FAST_OUTPUTS_MAX, &wanted, outputs);
	ck_assert_int_eq(fast_put(&rig_fast, &wanted, &err), -ENOSPC);
	ck_assert_uint_eq(rig_fast.outputs.count, 30);
	rig_send(10, 1);
	rig_sums_hold(1, outs, 4);
}
END_TEST

/* Images are replaced more often than there are to spare before anybody has settled. */
START_TEST(images_come_back_when_there_is_none_left)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);
	uint32_t free_images = rig_fast.images.count;

	rig_fast.images.count = 1;
	for (uint32_t i = 0; i < 5; i++) {
		out.ttl = (uint8_t)(10 + i);
		rig_put(&out, 1);
		rig_send(10, 1);
		rig_fast.images.count = i == 0 ? 1 : rig_fast.images.count;
	}
	ck_assert_uint_le(rig_fast.images.count, free_images);
	rig_sums_hold(5, &out, 1);
}
END_TEST

START_TEST(nobody_prolongs_it_and_it_ends)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);

	rig_put(&out, 1);
	fast_prolong(&rig_fast, clock_now_ns() - FAST_LEASE_NS);
	rig_send(10, 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 1);
	rig_sums_hold(0, &out, 1);
}
END_TEST

START_TEST(it_outlives_its_process_for_as_long_as_was_said)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);

	fast_outlive(&rig_fast, 2 * FAST_LEASE_NS);
	rig_put(&out, 1);
	fast_prolong(&rig_fast, clock_now_ns() - FAST_LEASE_NS);
	rig_send(10, 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 0);
	fast_prolong(&rig_fast, clock_now_ns() - 2 * FAST_LEASE_NS);
	rig_send(10, 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 1);
	ck_assert_int_eq(rig_fast.places[0].hook.kind, HOOK_FILTER);
	rig_sums_hold(1, &out, 1);
}
END_TEST

START_TEST(filters_of_others_stay_and_none_of_ours)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);
	struct rule_ingress in = ingress_at(GROUP, "a1", SOCK_PORT);
	int rx = rig_receiver("239.2.2.2", 6000);
	unsigned a1;

	net_go(HERE);
	a1 = if_nametoindex("a1");
	net_tc("qdisc add dev a1 clsact\n"
	       "filter add dev a1 ingress prio 5 bpf bytecode \"1,6 0 0 0\"\n");
	ck_assert_int_eq(filters_count(a1, true), 1);
	rig_put(&out, 1);
	ck_assert_int_eq(rig_fast.places[0].hook.kind, HOOK_FILTER);
	ck_assert_int_eq(filters_count(a1, true), 2);
	rig_send(10, 1);
	ck_assert_uint_eq(rig_count_waiting(rx), 1);
	net_go(HERE);
	fast_drop(&rig_fast, &in);
	fast_settle(&rig_fast);
	fast_forget(&rig_fast, &in, &(struct fast_image_counts){0},
		    &(struct fast_output_counts){0});
	ck_assert_int_eq(filters_count(a1, true), 1);
}
END_TEST

START_TEST(kernel_without_links_gets_a_filter)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);
	int rx = rig_receiver("239.2.2.2", 6000);
	char line[128];
	unsigned a1;

	rig_fast.hooks.outlives = true;
	rig_put(&out, 1);
	a1 = if_nametoindex("a1");
	ck_assert_int_eq(rig_fast.places[0].hook.kind, HOOK_FILTER);
	ck_assert_int_eq(filters_count(a1, true), 1);
	rig_send(10, 1);
	ck_assert_uint_eq(rig_count_waiting(rx), 1);
	ck_assert_uint_eq(rig_count_waiting(rig_socket), 0);
	net_go(HERE);
	fast_close(&rig_fast);
	ck_assert_int_eq(filters_count(a1, true), 0);
	net_grep("tc qdisc show dev a1; echo end", "end", line, sizeof(line));
	ck_assert_int_ne(system("tc qdisc show dev a1 | grep -q clsact"), 0);
}
END_TEST

/* What a relay leaves that was killed does nothing, and the next one takes it away. */
START_TEST(filter_of_the_dead_is_replaced)
{
	struct rule_output out = rig_output("239.2.2.2", 6000);
	static struct fast left; /* what a killed process would not free either */
	struct err err = {0};
	int rx = rig_receiver("239.2.2.2", 6000);

	rig_fast.hooks.outlives = true;
	rig_put(&out, 1);
	close(rig_fast.hooks.lock);
	left = rig_fast;
	ck_assert_int_eq(fast_open(4, 16, &rig_fast, &err), 0);
	rig_fast.hooks.outlives = true;
	rig_put(&out, 1);
	ck_assert_int_eq(filters_count(if_nametoindex("a1"), true), 1);
	ck_assert_uint_eq(rig_fast.hooks.handle, left.hooks.handle);
	rig_send(10, 1);
	ck_assert_uint_eq(rig_count_waiting(rx), 1);
	net_go(HERE);
	fast_close(&rig_fast);
	ck_assert_int_ne(system("tc qdisc show dev a1 | grep -q clsact"), 0);
}
END_TEST

static Suite *fast_change_suite(void)
{
	Suite *suite = suite_create("fast_change");
	TCase *tcase = tcase_create("fast_change");

	tcase_add_checked_fixture(tcase, rig_set_up, rig_tear_down);
	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, refused_by_the_queue_is_counted);
	tcase_add_test(tcase,
		       flow_is_dropped_and_summed_though_the_kernel_lacks_memory_for_a_moment);
	tcase_add_test(tcase, sums_hold_through_changes);
	tcase_add_test(tcase, more_than_there_is_room_for_changes_nothing);
	tcase_add_test(tcase, images_come_back_when_there_is_none_left);
	tcase_add_test(tcase, nobody_prolongs_it_and_it_ends);
	tcase_add_test(tcase, it_outlives_its_process_for_as_long_as_was_said);
	tcase_add_test(tcase, filters_of_others_stay_and_none_of_ours);
	tcase_add_test(tcase, kernel_without_links_gets_a_filter);
	tcase_add_test(tcase, filter_of_the_dead_is_replaced);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner;
	int failed;

	if (!rig_possible()) {
		return 77;
	}
	runner = srunner_create(fast_change_suite());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
