/* check_follow.c - what is closed, told and left alone when interfaces are others than they were.
 *
 * The linker sends here what asks the kernel, and lists for the changer: each is done at once, or
 * not taken.
 */
#include "src/run/follow.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/run/supervisor_rig.h"

#define STEPS_MAX 8

enum {
	IN,
	OUT,
	IFACES
};

int __wrap_iface_index(const char *name, unsigned *out);
uint32_t __wrap_iface_mtu(const char *name);
const char *__wrap_links_amiss(const struct links *links, unsigned ifindex);
void __wrap_links_changed(struct links *links);
int __wrap_changer_begin(struct changer *c, struct changer_step *list, uint32_t count,
			 const struct changer_client *client);

static struct sup_rig rig;
static struct iface ifaces[IFACES];
static struct follow follow;
static unsigned index_now[IFACES];
static uint32_t mtu_now[IFACES];
static int refusal[IFACES]; /* of whoever is asked for the index */
static unsigned dark;       /* index without a carrier */
static int changer_refusal;
static struct changer_step steps[STEPS_MAX]; /* of the last list */
static uint32_t step_count, lists, told;

static int which(const char *name)
{
	return strcmp(name, "eth0") == 0 ? IN : OUT;
}

int __wrap_iface_index(const char *name, unsigned *out)
{
	int rc = refusal[which(name)];

	if (rc == 0) {
		*out = index_now[which(name)];
	}
	return rc;
}

uint32_t __wrap_iface_mtu(const char *name)
{
	return refusal[which(name)] == 0 ? mtu_now[which(name)] : 0;
}

const char *__wrap_links_amiss(const struct links *links, unsigned ifindex)
{
	(void)links;
	return ifindex == dark ? "dark" : NULL;
}

/* What has been closed is pending now. */
void __wrap_links_changed(struct links *links)
{
	ck_assert_ptr_eq(links, &rig.sup.links);
	told++;
}

int __wrap_changer_begin(struct changer *c, struct changer_step *list, uint32_t count,
			 const struct changer_client *client)
{
	(void)c;
	if (changer_refusal < 0) {
		return changer_refusal;
	}
	ck_assert_uint_le(count, STEPS_MAX);
	memcpy(steps, list, count * sizeof(*list));
	step_count = count;
	lists++;
	client->done(client->context, 0, true, NULL);
	return 0;
}

/* A flow by eth0, index 2, and two outputs by eth1, index 3. */
static void setup(void)
{
	static const char *const names[IFACES] = {"eth0", "eth1"};

	sup_rig_open(&rig);
	for (unsigned i = 0; i < IFACES; i++) {
		index_now[i] = i + 2;
		mtu_now[i] = 1500;
		refusal[i] = 0;
		ifaces[i] = (struct iface){.ifindex = i + 2, .mtu = 1500};
		strcpy(ifaces[i].name, names[i]);
	}
	rig.setup.ifaces = (struct iface_table){ifaces, IFACES};
	rig.flow.ifindex = 2;
	rig.flow_room[0].rule = rig.flow;
	for (uint32_t o = 0; o < SUP_RIG_OUTPUTS; o++) {
		rig.outputs[o].ifindex = 3;
		rig.outputs[o].mtu = 1500;
		rig.output_room[o].rule = rig.outputs[o];
	}
	follow = (struct follow){.sup = &rig.sup};
	changer_refusal = 0;
	dark = 0;
	lists = step_count = told = 0;
}

static void teardown(void)
{
	sup_rig_close(&rig);
}

/* Something has happened; so many steps are made of it. */
static void expect_steps(uint32_t count)
{
	lists = step_count = told = 0;
	follow_links(&follow);
	follow_tick(&follow);
	ck_assert_uint_eq(step_count, count);
	ck_assert_uint_eq(told, lists);
	ck_assert_uint_eq(lists, count > 0);
	ck_assert(!follow.due);
}

/* As the shards have done it: what was closed has no socket. */
static void close_flow(void)
{
	rig.flow_room[0].flow.fd = -1;
}

START_TEST(nothing_is_done_where_all_is_as_it_was)
{
	expect_steps(0);
	follow_tick(&follow); /* nobody has said anything */
	ck_assert_uint_eq(lists, 0);
}
END_TEST

START_TEST(flow_whose_interface_has_gone_is_closed_once)
{
	refusal[IN] = -ENODEV;
	index_now[IN] = 0;
	expect_steps(1);
	ck_assert_int_eq(steps[0].op, SHARD_CLOSE_FLOW);
	ck_assert_ptr_eq(steps[0].flow, &rig.flow_room[0].rule);
	ck_assert_uint_eq(ifaces[IN].ifindex, 0);
	ck_assert_uint_eq(ifaces[IN].mtu, 1500); /* nobody knows another */
	close_flow();
	expect_steps(0);
	refusal[IN] = 0;
	index_now[IN] = 7; /* to be opened there is another's work */
	expect_steps(0);
	ck_assert_uint_eq(ifaces[IN].ifindex, 7);
}
END_TEST

START_TEST(outputs_whose_interface_is_another_are_closed)
{
	index_now[OUT] = 9;
	expect_steps(SUP_RIG_OUTPUTS);
	for (uint32_t o = 0; o < SUP_RIG_OUTPUTS; o++) {
		ck_assert_int_eq(steps[o].op, SHARD_CLOSE_OUTPUT);
		ck_assert_ptr_eq(steps[o].output, &rig.output_room[o].rule);
		ck_assert_ptr_eq(steps[o].flow, &rig.flow_room[0].rule);
		rig.output_room[o].output.fd = -1;
	}
	expect_steps(0);
}
END_TEST

START_TEST(other_mtu_is_told_to_what_leaves_there)
{
	mtu_now[OUT] = 1400;
	expect_steps(SUP_RIG_OUTPUTS);
	ck_assert_int_eq(steps[0].op, SHARD_TRY_PATH);
	ck_assert_uint_eq(steps[0].mtu, 1400);
	ck_assert(!steps[0].dark);
	ck_assert_uint_eq(ifaces[OUT].mtu, 1400);
}
END_TEST

/* It may leave by any: so whichever MTU is another one, and only then. */
START_TEST(output_that_names_no_interface_hears_of_each_mtu)
{
	rig.output_room[0].rule.out.to.ifname[0] = '\0';
	rig.output_room[0].rule.ifindex = 0;
	expect_steps(0);
	mtu_now[IN] = 9000;
	expect_steps(1);
	ck_assert_int_eq(steps[0].op, SHARD_TRY_PATH);
	ck_assert_ptr_eq(steps[0].output, &rig.output_room[0].rule);
	ck_assert_uint_eq(steps[0].mtu, 0);
	expect_steps(0);
}
END_TEST

START_TEST(outputs_are_told_that_the_carrier_has_gone_and_come)
{
	dark = 3;
	expect_steps(SUP_RIG_OUTPUTS);
	ck_assert_int_eq(steps[0].op, SHARD_TRY_PATH);
	ck_assert(steps[0].dark);
	rig.output_room[0].output.dark = rig.output_room[1].output.dark = true;
	expect_steps(0);
	dark = 0;
	expect_steps(SUP_RIG_OUTPUTS);
	ck_assert(!steps[0].dark);
}
END_TEST

/* An answer that there is none would close what still relays. */
START_TEST(interface_that_cannot_be_asked_for_is_what_it_was)
{
	refusal[IN] = -EMFILE;
	follow_links(&follow);
	follow_tick(&follow);
	ck_assert_uint_eq(lists, 0);
	ck_assert_uint_eq(ifaces[IN].ifindex, 2);
	ck_assert(follow.due); /* again in a moment */
	refusal[IN] = -ENODEV;
	index_now[IN] = 0;
	follow_tick(&follow);
	ck_assert_uint_eq(step_count, 1);
	ck_assert_int_eq(steps[0].op, SHARD_CLOSE_FLOW);
}
END_TEST

START_TEST(list_that_is_not_taken_is_made_again)
{
	index_now[OUT] = 9;
	changer_refusal = -ENOMEM;
	follow_links(&follow);
	follow_tick(&follow);
	ck_assert_uint_eq(lists, 0);
	ck_assert(follow.due);
	ck_assert_ptr_null(follow.steps);
	changer_refusal = 0;
	follow_tick(&follow); /* though the table has the new index by now */
	ck_assert_uint_eq(step_count, SUP_RIG_OUTPUTS);
}
END_TEST

START_TEST(nothing_is_looked_at_amid_another_list)
{
	index_now[IN] = 5;
	rig.sup.changer.phase = CHANGER_CHANGING;
	follow_links(&follow);
	follow_tick(&follow);
	ck_assert_uint_eq(ifaces[IN].ifindex, 2);
	rig.sup.changer.phase = CHANGER_IDLE;
	follow_tick(&follow);
	ck_assert_uint_eq(step_count, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("follow");
	TCase *tcase = tcase_create("interfaces");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_is_done_where_all_is_as_it_was);
	tcase_add_test(tcase, flow_whose_interface_has_gone_is_closed_once);
	tcase_add_test(tcase, outputs_whose_interface_is_another_are_closed);
	tcase_add_test(tcase, other_mtu_is_told_to_what_leaves_there);
	tcase_add_test(tcase, output_that_names_no_interface_hears_of_each_mtu);
	tcase_add_test(tcase, outputs_are_told_that_the_carrier_has_gone_and_come);
	tcase_add_test(tcase, interface_that_cannot_be_asked_for_is_what_it_was);
	tcase_add_test(tcase, list_that_is_not_taken_is_made_again);
	tcase_add_test(tcase, nothing_is_looked_at_amid_another_list);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
