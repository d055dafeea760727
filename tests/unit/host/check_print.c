/* check_print.c - how --check-host's findings are printed. */
#include "src/host/print.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

int main(void)
{
	const TTest *const tests[] = {
		text_has_one_line_a_finding_and_a_sum,
		full_output_is_an_error,
	};

	return rig_run("host_print", tests, sizeof(tests) / sizeof(tests[0]));
}
