/* check_lookup.c - when what the host says of its name servers is read again.
 *
 * The linker sends here what c-ares would do: the test says what comes of each question.
 */
#include "src/setup/lookup.h"

#include <ares.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "src/base/host_name.h"

int __wrap_ares_init_options(ares_channel *out, struct ares_options *options, int mask);
void __wrap_ares_destroy(ares_channel channel);
void __wrap_ares_getaddrinfo(ares_channel channel, const char *name, const char *service,
			     const struct ares_addrinfo_hints *hints,
			     ares_addrinfo_callback callback, void *context);

static char channel_is_here;
static int opened, destroyed;
static int status;  /* of the next questions */
static int last_rc; /* of the last answer */

int __wrap_ares_init_options(ares_channel *out, struct ares_options *options, int mask)
{
	(void)options;
	(void)mask;
	*out = (ares_channel)(void *)&channel_is_here;
	opened++;
	return ARES_SUCCESS;
}

void __wrap_ares_destroy(ares_channel channel)
{
	ck_assert_ptr_eq(channel, &channel_is_here);
	destroyed++;
}

void __wrap_ares_getaddrinfo(ares_channel channel, const char *name, const char *service,
			     const struct ares_addrinfo_hints *hints,
			     ares_addrinfo_callback callback, void *context)
{
	ck_assert_ptr_eq(channel, &channel_is_here);
	ck_assert_str_eq(name, "host.example");
	ck_assert_ptr_null(service);
	ck_assert_int_eq(hints->ai_socktype, SOCK_DGRAM);
	callback(context, status, 0, NULL);
}

static void answered(void *context, const struct lookup_answer *answer)
{
	(void)context;
	last_rc = answer->rc;
}

/* Where c-ares could not read resolv.conf it says nothing, and asks whom it likes. */
START_TEST(servers_are_read_again_when_none_has_answered)
{
	const struct host_name *name = host_name_keep("host.example", 0);
	struct lookup *lookup;
	struct err err;

	ck_assert_int_eq(lookup_open(&lookup, &err), 0);
	ck_assert_int_eq(opened, 1);
	status = ARES_ENOTFOUND; /* a server says so */
	lookup_begin(lookup, name, answered, NULL);
	lookup_begin(lookup, name, answered, NULL);
	ck_assert_int_eq(last_rc, -ENOENT);
	ck_assert_int_eq(opened, 1);
	status = ARES_ECONNREFUSED;
	lookup_begin(lookup, name, answered, NULL);
	ck_assert_int_eq(last_rc, -EIO);
	ck_assert_int_eq(opened, 1);
	status = ARES_ENODATA;
	lookup_begin(lookup, name, answered, NULL);
	ck_assert_int_eq(opened, 2);
	ck_assert_int_eq(destroyed, 1);
	lookup_begin(lookup, name, answered, NULL);
	ck_assert_int_eq(opened, 2);
	lookup_close(lookup);
	ck_assert_int_eq(destroyed, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lookup");
	TCase *tcase = tcase_create("lookup");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, servers_are_read_again_when_none_has_answered);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
