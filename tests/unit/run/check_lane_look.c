/* check_lane_look.c - who is carried, and as what: what a place lacks has its reason, and what it
 * has is what the program is told. And a look for which memory is short.
 *
 * The linker sends here what builds the index and what finds next hops.
 */
#include "src/run/lane_look.h"

#include <check.h>
#include <endian.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>

#include "src/rules/index.h"
#include "tests/unit/run/lane_rig.h"

int __real_conf_index_build(const struct conf *conf, struct conf_index *out);
int __wrap_conf_index_build(const struct conf *conf, struct conf_index *out);

int __wrap_lane_hops_find(struct lane_hops *hops, struct lane_hop_list *list, uint32_t first,
			  const struct lane_hop *key, struct hop *out);

static struct supervisor *const sup = &rig.at.sup;
static struct ingress_flow *const flow = &rig.at.flow_room[0].flow;
static bool index_is_built, memory_is_there;
static uint32_t finds;
static struct hop next_hop; /* that is found */

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
	*out = next_hop;
	finds++;
	return memory_is_there ? 0 : -ENOMEM;
}

/* Whether the lane wants another look after one with that much memory. */
static bool looks_again(bool memory)
{
	memory_is_there = memory;
	finds = 0;
	lane_look(&rig.at.sup);
	return rig.at.sup.lane.unseen;
}

START_TEST(flow_whose_next_hop_could_not_be_kept_is_looked_at_again)
{
	struct endpoint *to = &rig.at.opt.conf.outputs[0].to;

	rig.at.opt.fastpath = OPT_FASTPATH_AUTO;
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
	struct lane *lane = &rig.at.sup.lane;

	lane->verdicts = calloc(1, sizeof(*lane->verdicts));
	ck_assert_ptr_nonnull(lane->verdicts);
	*lane->verdicts = (struct lane_verdict){.in = rig.at.flow.in, .reason = FAST_REASON_NONE};
	lane->verdict_count = lane->carried = 1;
	lane_look(&rig.at.sup);
	ck_assert_int_eq(lane_reason(&rig.at.sup, &rig.at.flow.in), FAST_REASON_REFUSED);
	ck_assert_uint_eq(lane->carried, 0);
	ck_assert_ptr_nonnull(strstr(logged(), "all flows go by their sockets until there is"));
	ck_assert(lane->unseen);
	lane_look(&rig.at.sup);
	ck_assert_str_eq(logged(), ""); /* it was said */
	index_is_built = true;
	lane_look(&rig.at.sup);
	ck_assert(!lane->unseen);
}
END_TEST

static void setup(void)
{
	lane_rig_open();
	index_is_built = false;
	memory_is_there = true;
	next_hop = (struct hop){0};
}

/* As it is while all is well. */
static void carry(void)
{
	index_is_built = true;
	lane_rig_carry();
}

/* What a look makes of the flow by now. */
static enum fast_reason reason(void)
{
	lane_look(sup);
	ck_assert_int_eq(lane_reason(sup, &rig.at.flow.in) == FAST_REASON_NONE,
			 lane_rig_record()->image != FAST_NONE);
	return lane_reason(sup, &rig.at.flow.in);
}

static const struct fast_output *wire_of(uint32_t o)
{
	const struct fast_record *record = lane_rig_record();

	ck_assert_uint_eq(record->output_count, SUP_RIG_OUTPUTS);
	ck_assert(addr_equal(&record->outputs[o].to.addr, &rig.at.outputs[o].out.to.addr));
	return &record->outputs[o].wire;
}

START_TEST(flow_that_is_not_ready_is_not_carried)
{
	carry();
	flow->fd = -1;
	ck_assert_int_eq(reason(), FAST_REASON_PENDING);
	flow->fd = rig.rx;
	flow->going = true;
	ck_assert_int_eq(reason(), FAST_REASON_PENDING);
	flow->going = false;
	rig.at.flow.ifindex = 8; /* the interface is another one than it has joined on */
	ck_assert_int_eq(reason(), FAST_REASON_PENDING);
	rig.at.flow.ifindex = 1;
	flow->first_output = PLACE_NONE;
	ck_assert_int_eq(reason(), FAST_REASON_PENDING);
	flow->first_output = 0;
	flow->held = true;
	ck_assert_int_eq(reason(), FAST_REASON_STANDBY);
	flow->held = false;
	rig.at.flow.standby = true;
	ck_assert_int_eq(reason(), FAST_REASON_STANDBY);
	rig.at.flow.standby = false;
	ck_assert_int_eq(reason(), FAST_REASON_NONE);
	rig.at.flow_room[0].flow.rule = NULL; /* it has no place any more */
	lane_look(sup);
	ck_assert_int_eq(lane_reason(sup, &rig.at.flow.in), FAST_REASON_PENDING);
}
END_TEST

START_TEST(flow_is_not_carried_without_its_last_output)
{
	struct output_place *last = &rig.at.output_room[SUP_RIG_OUTPUTS - 1];

	carry();
	last->output.state = OUTPUT_PENDING;
	ck_assert_int_eq(reason(), FAST_REASON_PENDING);
	last->output.state = OUTPUT_OPEN;
	last->output.fd = -1;
	ck_assert_int_eq(reason(), FAST_REASON_PENDING);
	last->output.fd = rig.tx;
	rig.at.outputs[1].ifindex = 8;
	ck_assert_int_eq(reason(), FAST_REASON_PENDING);
	rig.at.outputs[1].ifindex = 2;
	memset(last->got.local.ip, 0, sizeof(last->got.local.ip));
	ck_assert_int_eq(reason(), FAST_REASON_SOURCE);
	last->rule.out = rig.at.outputs[1].out;
	rig.at.outputs[1].out.src_keep = true; /* it needs none of its own */
	ck_assert_int_eq(reason(), FAST_REASON_NONE);
}
END_TEST

START_TEST(output_whose_source_address_has_gone_is_not_carried)
{
	struct source gone = {.addr = {.family = AF_INET, .ip = {10, 2, 0, 2}}};

	carry();
	rig.at.outputs[1].out.src = gone.addr;
	sup->links.sources.gone = &gone;
	sup->links.sources.count = 1;
	ck_assert_int_eq(reason(), FAST_REASON_SOURCE);
	sup->links.sources = (struct sources){0};
	ck_assert_int_eq(reason(), FAST_REASON_NONE);
}
END_TEST

START_TEST(program_is_told_of_as_many_echoes_as_it_holds)
{
	struct addr echoes[FAST_ECHOES_MAX + 1];

	for (uint32_t i = 0; i <= FAST_ECHOES_MAX; i++) {
		echoes[i] = (struct addr){.family = AF_INET, .port = (uint16_t)(1 + i)};
	}
	carry();
	flow->echoes = echoes;
	flow->echo_count = FAST_ECHOES_MAX;
	ck_assert_int_eq(reason(), FAST_REASON_NONE);
	ck_assert_uint_eq(lane_rig_record()->now.echo_count, FAST_ECHOES_MAX);
	ck_assert_uint_eq(lane_rig_record()->now.echoes[7].port, htobe16(8));
	flow->echo_count++;
	ck_assert_int_eq(reason(), FAST_REASON_ECHOES);
}
END_TEST

START_TEST(program_is_told_what_each_output_is_by_now)
{
	carry();
	rig.mtu_out = 9000;
	rig.at.opt.conf.outputs[0].mtu = rig.at.outputs[0].out.mtu = 1600;
	rig.at.output_room[1].output.dark = true;
	ck_assert_int_eq(reason(), FAST_REASON_NONE);
	ck_assert_uint_eq(lane_rig_record()->now.mtu, 1600); /* the least */
	ck_assert_uint_eq(wire_of(0)->ifindex, 2);
	ck_assert_uint_eq(wire_of(0)->from_port, htobe16(40000));
	ck_assert_uint_eq(wire_of(1)->from_port, htobe16(40001));
	ck_assert_uint_eq(wire_of(0)->flags & FAST_DARK, 0);
	ck_assert_uint_eq(wire_of(1)->flags & FAST_DARK, FAST_DARK);
	ck_assert_uint_eq(lane_rig_record()->puts, 1); /* it went on meanwhile */
}
END_TEST

/* By the neighbour 10.2.0.9. */
START_TEST(output_to_a_host_goes_to_its_next_hop)
{
	const struct addr host = {.family = AF_INET, .port = 6000, .ip = {192, 0, 2, 7}};

	carry();
	rig.at.outputs[1].out.to.addr = rig.at.opt.conf.outputs[1].to.addr = host;
	next_hop = (struct hop){.way = HOP_NOWHERE};
	ck_assert_int_eq(reason(), FAST_REASON_ROUTE);
	next_hop = (struct hop){.way = HOP_NEIGHBOUR,
				.addr = {.family = AF_INET, .ip = {10, 2, 0, 9}},
				.mac = {2, 0, 0, 0, 0, 9}};
	ck_assert_int_eq(reason(), FAST_REASON_NEIGHBOUR);
	next_hop.mac_bytes = 6;
	next_hop.state = NUD_REACHABLE;
	ck_assert_int_eq(reason(), FAST_REASON_NONE);
	ck_assert_mem_eq(lane_rig_record()->outputs[2].wire.to_mac, next_hop.mac, 6);
	ck_assert_uint_eq(lane_rig_record()->now.output_count, 2);
	next_hop.state = NUD_STALE;
	ck_assert_int_eq(reason(), FAST_REASON_NONE);
	sup->lane.hops.refused = true; /* nobody would have it asked for again */
	ck_assert_int_eq(reason(), FAST_REASON_NEIGHBOUR);
}
END_TEST

START_TEST(output_to_a_name_that_has_no_address_is_waited_for)
{
	static const struct host_name name = {.text = "a.example"};
	struct endpoint *to = &rig.at.opt.conf.outputs[1].to;

	carry();
	to->name = &name;
	memset(to->addr.ip, 0, sizeof(to->addr.ip));
	ck_assert_int_eq(reason(), FAST_REASON_PENDING);
}
END_TEST

/* How often it is said, of three looks. */
static uint32_t says_of_three(const char *words)
{
	uint32_t said = 0;

	(void)logged();
	for (int i = 0; i < 3; i++) {
		lane_look(sup);
		said += strstr(logged(), words) != NULL;
	}
	return said;
}

START_TEST(what_the_kernel_refuses_is_said_once)
{
	index_is_built = true;
	rig.writes = -EPERM;
	ck_assert_int_eq(lane_open(sup, &(struct err){0}), 0);
	lane_look(sup);
	ck_assert_ptr_null(strstr(logged(), "the kernel refuses it")); /* what it says is better */
	sup->lane.told = 0;
	ck_assert_uint_eq(says_of_three("go by their sockets: Operation not permitted"), 1);
	ck_assert_int_eq(reason(), FAST_REASON_REFUSED);
	ck_assert(!sup->lane.unseen); /* it is so the next time, too */
	rig.writes = -ENOMEM;
	ck_assert_int_eq(reason(), FAST_REASON_REFUSED);
	ck_assert(sup->lane.unseen);
	rig.writes = 0;
	ck_assert_int_eq(reason(), FAST_REASON_NONE);
	ck_assert(!sup->lane.unseen);
}
END_TEST

START_TEST(what_a_rule_says_is_said_once_and_what_comes_and_goes_never)
{
	struct err err;

	carry();
	rig.mtu_out = 0;
	ck_assert_uint_eq(says_of_three("fast path"), 0);
	ck_assert_int_eq(lane_check_all(sup, &err), 0);
	rig.mtu_out = 1500;
	flow->held = true;
	ck_assert_uint_eq(says_of_three("fast path"), 0);
	ck_assert_int_eq(lane_check_all(sup, &err), 0);
	flow->held = false;
	rig.at.opt.conf.outputs[0].reply = true;
	ck_assert_uint_eq(says_of_three("and others perhaps, go by their sockets: an output has "
					"reply=yes"),
			  1);
	ck_assert_int_eq(lane_check_all(sup, &err), -EINVAL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		flow_whose_next_hop_could_not_be_kept_is_looked_at_again,
		flows_that_could_not_be_looked_at_are_not_said_to_be_carried,
		flow_that_is_not_ready_is_not_carried,
		flow_is_not_carried_without_its_last_output,
		output_whose_source_address_has_gone_is_not_carried,
		program_is_told_of_as_many_echoes_as_it_holds,
		program_is_told_what_each_output_is_by_now,
		output_to_a_host_goes_to_its_next_hop,
		output_to_a_name_that_has_no_address_is_waited_for,
		what_the_kernel_refuses_is_said_once,
		what_a_rule_says_is_said_once_and_what_comes_and_goes_never,
	};
	Suite *suite = suite_create("lane_look");
	TCase *tcase = tcase_create("lane_look");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, lane_rig_close);
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
