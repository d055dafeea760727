/* check_ring_restrict.c - a ring takes the requests of its engine and no others (step 5). */
#include "shard/ring/uring.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tests/unit/shard/ring_rig.h"

static struct rig rig;

static void setup(void)
{
	struct err err = {""};

	ck_assert_msg(ring_probe(RING_ENGINE_URING, &err) == 0, "%s", err.text);
	rig_init(&rig);
}

/* What the kernel answers to a request that it is handed beside the engine. */
static int32_t answer_to(struct io_uring *io, int op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(io);
	struct io_uring_cqe *cqe = NULL;
	int32_t res;

	ck_assert_ptr_nonnull(sqe);
	if (op == IORING_OP_OPENAT) {
		io_uring_prep_openat(sqe, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
	} else {
		io_uring_prep_nop(sqe);
	}
	io_uring_sqe_set_data64(sqe, 0);
	ck_assert_int_ge(io_uring_submit_and_wait(io, 1), 0);
	ck_assert_int_eq(io_uring_wait_cqe(io, &cqe), 0);
	res = cqe->res;
	io_uring_cqe_seen(io, cqe);
	return res;
}

START_TEST(other_requests_and_registrations_are_refused)
{
	struct io_uring *io;

	rig_open(&rig, _i);
	if (rig_variants[_i].engine != RING_ENGINE_URING) {
		rig_close(&rig);
		return;
	}
	ck_assert_msg(strstr(rig.features.text, "restricted") != NULL, "%s", rig.features.text);
	io = &((struct uring *)rig.ring)->io;
	ck_assert_int_eq(answer_to(io, IORING_OP_NOP), -EACCES);
	ck_assert_int_eq(answer_to(io, IORING_OP_OPENAT), -EACCES);
	ck_assert_int_eq(
		io_uring_register((unsigned)io->ring_fd, IORING_REGISTER_PERSONALITY, NULL, 0),
		-EACCES);
	rig_close(&rig);
}
END_TEST

START_TEST(without_the_sandbox_all_requests_pass)
{
	rig.params.unrestricted = true;
	rig_open(&rig, 0); /* io_uring */
	ck_assert_ptr_null(strstr(rig.features.text, "restrict"));
	ck_assert_int_eq(answer_to(&((struct uring *)rig.ring)->io, IORING_OP_NOP), 0);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring_restrict");
	TCase *tc = tcase_create("restrict");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, other_requests_and_registrations_are_refused, 0, rig_variant_count);
	tcase_add_test(tc, without_the_sandbox_all_requests_pass);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
