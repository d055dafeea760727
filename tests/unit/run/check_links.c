/* check_links.c - who is told of what happens to interfaces, and what becomes of a change whose
 * flows and outputs could not be looked at.
 *
 * The linker sends here what hears the kernel, what is told, and what looks at flows and outputs:
 * the test says what happens, and which fails.
 */
#include "src/run/links.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "tests/unit/run/supervisor_rig.h"

void __wrap_ifwatch_tick(struct ifwatch *watch, const struct ifwatch_listener *listener,
			 uint64_t now_ns);
void __wrap_renew_want(struct renew *of, unsigned ifindex, bool whole, uint64_t now_ns);
void __wrap_follow_links(struct follow *of);
void __wrap_follow_tick(struct follow *of);
void __wrap_pending_wake(struct pending *of, unsigned ifindex, const char *ifname, uint64_t now_ns);
void __wrap_lane_tick(struct supervisor *sup, uint64_t now_ns);
bool __wrap_sources_tick(struct sources *of, const struct supervisor *sup);
int __wrap_pending_look(struct pending *of);
int __wrap_renew_look(struct renew *of);
int __wrap_names_look(struct names *of, struct err *err);
int __wrap_replies_look(struct replies *of, struct supervisor *sup, struct err *err);
void __wrap_lane_changed(struct supervisor *sup);

static struct sup_rig rig;
static struct links *links;
static int pending, renew, names, replies; /* what each returns */
static uint32_t looks, lanes;              /* at who is pending, and who is carried */

static struct ifwatch_event event; /* that is heard next; ifindex 0: none */
static struct {
	unsigned renewed, woken; /* interfaces; 0: none */
	bool whole, compared;
	uint32_t follows, lane_ticks, source_ticks;
} told;
static bool source_came; /* with the next look at addresses */

void __wrap_ifwatch_tick(struct ifwatch *watch, const struct ifwatch_listener *listener,
			 uint64_t now_ns)
{
	ck_assert_ptr_eq(watch, &links->watch);
	ck_assert_uint_gt(now_ns, 0);
	if (event.ifindex != 0) {
		listener->tell(listener->context, &event);
	}
	event.ifindex = 0;
}

void __wrap_renew_want(struct renew *of, unsigned ifindex, bool whole, uint64_t now_ns)
{
	ck_assert_ptr_eq(of, &links->renew);
	ck_assert_uint_eq(now_ns, links->now_ns);
	told.renewed = ifindex;
	told.whole = whole;
}

void __wrap_follow_links(struct follow *of)
{
	ck_assert_ptr_eq(of, &links->follow);
	told.compared = true;
}

void __wrap_follow_tick(struct follow *of)
{
	ck_assert_ptr_eq(of, &links->follow);
	told.follows++;
}

void __wrap_pending_wake(struct pending *of, unsigned ifindex, const char *ifname, uint64_t now_ns)
{
	ck_assert_ptr_eq(of, &links->pending);
	ck_assert_str_eq(ifname, "eth7");
	ck_assert_uint_eq(now_ns, links->now_ns);
	told.woken = ifindex;
}

void __wrap_lane_tick(struct supervisor *sup, uint64_t now_ns)
{
	ck_assert_ptr_eq(sup, &rig.sup);
	ck_assert_uint_eq(now_ns, links->now_ns);
	told.lane_ticks++;
}

bool __wrap_sources_tick(struct sources *of, const struct supervisor *sup)
{
	ck_assert_ptr_eq(of, &links->sources);
	ck_assert_ptr_eq(sup, &rig.sup);
	told.source_ticks++;
	return source_came;
}

int __wrap_pending_look(struct pending *of)
{
	ck_assert_ptr_eq(of, &links->pending);
	looks++;
	return pending;
}

int __wrap_renew_look(struct renew *of)
{
	ck_assert_ptr_eq(of, &links->renew);
	return renew;
}

int __wrap_names_look(struct names *of, struct err *err)
{
	ck_assert_ptr_eq(of, &links->names);
	if (names < 0) {
		err_set(err, "names");
	}
	return names;
}

int __wrap_replies_look(struct replies *of, struct supervisor *sup, struct err *err)
{
	ck_assert_ptr_eq(of, &sup->replies);
	if (replies < 0) {
		err_set(err, "replies");
	}
	return replies;
}

void __wrap_lane_changed(struct supervisor *sup)
{
	ck_assert_ptr_eq(sup, &rig.sup);
	lanes++;
}

static void setup(void)
{
	sup_rig_open(&rig);
	links = &rig.sup.links;
	links->sup = &rig.sup;
	links->watch.fd = -1;
	links->pending.sup = links->renew.sup = links->follow.sup = &rig.sup;
	rig.sup.changer.sup = &rig.sup;
	ck_assert_int_eq(gate_init(&rig.sup.gate), 0);
	pending = renew = names = replies = 0;
	memset(&told, 0, sizeof(told));
	event.ifindex = looks = lanes = 0;
	source_came = false;
	logged_start();
}

static void teardown(void)
{
	gate_free(&rig.sup.gate);
	sup_rig_close(&rig);
}

/* A change has come, and something of it fails; then all is there again, and a second is over. */
static void expect_another_look(const char *said)
{
	looks = 0;
	links_changed(links);
	ck_assert_uint_eq(looks, 1);
	ck_assert_ptr_nonnull(strstr(logged(), said));
	links->again_ns = UINT64_MAX;
	links_tick(links);
	ck_assert_uint_eq(looks, 1); /* the second is to pass */
	links->again_ns = 1;
	links_tick(links);
	ck_assert_uint_eq(looks, 2);
	ck_assert_str_eq(logged(), ""); /* it was said */
	pending = renew = names = replies = 0;
	links->again_ns = 1;
	links_tick(links);
	links_tick(links);
	ck_assert_uint_eq(looks, 3);
	ck_assert_uint_eq(links->again_ns, 0);
}

START_TEST(change_that_could_not_be_looked_at_is_looked_at_again)
{
	pending = -ENOMEM;
	expect_another_look("interfaces: out of memory; ");
	renew = -ENOMEM;
	expect_another_look("not known yet to be pending");
	names = -ENOMEM;
	expect_another_look("names; it is tried again each second");
	replies = -EMFILE;
	expect_another_look("replies; it is tried again each second");
}
END_TEST

START_TEST(what_was_looked_at_is_left_alone)
{
	looks = 0;
	links_changed(links);
	ck_assert_uint_eq(looks, 1);
	ck_assert_uint_eq(links->again_ns, 0);
	links_tick(links);
	ck_assert_uint_eq(looks, 1);
	ck_assert_str_eq(logged(), "");
}
END_TEST

/* What is told of news of interface 7. */
static void expect_told(enum ifwatch_news news, bool renewed, bool compared, bool woken)
{
	uint64_t heard = links->heard;

	memset(&told, 0, sizeof(told));
	links->follow.due = links->sources.due = rig.sup.lane.due = false;
	event = (struct ifwatch_event){.news = news, .ifindex = 7, .name = "eth7"};
	links_tick(links);
	ck_assert_uint_eq(links->heard, heard + 1);
	ck_assert_uint_eq(told.renewed, renewed ? 7 : 0);
	ck_assert_int_eq(told.compared, compared);
	ck_assert_uint_eq(told.woken, woken ? 7 : 0);
	ck_assert_int_eq(links->follow.due, news == IFWATCH_REMOVED || news == IFWATCH_MTU);
	ck_assert_int_eq(links->sources.due,
			 news == IFWATCH_ADDRESS || news == IFWATCH_ADDRESS_GONE);
	ck_assert_int_eq(rig.sup.lane.due, links->sources.due);
}

START_TEST(who_has_to_do_with_news_of_an_interface_is_told)
{
	expect_told(IFWATCH_ADDED, false, true, true);
	expect_told(IFWATCH_REMOVED, false, false, false);
	expect_told(IFWATCH_UP, true, true, true);
	ck_assert(told.whole);
	expect_told(IFWATCH_PORT_UP, true, true, true);
	ck_assert(!told.whole);
	expect_told(IFWATCH_DOWN, false, true, false);
	expect_told(IFWATCH_MTU, false, false, true);
	ck_assert(!rig.sup.lane.probes);
	expect_told(IFWATCH_ADDRESS, false, false, true);
	ck_assert(rig.sup.lane.probes);
	expect_told(IFWATCH_ADDRESS_GONE, false, false, false);
}
END_TEST

START_TEST(new_listing_of_interfaces_has_addresses_looked_at)
{
	links_tick(links);
	ck_assert(!links->sources.due);
	links->watch.table.listing++;
	links_tick(links);
	ck_assert(links->sources.due);
	links->sources.due = false;
	links_tick(links);
	ck_assert(!links->sources.due);
}
END_TEST

/* What it is about to change is not looked at, but for who may speak between its steps. */
START_TEST(sockets_are_left_alone_during_a_change)
{
	links_tick(links);
	ck_assert_uint_eq(told.follows, 1);
	ck_assert_uint_eq(told.lane_ticks, 1);
	ck_assert_uint_eq(told.source_ticks, 1);
	rig.sup.changer.phase = CHANGER_CHANGING;
	links->again_ns = 1;
	links_tick(links);
	ck_assert_uint_eq(told.follows, 1);
	ck_assert_uint_eq(told.lane_ticks, 1);
	ck_assert_uint_eq(told.source_ticks, 2);
	ck_assert_uint_eq(looks, 0);
	rig.sup.changer.waiting = true; /* a shard has the message */
	links_tick(links);
	ck_assert_uint_eq(told.source_ticks, 2);
}
END_TEST

START_TEST(source_address_that_came_has_duties_looked_at)
{
	links_tick(links);
	ck_assert(!rig.sup.changer.duty.due);
	source_came = true;
	links_tick(links);
	ck_assert(rig.sup.changer.duty.due);
}
END_TEST

START_TEST(change_is_not_looked_at_while_shards_end)
{
	rig.worker.closing = true;
	pending = -ENOMEM;
	links_changed(links);
	ck_assert_uint_eq(looks, 0);
	ck_assert_uint_eq(lanes, 0);
	ck_assert_uint_eq(links->again_ns, 0);
	ck_assert(links->sources.due);
	rig.worker.closing = false;
	links_changed(links);
	ck_assert_uint_eq(looks, 1);
	ck_assert_uint_eq(lanes, 1);
	ck_assert_uint_eq(links->heard, 2);
}
END_TEST

START_TEST(what_is_amiss_with_a_link_is_told_of_all_that_stands_on_it)
{
	struct ifwatch_link table[] = {{.ifindex = 3}, {.ifindex = 5, .running = true}};
	struct ingress_flow *flow = &rig.flow_room[0].flow;

	links->watch.table.links = table;
	links->watch.table.count = 2;
	rig.flow.ifindex = rig.outputs[0].ifindex = 5;
	ck_assert_ptr_null(links_flow_amiss(links, flow));
	stat_set(&rig.flow_stats.circling, 1);
	ck_assert_str_eq(links_flow_amiss(links, flow),
			 "what is relayed comes back by way of other hosts");
	rig.flow.ifindex = 3;
	ck_assert_str_eq(links_flow_amiss(links, flow), "the link of its interface is down");
	ck_assert_ptr_null(links_output_amiss(links, &rig.outputs[0]));
	rig.outputs[0].ifindex = 3;
	ck_assert_ptr_nonnull(links_output_amiss(links, &rig.outputs[0]));
	ck_assert_ptr_null(links_amiss(links, 4)); /* nothing is known of it */
	links->watch.table = (struct ifwatch_table){0};
}
END_TEST

START_TEST(output_waits_for_its_source_address)
{
	struct rule_table_output *rule = &rig.outputs[0];
	struct source gone = {.addr = {.family = AF_INET, .ip = {10, 9, 9, 9}}};

	ck_assert_ptr_null(links_output_waits(links, rule));
	links->sources.gone = &gone;
	links->sources.count = 1;
	ck_assert_ptr_null(links_output_waits(links, rule));
	rule->out.src = gone.addr;
	ck_assert_ptr_nonnull(strstr(links_output_waits(links, rule), "(src=) is not this host's"));
	links->sources = (struct sources){0};
}
END_TEST

START_TEST(control_wakes_for_whatever_is_due_first)
{
	struct pending_item item = {.next_ns = 1};

	ck_assert_int_ge(links_sleep_ms(links, 1000), 1000);
	rig.sup.lane.hops.routes = true;
	ck_assert_int_le(links_sleep_ms(links, 1000), 201);
	ck_assert_int_ge(links_sleep_ms(links, 1000), 200);
	links->pending.items = &item;
	links->pending.count = 1;
	ck_assert_int_lt(links_sleep_ms(links, 1000), 200);
	rig.sup.changer.phase = CHANGER_CHANGING; /* it will not be tried meanwhile */
	ck_assert_int_eq(links_sleep_ms(links, 1000), 200);
	links->pending = (struct pending){0};
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		change_that_could_not_be_looked_at_is_looked_at_again,
		what_was_looked_at_is_left_alone,
		who_has_to_do_with_news_of_an_interface_is_told,
		new_listing_of_interfaces_has_addresses_looked_at,
		sockets_are_left_alone_during_a_change,
		source_address_that_came_has_duties_looked_at,
		change_is_not_looked_at_while_shards_end,
		what_is_amiss_with_a_link_is_told_of_all_that_stands_on_it,
		output_waits_for_its_source_address,
		control_wakes_for_whatever_is_due_first,
	};
	Suite *suite = suite_create("links");
	TCase *tcase = tcase_create("links");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		tcase_add_test(tcase, tests[i]);
	}
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
