/* check_ring_start.c - what interrupts or delays the start of io_uring does not end it.
 *
 * The functions below stand before those of liburing and fail a number of times first; what gets
 * through is the real thing.
 */
#include "shard/ring.h"

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/unit/shard/ring_rig.h"

static struct rig rig;

/* How often each call fails first, and with what. */
static struct {
	int setups, registers, waits;
	int error;
} fault;

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

int io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *p)
{
	return fault.setups-- > 0 ? -fault.error
				  : REAL(io_uring_queue_init_params)(entries, ring, p);
}

int io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *reg, unsigned flags)
{
	return fault.registers-- > 0 ? -fault.error
				     : REAL(io_uring_register_buf_ring)(ring, reg, flags);
}

int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
				     unsigned wait, struct __kernel_timespec *ts, sigset_t *mask)
{
	return fault.waits-- > 0
		       ? -fault.error
		       : REAL(io_uring_submit_and_wait_timeout)(ring, cqe, wait, ts, mask);
}

static void setup(void)
{
	memset(&fault, 0, sizeof(fault));
	fault.error = EINTR;
}

START_TEST(interruption_while_probing_decides_nothing)
{
	enum ring_engine chosen;
	struct err err = {""};

	fault.setups = _i == 0;
	fault.registers = _i == 1;
	fault.waits = _i == 2;
	ck_assert_msg(ring_choose(RING_ENGINE_AUTO, &chosen, &err) == 0, "%s", err.text);
	ck_assert_int_eq(chosen, RING_ENGINE_URING);
}
END_TEST

START_TEST(shortage_for_buffer_rings_is_waited_out_a_while)
{
	struct err err = {""};

	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){1 << 20, 1 << 20}), 0);
	rig_init(&rig);
	fault.error = ENOMEM;
	fault.registers = 3;
	rig_open(&rig, 0); /* io_uring */
	rig_close(&rig);
	ck_assert_int_lt(fault.registers, 0);
	fault.registers = 1000;
	ck_assert_int_eq(ring_probe(RING_ENGINE_URING, &err), -ENOMEM);
	ck_assert_msg(strstr(err.text, "RLIMIT_MEMLOCK, which is 1024 KiB") != NULL, "%s",
		      err.text);
}
END_TEST

START_TEST(shortage_without_a_limit_is_not_blamed_on_it)
{
	struct err err = {""};

	if (setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) != 0) {
		return; /* an ordinary user with a limit */
	}
	fault.error = ENOMEM;
	fault.setups = 1000;
	ck_assert_int_eq(ring_probe(RING_ENGINE_URING, &err), -ENOMEM);
	ck_assert_msg(strstr(err.text, "although RLIMIT_MEMLOCK is unlimited") != NULL, "%s",
		      err.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring_start");
	TCase *tc = tcase_create("start");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, interruption_while_probing_decides_nothing, 0, 3);
	tcase_add_test(tc, shortage_for_buffer_rings_is_waited_out_a_while);
	tcase_add_test(tc, shortage_without_a_limit_is_not_blamed_on_it);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
