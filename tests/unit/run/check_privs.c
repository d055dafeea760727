/* check_privs.c - capabilities are given up for good: by the process, and by single threads. */
#include "src/run/privs.h"

#include <cap-ng.h>
#include <check.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "src/setup/privileges.h"

static struct privs privs;
static struct err err;

static void setup(void)
{
	privs_read(&privs);
}

static bool has(unsigned capability)
{
	(void)capng_get_caps_process();
	return capng_have_capability(CAPNG_EFFECTIVE, capability) != 0;
}

/* Whether this process is privileged enough to show anything. */
static bool is_root(void)
{
	return has(CAP_NET_RAW) && has(CAP_NET_ADMIN) && has(CAP_SETPCAP) && has(CAP_SETUID);
}

START_TEST(what_is_not_kept_is_gone_and_nothing_can_be_gained)
{
	ck_assert_int_eq(privs_keep(&privs, PRIVILEGE(CAP_NET_RAW), &err), 0);
	ck_assert_uint_eq(privs.have, privs.had & PRIVILEGE(CAP_NET_RAW));
	ck_assert_int_eq(has(CAP_NET_RAW), privs.have != 0);
	ck_assert(!has(CAP_NET_ADMIN));
	ck_assert(!has(CAP_DAC_OVERRIDE));
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	if (privs.had & PRIVILEGE(CAP_SETPCAP)) {
		ck_assert_int_eq(prctl(PR_CAPBSET_READ, CAP_NET_RAW), 0);
	}
}
END_TEST

START_TEST(what_there_is_not_cannot_be_kept)
{
	ck_assert_int_eq(privs_keep(&privs, 0, &err), 0);
	ck_assert_int_eq(privs_keep(&privs, PRIVILEGE(CAP_NET_RAW), &err), 0);
	ck_assert_uint_eq(privs.have, 0);
	ck_assert(!has(CAP_NET_RAW));
}
END_TEST

START_TEST(a_user_gets_what_the_start_needs)
{
	const gid_t of_root[] = {0, 4711};
	gid_t groups[NGROUPS_MAX];
	int count;

	if (!is_root()) {
		return;
	}
	ck_assert_int_eq(setgroups(2, of_root), 0);
	ck_assert_int_eq(privs_become(&privs, "nobody", PRIVILEGE(CAP_NET_RAW), &err), 0);
	ck_assert_uint_ne(geteuid(), 0);
	ck_assert_uint_ne(getegid(), 0);
	count = getgroups(NGROUPS_MAX, groups);
	ck_assert_int_ge(count, 0);
	for (int i = 0; i < count; i++) {
		ck_assert_uint_ne(groups[i], 0);
		ck_assert_uint_ne(groups[i], 4711);
	}
	ck_assert(has(CAP_NET_RAW));
	ck_assert(!has(CAP_NET_ADMIN));
	ck_assert_uint_eq(privs.have, PRIVILEGE(CAP_NET_RAW));
	ck_assert_int_eq(privs_keep(&privs, 0, &err), 0);
	ck_assert(!has(CAP_NET_RAW));
}
END_TEST

static void *give_up(void *had)
{
	privs_give_up_all();
	*(bool *)had = has(CAP_NET_RAW) || has(CAP_NET_ADMIN);
	return NULL;
}

START_TEST(a_thread_gives_up_its_own_alone)
{
	bool before = has(CAP_NET_RAW), left = true;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, give_up, &left), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(!left);
	ck_assert_int_eq(has(CAP_NET_RAW), before);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("privs");
	TCase *tc = tcase_create("privs");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, what_is_not_kept_is_gone_and_nothing_can_be_gained);
	tcase_add_test(tc, what_there_is_not_cannot_be_kept);
	tcase_add_test(tc, a_user_gets_what_the_start_needs);
	tcase_add_test(tc, a_thread_gives_up_its_own_alone);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
