/* check_members.c - whose a flow is: one member's, the same everywhere, and moved only if it must.
 */
#include "src/rules/members.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/rules/partition.h"

#define FLOWS 1024
#define MOST  8

static struct members read_list(const char *text)
{
	struct members members = {0};
	struct err err;

	ck_assert_msg(members_read(text, strlen(text), "list", &members, &err) == 0, "%s",
		      err.text);
	return members;
}

/* Those of "m0" to "m7" whose bit is set, in an order of the test's. */
static struct members subset(unsigned bits)
{
	char text[64] = "";

	for (unsigned i = MOST; i-- > 0;) {
		if (bits >> i & 1) {
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "m%u,", i);
		}
	}
	return read_list(text);
}

static struct rule_ingress flow(unsigned number)
{
	struct rule_ingress in = {0};

	in.at.addr = (struct addr){.family = AF_INET, .port = 5000};
	memcpy(in.at.addr.ip, (unsigned char[]){239, 1, number >> 8 & 255, number & 255}, 4);
	return in;
}

/* Who has it, by name. */
static const char *first_of(const struct members *members, const struct rule_ingress *in)
{
	return members->names[members_rank(members, in, NULL).first];
}

START_TEST(a_list_is_read_however_it_is_written)
{
	struct members a = read_list("b,a , c"), b = read_list("# all\n c\na\n\nb # last\n");

	ck_assert_uint_eq(a.count, 3);
	ck_assert_uint_eq(a.hash, b.hash);
	ck_assert_str_eq(a.names[0], "a");
	ck_assert_uint_eq(members_find(&b, "c"), 2);
	ck_assert_uint_eq(members_find(&b, "d"), MEMBER_NONE);
	members_free(&b);
	b = read_list("a,b,d");
	ck_assert_uint_ne(a.hash, b.hash);
	members_free(&a);
	members_free(&b);
}
END_TEST

START_TEST(a_list_that_cannot_be_meant_is_refused)
{
	static const char longest[] =
		"012345678901234567890123456789012345678901234567890123456789012";
	const char *const wrong[] = {"", "# none", "a,b,a", "a b%c", "a,\xff", longest};
	struct members members = {0};
	struct err err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t len = strlen(wrong[i]);
		int rc = members_read(wrong[i], len, "list", &members, &err);

		ck_assert_int_eq(rc, i == 5 ? 0 : -EINVAL);
		if (rc == 0) {
			members_free(&members);
		} else {
			ck_assert_ptr_nonnull(strstr(err.text, "list: "));
		}
	}
	ck_assert_int_eq(members_read("a\0b", 3, "list", &members, &err), -EINVAL);
}
END_TEST

/* For every subset of eight members: one first, one second that is another, and both by the list
 * alone. Of a member that goes what it had goes to where it stood by, and nothing else moves. */
START_TEST(each_flow_is_one_members_and_moves_only_when_that_goes_or_another_gets_it)
{
	for (unsigned bits = 1; bits < 1U << MOST; bits++) {
		struct members all = subset(bits);

		for (unsigned f = 0; f < 64; f++) {
			struct rule_ingress in = flow(f);
			struct members_rank rank = members_rank(&all, &in, NULL);
			unsigned gone = (unsigned)atoi(all.names[rank.first] + 1);
			struct members left = {0};

			ck_assert_uint_lt(rank.first, all.count);
			ck_assert(all.count == 1
					  ? rank.second == MEMBER_NONE
					  : rank.second < all.count && rank.second != rank.first);
			if (all.count == 1) {
				continue;
			}
			left = subset(bits & ~(1U << gone));
			ck_assert_str_eq(first_of(&left, &in), all.names[rank.second]);
			members_free(&left);
			left = subset(bits & ~(1U << (gone + 1) % MOST));
			if (left.count < all.count && left.count > 0) {
				ck_assert_str_eq(first_of(&left, &in), all.names[rank.first]);
			}
			members_free(&left);
		}
		members_free(&all);
	}
}
END_TEST

static unsigned fullest(const struct members *members, unsigned first_flow)
{
	unsigned counts[MOST] = {0}, most = 0;

	for (unsigned f = 0; f < FLOWS; f++) {
		struct rule_ingress in = flow(first_flow + f);
		unsigned *count = &counts[members_rank(members, &in, NULL).first];

		most = ++*count > most ? *count : most;
	}
	return most;
}

START_TEST(a_thousand_flows_are_shared_by_eight_about_equally)
{
	struct members all = subset(255), less = subset(127);
	unsigned moved = 0, beyond = 0;

	ck_assert_uint_le(fullest(&all, 0) * 10, FLOWS / MOST * 12);
	for (unsigned draw = 0; draw < 60; draw++) {
		unsigned most = fullest(&all, draw * FLOWS);

		beyond += most * 10 > FLOWS / MOST * 12;
		ck_assert_uint_le(most * 100, FLOWS / MOST * 135);
	}
	ck_assert_uint_le(beyond, 9); /* by chance 4 of 60, with a deviation of 2 */
	for (unsigned f = 0; f < FLOWS; f++) {
		struct rule_ingress in = flow(f);
		const char *before = first_of(&all, &in), *after = first_of(&less, &in);
		bool moves = strcmp(before, after) != 0;

		ck_assert_int_eq(moves, strcmp(before, "m7") == 0);
		moved += moves;
	}
	ck_assert_uint_gt(moved, FLOWS / MOST * 8 / 10);
	ck_assert_uint_lt(moved, FLOWS / MOST * 12 / 10);
	members_free(&all);
	members_free(&less);
}
END_TEST

START_TEST(the_interface_does_not_count_and_the_source_does)
{
	struct members all = subset(255);
	unsigned moved = 0;

	for (unsigned f = 0; f < 64; f++) {
		struct rule_ingress in = flow(f), other = in;
		char text[MEMBER_FLOW_TEXT_MAX];

		memcpy(other.at.ifname, "eth9", 5);
		ck_assert_str_eq(first_of(&all, &in), first_of(&all, &other));
		ck_assert_int_eq(addr_parse_ip("10.0.0.1", &other.source), 0);
		ck_assert_ptr_nonnull(
			strstr(members_format_flow(&other, text), "10.0.0.1@239.1.0."));
		moved += strcmp(first_of(&all, &in), first_of(&all, &other)) != 0;
	}
	ck_assert_uint_gt(moved, 40);
	members_free(&all);
}
END_TEST

START_TEST(who_is_named_is_first_as_long_as_it_is_there)
{
	struct members all = subset(255), less = subset(254);

	for (unsigned f = 0; f < 64; f++) {
		struct rule_ingress in = flow(f);
		struct members_rank rank = members_rank(&all, &in, "m0");

		ck_assert_uint_eq(rank.first, 0);
		ck_assert_str_eq(all.names[rank.second], first_of(&less, &in));
		rank = members_rank(&less, &in, "m0");
		ck_assert_str_eq(less.names[rank.first], first_of(&less, &in));
	}
	members_free(&all);
	members_free(&less);
}
END_TEST

/* Over all members each flow of each rule is there once to be relayed and once to stand by. */
START_TEST(all_members_together_have_all_flows_once)
{
	static const char rule[] =
		"239.1.0.0/26%eth0:5000-5001 name=r -> 239.2.0.0/26%eth1:6000-6001";
	static const char merged[] = "239.3.1.1%eth0:5000 seq=rtp + 239.3.1.2%eth0:5000 name=m -> "
				     "239.4.1.1%eth1:6000";
	unsigned active = 0, standby = 0, legs = 0;

	for (unsigned m = 0; m < 4; m++) {
		struct members members = subset(15);
		struct partition partition;
		struct conf conf = {0};
		struct err err;
		char name[8];

		snprintf(name, sizeof(name), "m%u", m);
		ck_assert_int_eq(conf_add_rule(&conf, rule, "a", &err), 0);
		ck_assert_int_eq(conf_add_rule(&conf, merged, "b", &err), 0);
		ck_assert_int_eq(partition_apply(&conf, "m9", &members, &partition, &err), -EINVAL);
		ck_assert_int_eq(partition_apply(&conf, name, &members, &partition, &err), 0);
		ck_assert_uint_eq(partition.flow_count, 129);
		ck_assert_uint_eq(conf.rule_count, 2);
		ck_assert_uint_eq(conf.rules[0].flow_count + conf.rules[1].flow_count,
				  conf.flow_count);
		for (uint32_t f = 0; f < conf.flow_count; f++) {
			const struct conf_flow *flow = &conf.flows[f];
			const struct conf_rule *of = &conf.rules[flow->rule];

			ck_assert_uint_ge(f, of->first_flow);
			ck_assert_uint_lt(f, of->first_flow + of->flow_count);
			active += !flow->standby && flow->leg == 0;
			standby += flow->standby && flow->leg == 0;
			legs += flow->leg == 1;
			ck_assert_int_eq(flow->standby, conf_lead(flow)->standby);
		}
		partition_free(&partition);
		conf_free(&conf);
	}
	ck_assert_uint_eq(active, 129);
	ck_assert_uint_eq(standby, 129);
	ck_assert_uint_eq(legs, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("members");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("members");
	int failed;

	tcase_add_test(tc, a_list_is_read_however_it_is_written);
	tcase_add_test(tc, a_list_that_cannot_be_meant_is_refused);
	tcase_add_test(tc,
		       each_flow_is_one_members_and_moves_only_when_that_goes_or_another_gets_it);
	tcase_add_test(tc, a_thousand_flows_are_shared_by_eight_about_equally);
	tcase_add_test(tc, the_interface_does_not_count_and_the_source_does);
	tcase_add_test(tc, who_is_named_is_first_as_long_as_it_is_there);
	tcase_add_test(tc, all_members_together_have_all_flows_once);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
