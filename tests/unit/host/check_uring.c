/* check_uring.c - --check-host, the part about io_uring and busy polling: each refusal made up, and
 * told with its cure.
 */
#include "tests/unit/host/host_rig.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#define ANY "239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000"

START_TEST(forbidden_uring_fails_only_where_it_is_asked_for)
{
	rig_host("--rule", ANY, "--engine", "uring");
	rig.facts.uring_rc = -EPERM;
	rig_file("/proc/sys/kernel/io_uring_disabled", "2\n");
	rig_look(host_uring);
	rig_expect("io_uring", NULL, FINDING_FAIL, "sysctl -w kernel.io_uring_disabled=0");
	rig_expect_value("io_uring", NULL, "kernel.io_uring_disabled = 2");
	rig.opt.engine = RING_ENGINE_AUTO;
	rig_look(host_uring);
	rig_expect("io_uring", NULL, FINDING_WARN, "sysctl -w kernel.io_uring_disabled=0");
	rig.opt.engine = RING_ENGINE_MMSG;
	rig_look(host_uring);
	rig_expect("io_uring", NULL, FINDING_OK, NULL);
}
END_TEST

START_TEST(polling_that_the_kernel_does_not_offer_is_warned_of_if_asked_for)
{
	rig_host("--rule", ANY);
	rig.facts.busy_poll_rc = -EINVAL;
	rig_look(host_uring);
	ck_assert(!rig_has("busy_poll", NULL));
	rig.opt.waits.busy_poll_us = 50;
	rig_look(host_uring);
	rig_expect("busy_poll", NULL, FINDING_WARN, NULL);
	rig_expect_value("busy_poll", NULL, "not offered");
	ck_assert_ptr_nonnull(strstr(rig_find("busy_poll", NULL)->advice, "Linux 6.9"));
	rig.facts.busy_poll_rc = 0;
	rig_look(host_uring);
	rig_expect("busy_poll", NULL, FINDING_OK, NULL);
}
END_TEST

START_TEST(seccomp_is_told_from_the_sysctl)
{
	rig_host("--rule", ANY);
	rig.facts.uring_rc = -EPERM;
	rig_file("/proc/self/status", "Name:\tx\nSeccomp:\t2\nCapEff:\t0\n");
	rig_look(host_uring);
	rig_expect("io_uring", NULL, FINDING_WARN, NULL);
	rig_expect_value("io_uring", NULL, "seccomp on");
	ck_assert_ptr_nonnull(strstr(rig_find("io_uring", NULL)->advice, "seccomp profile"));
	rig.facts.uring_rc = -ENOSYS;
	rig_look(host_uring);
	ck_assert_ptr_nonnull(strstr(rig_find("io_uring", NULL)->advice, "boot a kernel"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		forbidden_uring_fails_only_where_it_is_asked_for,
		polling_that_the_kernel_does_not_offer_is_warned_of_if_asked_for,
		seccomp_is_told_from_the_sysctl,
	};

	return rig_run("host_uring", tests, sizeof(tests) / sizeof(tests[0]));
}
