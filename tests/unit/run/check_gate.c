/* check_gate.c - nobody goes on before all have come, whoever waits hears of each order, and every
 * arrival wakes who polls.
 */
#include "src/run/gate.h"

#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static struct gate gate;

static void *go_through(void *order)
{
	gate_arrive(&gate, &gate.opened);
	*(enum gate_order *)order = gate_await_order(&gate, GATE_CLOSED);
	gate_arrive(&gate, &gate.joined);
	return NULL;
}

START_TEST(all_must_have_come)
{
	ck_assert_int_eq(gate_init(&gate), 0);
	ck_assert(gate_passed(&gate, &gate.opened, 0));
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert(!gate_passed(&gate, &gate.opened, 3));
		gate_arrive(&gate, &gate.opened);
	}
	ck_assert(gate_passed(&gate, &gate.opened, 3));
	ck_assert(!gate_passed(&gate, &gate.joined, 1));
	gate_free(&gate);
}
END_TEST

START_TEST(who_waits_is_let_go_with_the_order)
{
	enum gate_order heard[3] = {GATE_CLOSED, GATE_CLOSED, GATE_CLOSED};
	pthread_t threads[3];

	ck_assert_int_eq(gate_init(&gate), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, go_through, &heard[i]), 0);
	}
	gate_wait(&gate, &gate.opened, 3);
	usleep(20000); /* so that they wait, as a rule; the order is heard in any case */
	ck_assert(!gate_passed(&gate, &gate.joined, 1));
	gate_order(&gate, GATE_JOIN);
	gate_wait(&gate, &gate.joined, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(heard[i], GATE_JOIN);
	}
	ck_assert_int_eq(gate_await_order(&gate, GATE_CLOSED), GATE_JOIN); /* who comes late */
	gate_free(&gate);
}
END_TEST

START_TEST(arrival_is_heard_by_who_polls)
{
	struct pollfd look = {.events = POLLIN};

	ck_assert_int_eq(gate_init(&gate), 0);
	look.fd = gate.eventfd;
	ck_assert_int_eq(poll(&look, 1, 0), 0);
	gate_arrive(&gate, &gate.ended);
	ck_assert_int_eq(poll(&look, 1, 0), 1);
	gate_free(&gate);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gate");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("gate");
	int failed;

	tcase_add_test(tc, all_must_have_come);
	tcase_add_test(tc, who_waits_is_let_go_with_the_order);
	tcase_add_test(tc, arrival_is_heard_by_who_polls);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
