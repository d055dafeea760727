/* check_near.c - a thread goes to a node, where it may, and home again.
 *
 * The machine is made up, of CPUs on which this process may really run; what the kernel then says
 * of the thread is asked. Each test runs in its own process (libcheck forks).
 */
#include "numa/near.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#define HERE       3 /* a node's number that is no position */
#define THERE      5
#define SHARDS_MAX 64

static struct topo_cpu cpus[2];
static struct topo topo;
static struct plan_shard shards[SHARDS_MAX];
static struct plan plan;
static struct near near;
static int allowed; /* CPUs on which this process may run */

static bool runs_on(int cpu_os)
{
	struct cpu_bits bits = {0};
	bool on;

	ck_assert_int_eq(cpu_bits_read(&bits, 0), 0);
	on = CPU_ISSET_S((size_t)cpu_os, CPU_ALLOC_SIZE(bits.count), bits.set);
	CPU_FREE(bits.set);
	return on;
}

static int count_cpus(void)
{
	struct cpu_bits bits = {0};
	int count;

	ck_assert_int_eq(cpu_bits_read(&bits, 0), 0);
	count = CPU_COUNT_S(CPU_ALLOC_SIZE(bits.count), bits.set);
	CPU_FREE(bits.set);
	return count;
}

/* The first two CPUs where this process may run: one here, one there. No shard runs. */
static void setup(void)
{
	uint32_t found = 0;

	allowed = count_cpus();
	topo = (struct topo){.cpus = cpus, .this_machine = true};
	for (int cpu = 0; cpu < CPU_BITS_FIRST && found < 2; cpu++) {
		if (runs_on(cpu)) {
			cpus[found] =
				(struct topo_cpu){.cpu_os = cpu, .node_os = found ? THERE : HERE};
			found++;
		}
	}
	topo.cpu_count = found;
	plan = (struct plan){.shards = shards};
	near = (struct near){0};
}

static void shard_on(int cpu_os)
{
	shards[plan.shard_count++] = (struct plan_shard){.cpu_os = cpu_os};
}

static void expect_only(int cpu_os)
{
	ck_assert_int_eq(count_cpus(), 1);
	ck_assert(runs_on(cpu_os));
	ck_assert_int_eq(sched_getcpu(), cpu_os);
}

START_TEST(goes_to_a_node_and_home_again)
{
	ck_assert_int_eq(near_go(&near, &topo, &plan, HERE), 0);
	expect_only(cpus[0].cpu_os);
	ck_assert_int_eq(near_go(&near, &topo, &plan, HERE), 0);
	expect_only(cpus[0].cpu_os);
	ck_assert_int_eq(near_go_home(&near), 0);
	ck_assert_int_eq(count_cpus(), allowed);
	ck_assert_int_eq(near_go_home(&near), 0);
	ck_assert_int_eq(count_cpus(), allowed);
}
END_TEST

START_TEST(goes_from_node_to_node)
{
	if (topo.cpu_count < 2) {
		return;
	}
	ck_assert_int_eq(near_go(&near, &topo, &plan, HERE), 0);
	ck_assert_int_eq(near_go(&near, &topo, &plan, THERE), 0);
	expect_only(cpus[1].cpu_os);
	ck_assert_int_eq(near_go_home(&near), 0);
	ck_assert_int_eq(count_cpus(), allowed);
}
END_TEST

START_TEST(where_nothing_is_known_it_stays_at_home)
{
	ck_assert_int_eq(near_go(&near, &topo, &plan, TOPO_UNKNOWN), 0);
	ck_assert_int_eq(count_cpus(), allowed);
	ck_assert_int_eq(near_go(&near, &topo, &plan, 77), 0);
	ck_assert_int_eq(count_cpus(), allowed);
	topo.this_machine = false;
	ck_assert_int_eq(near_go(&near, &topo, &plan, HERE), 0);
	ck_assert_int_eq(count_cpus(), allowed);
	ck_assert_ptr_null(near.before.set);
}
END_TEST

START_TEST(from_a_node_to_an_unknown_one_it_goes_home)
{
	ck_assert_int_eq(near_go(&near, &topo, &plan, HERE), 0);
	ck_assert_int_eq(near_go(&near, &topo, &plan, 77), 0);
	ck_assert_int_eq(count_cpus(), allowed);
	ck_assert_int_eq(near_go(&near, &topo, &plan, HERE), 0);
	ck_assert_int_eq(near_go(&near, &topo, &plan, TOPO_UNKNOWN), 0);
	ck_assert_int_eq(count_cpus(), allowed);
}
END_TEST

START_TEST(a_cpu_of_a_shard_is_avoided)
{
	if (topo.cpu_count < 2) {
		return;
	}
	cpus[1].node_os = HERE;
	shard_on(cpus[0].cpu_os);
	ck_assert_int_eq(near_go(&near, &topo, &plan, HERE), 0);
	expect_only(cpus[1].cpu_os);
}
END_TEST

START_TEST(where_all_have_shards_it_is_tied_to_none_of_them)
{
	cpus[1].node_os = HERE;
	shard_on(cpus[0].cpu_os);
	shard_on(cpus[1].cpu_os);
	ck_assert_int_eq(near_go(&near, &topo, &plan, HERE), 0);
	ck_assert_int_eq(count_cpus(), (int)topo.cpu_count);
	ck_assert(runs_on(cpus[0].cpu_os));
}
END_TEST

START_TEST(goes_nowhere_that_it_may_not)
{
	if (topo.cpu_count < 2) {
		return;
	}
	/* Its home is the other node, and stays that. */
	ck_assert_int_eq(near_go(&near, &topo, &plan, HERE), 0);
	CPU_FREE(near.before.set);
	near = (struct near){0};
	ck_assert_int_eq(near_go(&near, &topo, &plan, THERE), 0);
	expect_only(cpus[0].cpu_os);
	ck_assert_ptr_null(near.before.set);
}
END_TEST

/* Home is what has no shard; for a node that has nothing else it goes to a shard's CPU. */
START_TEST(settles_off_the_cpus_of_shards)
{
	if (topo.cpu_count < 2) {
		return;
	}
	shard_on(cpus[0].cpu_os);
	ck_assert_int_eq(near_settle(&near, &topo, &plan), 0);
	ck_assert_int_eq(count_cpus(), allowed - 1);
	ck_assert(!runs_on(cpus[0].cpu_os));
	ck_assert_int_eq(near_go(&near, &topo, &plan, HERE), 0);
	expect_only(cpus[0].cpu_os);
	ck_assert_int_eq(near_go(&near, &topo, &plan, THERE), 0);
	expect_only(cpus[1].cpu_os);
	ck_assert_int_eq(near_go_home(&near), 0);
	ck_assert_int_eq(count_cpus(), allowed - 1);
	ck_assert(!runs_on(cpus[0].cpu_os));
	near_free(&near);
}
END_TEST

START_TEST(settles_nowhere_when_every_cpu_has_a_shard)
{
	for (int cpu = 0; cpu < CPU_BITS_FIRST && plan.shard_count < SHARDS_MAX; cpu++) {
		if (runs_on(cpu)) {
			shard_on(cpu);
		}
	}
	ck_assert_int_eq(near_settle(&near, &topo, &plan), 0);
	ck_assert(allowed > SHARDS_MAX || count_cpus() == allowed);
	near_free(&near);
}
END_TEST

START_TEST(settles_nowhere_on_another_machine)
{
	shard_on(cpus[0].cpu_os);
	topo.this_machine = false;
	ck_assert_int_eq(near_settle(&near, &topo, &plan), 0);
	ck_assert_int_eq(count_cpus(), allowed);
	ck_assert_ptr_null(near.may.set);
}
END_TEST

START_TEST(what_the_kernel_refuses_is_told_and_changes_nothing)
{
	/* A CPU that no machine has, though home is said to have it. */
	ck_assert_int_eq(cpu_bits_init(&near.before, CPU_BITS_MAX), 0);
	CPU_SET_S(CPU_BITS_MAX - 1, CPU_ALLOC_SIZE(CPU_BITS_MAX), near.before.set);
	cpus[0].cpu_os = CPU_BITS_MAX - 1;
	near.node_os = THERE;
	ck_assert_int_eq(near_go(&near, &topo, &plan, HERE), -EINVAL);
	ck_assert_int_eq(near.node_os, THERE);
	ck_assert_int_eq(count_cpus(), allowed);
	ck_assert_int_eq(near_go_home(&near), -EINVAL);
	ck_assert_int_eq(count_cpus(), allowed);
	ck_assert_ptr_null(near.before.set);
}
END_TEST

static Suite *near_suite(void)
{
	Suite *suite = suite_create("near");
	TCase *tc = tcase_create("near");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, goes_to_a_node_and_home_again);
	tcase_add_test(tc, goes_from_node_to_node);
	tcase_add_test(tc, where_nothing_is_known_it_stays_at_home);
	tcase_add_test(tc, from_a_node_to_an_unknown_one_it_goes_home);
	tcase_add_test(tc, a_cpu_of_a_shard_is_avoided);
	tcase_add_test(tc, where_all_have_shards_it_is_tied_to_none_of_them);
	tcase_add_test(tc, goes_nowhere_that_it_may_not);
	tcase_add_test(tc, settles_off_the_cpus_of_shards);
	tcase_add_test(tc, settles_nowhere_when_every_cpu_has_a_shard);
	tcase_add_test(tc, settles_nowhere_on_another_machine);
	tcase_add_test(tc, what_the_kernel_refuses_is_told_and_changes_nothing);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(near_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
