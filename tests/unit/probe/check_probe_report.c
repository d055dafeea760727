/* check_probe_report.c - the result of a receiver as JSON is whole, or there is none and the exit
 * status says so: whatever an interface is called, and without memory.
 */
#include "src/probe/report.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct probe_target target;
static struct probe_opt opt = {.json = true,
			       .expect = PROBE_UNKNOWN,
			       .expect_per_flow = PROBE_UNKNOWN,
			       .expect_flows = PROBE_UNKNOWN,
			       .missing = 10};
static struct probe_tally tally;
static const uint32_t drops[1] = {3};
static const struct probe_kernel kernel = {.drops = drops};
static unsigned long allocations, fails_at; /* 0: none */

static void *give(size_t size)
{
	return ++allocations == fails_at ? NULL : malloc(size);
}

/* One flow, of which number 1 has not come. */
static void set_up(void)
{
	const struct addr from = {.family = AF_INET, .port = 9, .ip = {10, 0, 0, 1}};
	const struct probe_now now = {.mono_ns = 1000000, .real_ns = 2000000};
	unsigned char data[200];

	probe_wire_init();
	ck_assert_int_eq(probe_tally_init(&tally, 1, 0), 0);
	for (uint64_t seq = 0; seq < 4; seq += 2) {
		struct probe_wire wire = {.kind = PROBE_WIRE_DATA,
					  .clock = PROBE_WIRE_MONOTONIC,
					  .seq = seq,
					  .time_ns = 999000,
					  .size_bytes = sizeof(data)};

		probe_wire_pack(&wire, data);
		memcpy(data + PROBE_WIRE_HEADER_BYTES, probe_wire_body(0, seq),
		       sizeof(data) - PROBE_WIRE_HEADER_BYTES);
		ck_assert(probe_tally_add(&tally, 0, data, sizeof(data), &from, &now));
	}
	target.at.addr = (struct addr){.family = AF_INET, .port = 5000, .ip = {239, 1, 1, 1}};
	strcpy(target.at.ifname, "eth\xff");
	opt.targets.list = &target;
	opt.targets.count = 1;
	fails_at = 0;
	json_set_alloc_funcs(give, free);
}

static void tear_down(void)
{
	probe_tally_free(&tally);
}

/* What is said on standard output; empty when there is nothing. */
static const char *report(int *status)
{
	static char text[16384];
	int out = memfd_create("out", 0), before = dup(STDOUT_FILENO);
	ssize_t len;

	ck_assert_int_ge(out, 0);
	fflush(stdout);
	ck_assert_int_ge(dup2(out, STDOUT_FILENO), 0);
	allocations = 0;
	*status = probe_report(&opt, &tally, &kernel);
	fflush(stdout);
	ck_assert_int_ge(dup2(before, STDOUT_FILENO), 0);
	close(before);
	len = pread(out, text, sizeof(text) - 1, 0);
	ck_assert_int_ge(len, 0);
	text[len] = '\0';
	close(out);
	return text;
}

START_TEST(any_name_of_an_interface_can_be_told)
{
	int status;
	json_t *root = json_loads(report(&status), 0, NULL);

	ck_assert_ptr_nonnull(root);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(root, "socket_drops"),
							    "239.1.1.1%eth?:5000")),
			 3);
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(json_object_get(root, "flows"), 0), "target")),
			 "239.1.1.1%eth?:5000");
	json_decref(root);
}
END_TEST

START_TEST(without_memory_there_is_no_result_rather_than_half_of_one)
{
	unsigned long needed, nothing = 0;
	int status;

	ck_assert_int_gt(strlen(report(&status)), 0);
	needed = allocations;
	for (unsigned long nth = 1; nth <= needed; nth++) {
		const char *text;

		fails_at = nth;
		text = report(&status);
		fails_at = 0;

		if (text[0] == '\0') {
			ck_assert_int_eq(status, 1);
			nothing++;
		} else {
			json_t *root = json_loads(text, 0, NULL);

			ck_assert_ptr_nonnull(root);
			ck_assert_uint_eq(json_object_size(root), 5);
			json_decref(root);
		}
	}
	ck_assert_uint_gt(nothing, needed / 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe_report");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("json");
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, any_name_of_an_interface_can_be_told);
	tcase_add_test(tc, without_memory_there_is_no_result_rather_than_half_of_one);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
