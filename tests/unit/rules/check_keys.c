/* check_keys.c - the table of keys: each key takes what its row says and nothing beside, and a rule
 * without it is read as one that writes its default.
 */
#include "src/rules/keys.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/rules/conf.h"

static struct conf conf;
static struct err err;

static void tear_down(void)
{
	conf_free(&conf);
}

/* What else a rule with that key needs, so that only its value matters. */
static const char *companion(const char *key)
{
	if (strcmp(key, "failover") == 0) {
		return " + 239.1.1.2%eth0:5000";
	}
	return strcmp(key, "skew") == 0 || strcmp(key, "window") == 0 || strcmp(key, "silent") == 0
		       ? " seq=u32be@0"
		       : "";
}

/* A rule with KEY=VALUE on that side, or without anything when `key' is NULL. */
static int add(enum conf_side side, const char *key, const char *value)
{
	char text[512], word[128] = "";

	if (key) {
		snprintf(word, sizeof(word), " %s=%s%s", key, value, companion(key));
	}
	snprintf(text, sizeof(text), "239.1.1.1%%eth0:5000%s -> 239.2.2.2%%eth1:6000%s",
		 side == CONF_INGRESS ? word : "", side == CONF_EGRESS ? word : "");
	return conf_add_rule(&conf, text, "here", &err);
}

static int add_number(enum conf_side side, const struct conf_key *key, uint64_t number)
{
	char value[32];

	snprintf(value, sizeof(value), "%llu", (unsigned long long)number);
	return add(side, key->name, value);
}

START_TEST(each_row_says_all_that_is_shown)
{
	for (const struct conf_key *key = conf_keys((enum conf_side)_i); key->name; key++) {
		ck_assert_ptr_nonnull(key->read);
		ck_assert_ptr_nonnull(key->arg);
		ck_assert_ptr_nonnull(key->example);
		ck_assert_ptr_nonnull(key->help);
		ck_assert(key->max > 0 || key->takes);
		ck_assert_uint_le(key->min, key->max);
		for (const struct conf_key *other = conf_keys((enum conf_side)_i); other != key;
		     other++) {
			ck_assert_str_ne(other->name, key->name);
		}
	}
}
END_TEST

START_TEST(example_is_taken)
{
	for (const struct conf_key *key = conf_keys((enum conf_side)_i); key->name; key++) {
		int rc = add((enum conf_side)_i, key->name, key->example);

		/* spread= needs as many outputs, which is another matter */
		ck_assert_msg(rc == 0 || !strstr(err.text, "is not valid"), "%s", err.text);
	}
}
END_TEST

/* The refusal says what the row says. */
static void refused(enum conf_side side, const struct conf_key *key, uint64_t number)
{
	char takes[160], words[256];

	ck_assert_int_eq(add_number(side, key, number), -EINVAL);
	snprintf(words, sizeof(words), "is not valid; %s= takes %s; write for instance %s=%s",
		 key->name, conf_key_takes(key, takes, sizeof(takes)), key->name, key->example);
	ck_assert_msg(strstr(err.text, words) != NULL, "not '%s' but: %s", words, err.text);
}

START_TEST(numbers_are_taken_within_their_bounds_only)
{
	enum conf_side side = (enum conf_side)_i;
	int numbers = 0;

	for (const struct conf_key *key = conf_keys(side); key->name; key++) {
		if (key->max == 0 || strcmp(key->name, "name") == 0 ||
		    strcmp(key->name, "member") == 0) {
			continue; /* no number; the bounds of a name are its length's */
		}
		numbers++;
		if (key->min > 0) {
			refused(side, key, key->min - 1);
		}
		ck_assert_msg(add_number(side, key, key->min) == 0, "%s", err.text);
		refused(side, key, key->max + 1);
		ck_assert(add_number(side, key, key->max) == 0 ||
			  !strstr(err.text, "is not valid"));
	}
	ck_assert_int_ge(numbers, 3);
}
END_TEST

START_TEST(bounds_are_written_as_people_write_them)
{
	char takes[160];

	for (const struct conf_key *key = conf_keys(CONF_EGRESS); key->name; key++) {
		conf_key_takes(key, takes, sizeof(takes));
		if (strcmp(key->name, "rate") == 0) {
			ck_assert_ptr_eq(strstr(takes, "1 to 1000G bits"), takes);
		} else if (strcmp(key->name, "priority") == 0) {
			ck_assert_str_eq(takes, "0 to 7");
		} else if (strcmp(key->name, "gso") == 0) {
			ck_assert_str_eq(takes, "on, off or auto");
		}
	}
}
END_TEST

START_TEST(rule_without_a_key_is_one_with_its_default)
{
	int defaults = 0;

	for (const struct conf_key *key = conf_keys((enum conf_side)_i); key->name; key++) {
		const struct conf_rule *rules;

		if (!key->initial) {
			continue;
		}
		defaults++;
		conf_free(&conf);
		ck_assert_int_eq(add((enum conf_side)_i, NULL, NULL), 0);
		ck_assert_msg(add((enum conf_side)_i, key->name, key->initial) == 0, "%s",
			      err.text);
		rules = conf.rules;
		ck_assert_uint_eq(rules[0].weight, rules[1].weight);
		ck_assert_uint_eq(rules[0].spread, rules[1].spread);
		ck_assert_int_eq(rules[0].by, rules[1].by);
		ck_assert_uint_eq(rules[0].shard, rules[1].shard);
		ck_assert_mem_eq(&conf.flows[0].in, &conf.flows[1].in, sizeof(conf.flows[0].in));
		ck_assert_mem_eq(&conf.outputs[0], &conf.outputs[1], sizeof(conf.outputs[0]));
	}
	ck_assert_int_ge(defaults, 1);
}
END_TEST

START_TEST(unknown_key_is_refused_with_all_that_are_known)
{
	const struct conf_key *keys = conf_keys((enum conf_side)_i);
	char known[256] = "with the keys ";

	for (const struct conf_key *key = keys; key->name; key++) {
		size_t used = strlen(known);

		snprintf(known + used, sizeof(known) - used, "%s%s",
			 key == keys   ? ""
			 : key[1].name ? ", "
				       : " and ",
			 key->name);
	}
	ck_assert_int_eq(add((enum conf_side)_i, "nothing", "1"), -EINVAL);
	ck_assert_msg(strstr(err.text, known) != NULL, "not '%s' but: %s", known, err.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keys");
	TCase *tc = tcase_create("keys");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_add_loop_test(tc, each_row_says_all_that_is_shown, CONF_INGRESS, CONF_EGRESS + 1);
	tcase_add_loop_test(tc, example_is_taken, CONF_INGRESS, CONF_EGRESS + 1);
	tcase_add_loop_test(tc, numbers_are_taken_within_their_bounds_only, CONF_INGRESS,
			    CONF_EGRESS + 1);
	tcase_add_test(tc, bounds_are_written_as_people_write_them);
	tcase_add_loop_test(tc, rule_without_a_key_is_one_with_its_default, CONF_INGRESS,
			    CONF_EGRESS + 1);
	tcase_add_loop_test(tc, unknown_key_is_refused_with_all_that_are_known, CONF_INGRESS,
			    CONF_EGRESS + 1);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
