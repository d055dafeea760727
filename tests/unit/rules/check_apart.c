/* check_apart.c - which flows of one port are told apart, by source, address or interface, and
 * which turn out to be one once interfaces have their own names.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/rules/conf.h"

static struct conf conf;
static struct err err;

static void set_up(void)
{
	conf = (struct conf){0};
	strcpy(err.text, "");
}

static void tear_down(void)
{
	conf_free(&conf);
}

static void add(const char *text)
{
	char where[32];

	snprintf(where, sizeof(where), "f:%u", conf.rule_count + 1);
	ck_assert_msg(conf_add_rule(&conf, text, where, &err) == 0, "'%s': %s", text, err.text);
}

static void taken(void)
{
	int rc = conf_check_twins(&conf, &err);

	ck_assert_msg(rc == 0, "%s", err.text);
	conf_free(&conf);
}

/* The refusal begins with `where' and contains `piece'. */
static void refused(const char *where, const char *piece)
{
	int rc = conf_check_twins(&conf, &err);

	ck_assert_int_eq(rc, -EINVAL);
	ck_assert_msg(strncmp(err.text, where, strlen(where)) == 0, "%s", err.text);
	ck_assert_msg(strstr(err.text, piece) != NULL, "%s", err.text);
	conf_free(&conf);
}

START_TEST(unicast_is_told_apart_by_single_sources)
{
	add("192.0.2.1@192.0.2.9:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.2@192.0.2.9:5000 -> 239.2.2.3%eth1:1");
	add("192.0.2.9:5000 -> 239.2.2.4%eth1:1"); /* takes the rest */
	add("192.0.2.1@192.0.2.9%eth1:5001 -> 239.2.2.2%eth1:1");
	add("192.0.2.0/24@192.0.2.9%eth1:5001 -> 239.2.2.2%eth1:1");
	taken();
	add("192.0.2.1@192.0.2.9:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.2@192.0.2.9:5000 -> 239.2.2.3%eth1:1");
	add("192.0.2.1@192.0.2.9:5000 -> 239.2.2.4%eth1:1");
	refused("f:3: ", "at f:1");
	add("10.0.0.0/24@192.0.2.9:5000 -> 239.2.2.2%eth1:1");
	add("10.0.1.0/24@192.0.2.9:5000 -> 239.2.2.3%eth1:1");
	refused("f:2: ", "single sources apart, beside one rule with a prefix or none");
	add("192.0.2.9:5000 -> 239.2.2.2%eth1:1");
	add("10.0.1.0/24@192.0.2.9:5000 -> 239.2.2.3%eth1:1");
	refused("f:2: ", "single sources apart");
	add("192.0.2.1@192.0.2.9:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.2@192.0.2.9%eth0:5000 -> 239.2.2.3%eth1:1");
	refused("f:2: ", "whatever its sources");
	add("192.0.2.1@broadcast%eth0:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.2@broadcast%eth0:5000 -> 239.2.2.2%eth1:1");
	taken();
	add("192.0.2.1@broadcast%eth0:5000 -> 239.2.2.2%eth1:1");
	add("broadcast%eth0:5000 -> 239.2.2.2%eth1:1");
	refused("f:2: ", "any source includes each source");
}
END_TEST

START_TEST(any_address_includes_each)
{
	add("any%eth0:5000 -> 239.2.2.2%eth1:1");
	add("any%eth1:5000 -> 239.2.2.2%eth1:1");
	add("any%eth0:5001 -> 239.2.2.2%eth1:1");
	add("[any%eth0]:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.1%eth2:5000 -> 239.2.2.2%eth1:1");
	add("239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.1:5002 -> 239.2.2.2%eth1:1");
	taken();
	add("any%eth0:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.1%eth0:5000 -> 239.2.2.2%eth1:1");
	refused("f:2: ", "any includes each address of an interface");
	add("any%eth3:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.1:5000 -> 239.2.2.2%eth1:1");
	refused("f:2: ", "any includes each");
	add("broadcast%eth3:5000 -> 239.2.2.2%eth1:1");
	add("any%eth3:5000 -> 239.2.2.2%eth1:1");
	refused("f:2: ", "any includes each");
	add("192.0.2.1@any%eth3:5000 -> 239.2.2.2%eth1:1");
	add("192.0.2.2@any%eth3:5000 -> 239.2.2.2%eth1:1");
	refused("f:2: ", "whatever its sources");
}
END_TEST

/* Once each of the names in use is the kernel's, as a host would say. */
static void renamed(const char *where, const char *piece)
{
	static const struct conf_ifname names[] = {
		{"alt0", "eth0"}, {"alt1", "eth1"}, {"enp197s0f/0", "eth0"}};
	int rc;

	ck_assert_int_eq(conf_check_twins(&conf, &err), 0);
	rc = conf_rename(&conf, names, sizeof(names) / sizeof(names[0]), &err);
	ck_assert_int_eq(rc, piece[0] ? -EINVAL : 0);
	ck_assert_msg(rc == 0 || strncmp(err.text, where, strlen(where)) == 0, "%s", err.text);
	ck_assert_msg(rc == 0 || strstr(err.text, piece) != NULL, "%s", err.text);
}

START_TEST(renamed_interfaces_are_compared_again)
{
	add("239.1.1.1%alt0:1 -> 239.2.2.2%eth1:1, 239.2.2.3%alt1:1, 192.0.2.1:1");
	renamed("", "");
	ck_assert_str_eq(conf.flows[0].in.at.ifname, "eth0");
	ck_assert_str_eq(conf.outputs[0].to.ifname, "eth1");
	ck_assert_str_eq(conf.outputs[1].to.ifname, "eth1");
	ck_assert_str_eq(conf.outputs[2].to.ifname, "");
	conf_free(&conf);
	add("239.1.1.1%alt0:1 -> 239.2.2.2%eth1:1");
	add("239.1.1.1%eth0:1 -> 239.2.2.2%eth1:1");
	renamed("f:2: ", "already that of rule1");
	conf_free(&conf);
	add("239.1.1.1%enp197s0f1np1v12:1 -> 239.2.2.2%eth1:1");
	add("239.1.1.1%alt0:1 -> 239.2.2.2%eth1:1");
	renamed("f:2: ", "already that of rule1");
	conf_free(&conf);
	add("239.1.1.0/30%eth0:1-2 -> 239.1.1.0/30%alt0:1-2");
	renamed("f:1: ", "equals the ingress");
	conf_free(&conf);
	add("239.1.1.1%eth0:1 -> 239.2.2.2%alt1:1, 239.2.2.2%eth1:1");
	renamed("f:1: ", "given twice");
	conf_free(&conf);
	add("192.0.2.1%eth0:1 -> 192.0.2.2%eth1:1");
	add("192.0.2.2%alt1:1 -> 192.0.2.1%alt0:1");
	renamed("f:2: ", "cycle");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf_apart");
	TCase *tc = tcase_create("conf_apart");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, unicast_is_told_apart_by_single_sources);
	tcase_add_test(tc, any_address_includes_each);
	tcase_add_test(tc, renamed_interfaces_are_compared_again);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
