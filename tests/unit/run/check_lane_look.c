/* check_lane_look.c - a look at who may be carried for which memory is short.
 *
 * No program is loaded: what the lane knows of its flows is set by hand, and the linker sends here
 * what builds the index.
 */
#include "src/run/lane_look.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/rules/index.h"
#include "tests/unit/run/supervisor_rig.h"

int __real_conf_index_build(const struct conf *conf, struct conf_index *out);
int __wrap_conf_index_build(const struct conf *conf, struct conf_index *out);

int __wrap_lane_hops_find(struct lane_hops *hops, struct lane_hop_list *list, uint32_t first,
			  const struct lane_hop *key, struct hop *out);

static struct sup_rig rig;
static bool index_is_built, memory_is_there;
static uint32_t finds;

int __wrap_conf_index_build(const struct conf *conf, struct conf_index *out)
{
	return index_is_built ? __real_conf_index_build(conf, out) : -ENOMEM;
}

int __wrap_lane_hops_find(struct lane_hops *hops, struct lane_hop_list *list, uint32_t first,
			  const struct lane_hop *key, struct hop *out)
{
	(void)hops;
	(void)list;
	(void)first;
	(void)key;
	*out = (struct hop){0};
	finds++;
	return memory_is_there ? 0 : -ENOMEM;
}

/* Whether the lane wants another look after one with that much memory. */
static bool looks_again(bool memory)
{
	memory_is_there = memory;
	finds = 0;
	lane_look(&rig.sup);
	return rig.sup.lane.unseen;
}

START_TEST(flow_whose_next_hop_could_not_be_kept_is_looked_at_again)
{
	struct endpoint *to = &rig.opt.conf.outputs[0].to;

	rig.opt.fastpath = OPT_FASTPATH_AUTO;
	ck_assert_int_eq(addr_parse_ip("192.0.2.7", &to->addr), 0);
	to->ifname[0] = '\0';
	index_is_built = true;
	ck_assert(looks_again(false));
	ck_assert_uint_gt(finds, 0);
	ck_assert(!looks_again(true));
	ck_assert_uint_gt(finds, 0);
}
END_TEST

START_TEST(flows_that_could_not_be_looked_at_are_not_said_to_be_carried)
{
	struct lane *lane = &rig.sup.lane;

	lane->verdicts = calloc(1, sizeof(*lane->verdicts));
	ck_assert_ptr_nonnull(lane->verdicts);
	*lane->verdicts = (struct lane_verdict){.in = rig.flow.in, .reason = FAST_REASON_NONE};
	lane->verdict_count = lane->carried = 1;
	lane_look(&rig.sup);
	ck_assert_int_eq(lane_reason(&rig.sup, &rig.flow.in), FAST_REASON_REFUSED);
	ck_assert_uint_eq(lane->carried, 0);
	ck_assert_ptr_nonnull(strstr(logged(), "all flows go by their sockets until there is"));
	ck_assert(lane->unseen);
	lane_look(&rig.sup);
	ck_assert_str_eq(logged(), ""); /* it was said */
	index_is_built = true;
	lane_look(&rig.sup);
	ck_assert(!lane->unseen);
}
END_TEST

static void setup(void)
{
	sup_rig_open(&rig);
	logged_start();
	index_is_built = false;
}

static void teardown(void)
{
	lane_close(&rig.sup.lane);
	sup_rig_close(&rig);
}

int main(void)
{
	Suite *suite = suite_create("lane_look");
	TCase *tcase = tcase_create("lane_look");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, flow_whose_next_hop_could_not_be_kept_is_looked_at_again);
	tcase_add_test(tcase, flows_that_could_not_be_looked_at_are_not_said_to_be_carried);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
