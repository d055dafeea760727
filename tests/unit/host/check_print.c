/* check_print.c - how --check-host's findings are printed: each on its line, whole, or not at all.
 */
#include "src/host/print.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/json_reserve.h"
#include "tests/unit/host/host_rig.h"

#define ANY "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"

START_TEST(text_has_one_line_a_finding_and_a_sum)
{
	char text[4096] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	const struct finding findings[] = {
		{FINDING_FAIL, "rp_filter", "in0", "strict", "lost", "sysctl -w x=0", "or so"},
		{FINDING_OK, "kernel", NULL, "Linux 6.1", "tested", NULL, NULL},
		{FINDING_UNKNOWN, "cloud", NULL, "not known", "some carry none", NULL, NULL},
	};

	rig_host("--rule", ANY);
	host_add(&rig.host, &findings[0]);
	host_add(&rig.host, &findings[1]);
	host_add(&rig.host, &findings[2]);
	ck_assert_int_eq(host_print_text(&rig.host, out), 0);
	fclose(out);
	ck_assert_str_eq(text, "fail     rp_filter in0: strict; lost; cure: sysctl -w x=0; or so\n"
			       "ok       kernel: Linux 6.1; tested\n"
			       "unknown  cloud: not known; some carry none\n"
			       "3 findings: 1 ok, 1 unknown, 0 warn, 1 fail\n");
}
END_TEST

START_TEST(full_output_is_an_error)
{
	FILE *full = fopen("/dev/full", "we");

	rig_host("--rule", ANY);
	ck_assert_ptr_nonnull(full);
	ck_assert_int_eq(host_print_text(&rig.host, full), -ENOSPC);
	ck_assert_int_eq(host_print_json(&rig.host, full), -ENOSPC);
	fclose(full);
}
END_TEST

/* For jansson: the allocation that fails; 0: none. */
static unsigned long allocations, fails_at;

static void *give(size_t size)
{
	return ++allocations == fails_at ? json_reserve_cut(size) : malloc(size);
}

/* Prints into `text'; what host_print_json returned. */
static int print_json(char *text, size_t room)
{
	FILE *out;
	int rc;

	memset(text, 0, room);
	out = fmemopen(text, room, "w");
	ck_assert_ptr_nonnull(out);
	allocations = 0;
	json_reserve_begin();
	rc = host_print_json(&rig.host, out);
	fclose(out);
	return rc;
}

START_TEST(json_is_whole_or_there_is_none)
{
	const struct finding findings[] = {
		{FINDING_FAIL, "rp_filter", "in0", "strict", "lost", "sysctl -w x=0", "or so"},
		{FINDING_OK, "kernel", NULL, "Linux 6.1", "tested", NULL, NULL},
	};
	static char whole[4096], text[4096];
	unsigned long needed, nothing = 0;

	ck_assert_ptr_nonnull(json_reserve_cut(JSON_RESERVE_BYTES)); /* and kept */
	json_set_alloc_funcs(give, json_reserve_give);
	rig_host("--rule", ANY);
	host_add(&rig.host, &findings[0]);
	host_add(&rig.host, &findings[1]);
	ck_assert_int_eq(print_json(whole, sizeof(whole)), 0);
	ck_assert_ptr_nonnull(strstr(whole, "sysctl -w x=0"));
	needed = allocations;
	for (fails_at = 1; fails_at <= needed; fails_at++) {
		int rc = print_json(text, sizeof(text));

		if (rc != 0) {
			ck_assert_int_eq(rc, -ENOMEM);
			nothing++;
		}
		ck_assert_str_eq(text, rc == 0 ? whole : "");
	}
	ck_assert_uint_gt(nothing, needed / 2);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		text_has_one_line_a_finding_and_a_sum,
		full_output_is_an_error,
		json_is_whole_or_there_is_none,
	};

	return rig_run("host_print", tests, sizeof(tests) / sizeof(tests[0]));
}
