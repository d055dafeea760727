/* check_plan_props.c - what must hold for any plan, shown on random machines and flows.
 *
 * The rules of numa/plan.h are checked here by replaying a plan flow by flow with loads counted
 * afresh and every shard looked at, which is slow and has nothing in common with the planner's
 * heaps and rings. CHECK_PLAN_SEED=N runs that one case only.
 */
#include "numa/plan.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/numa/plan_random.h"

#define CASES 600

/* Check's own assertions write to a pipe each time; there are some ten million here. */
#define hold(x)                                                                                   \
	do {                                                                                      \
		if (!(x)) {                                                                       \
			ck_abort_msg("CHECK_PLAN_SEED=%" PRIu64 ": does not hold: %s", seed, #x); \
		}                                                                                 \
	} while (0)

static uint64_t seed;
static struct random_case rc;
static struct plan plan;
static struct err err;
static uint64_t load[PLAN_SHARDS_MAX];

static void build(void)
{
	plan_free(&plan);
	hold(plan_build(&rc.topo, rc.flows, rc.flow_count, &rc.policy, &plan, &err) == 0);
}

static bool owns(uint32_t flow, uint32_t owner_end, uint32_t shard)
{
	for (uint32_t i = plan.first_owner[flow]; i < owner_end; i++) {
		if (plan.owners[i].shard == shard) {
			return true;
		}
	}
	return false;
}

static uint32_t distance(int from_os, int to_os)
{
	uint32_t said = topo_distance(&rc.topo, from_os, to_os);

	return from_os == to_os ? 0 : said ? said : UINT32_MAX;
}

/* ---- the properties ---- */

static void shards_stand_on_allowed_cpus(void)
{
	for (uint32_t i = 0; i < plan.shard_count; i++) {
		const struct topo_cpu *cpu = topo_find_cpu(&rc.topo, plan.shards[i].cpu_os);

		hold(cpu != NULL);
		hold(cpu->allowed);
		hold(rc.policy.smt || cpu->smt_rank == 0);
		hold(plan.shards[i].home_os == (cpu->home_os));
		for (uint32_t j = 0; j < plan.cpus_reserved; j++) {
			hold(plan.reserved_os[j] != (cpu->cpu_os));
		}
		for (uint32_t j = 0; j < i && !rc.policy.oversubscribe; j++) {
			hold(plan.shards[j].cpu_os != (cpu->cpu_os));
		}
	}
}

static void shards_are_as_many_as_asked_for(void)
{
	uint32_t reserved = 0; /* CPUs with --smt, else cores */

	for (uint32_t i = 0; i < plan.cpus_reserved; i++) {
		const struct topo_cpu *cpu = topo_find_cpu(&rc.topo, plan.reserved_os[i]);

		reserved += rc.policy.smt || cpu->smt_rank == 0;
	}
	if (rc.policy.shard_count) {
		hold(plan.shard_count == rc.policy.shard_count);
	} else {
		hold(plan.shard_count + reserved == random_usable(&rc, rc.policy.smt));
	}
	hold(plan.shard_count >= 1);
}

static void loads_and_counts_add_up(void)
{
	uint32_t counts[PLAN_SHARDS_MAX] = {0};

	memset(load, 0, sizeof(load));
	for (uint32_t flow = 0; flow < rc.flow_count; flow++) {
		hold(plan.first_owner[flow + 1] - plan.first_owner[flow] ==
		     (rc.flows[flow].spread));
		for (uint32_t i = plan.first_owner[flow]; i < plan.first_owner[flow + 1]; i++) {
			uint32_t shard = plan.owners[i].shard;

			hold(shard < (plan.shard_count));
			hold(!owns(flow, i, shard));
			load[shard] += rc.flows[flow].weight;
			counts[shard]++;
		}
	}
	for (uint32_t i = 0; i < plan.shard_count; i++) {
		hold(plan.shards[i].load == (load[i]));
		hold(plan.shards[i].flow_count == (counts[i]));
	}
}

/* Nobody that does not own a part of the flow yet and is nearer (or as near and lighter) could
 * have taken it within the bound; beyond the bound only the lightest of all takes it. */
static void owner_is_the_nearest_within_the_bound(uint32_t flow, uint32_t i, double bound)
{
	const struct plan_flow *wish = &rc.flows[flow];
	uint32_t chosen = plan.owners[i].shard;
	uint32_t far = distance(wish->node_os, plan.shards[chosen].home_os);
	bool strict = rc.policy.balance == 0;
	bool within = strict || (double)load[chosen] + wish->weight <= bound;

	for (uint32_t s = 0; s < plan.shard_count; s++) {
		uint32_t near = distance(wish->node_os, plan.shards[s].home_os);
		bool fits = strict || (double)load[s] + wish->weight <= bound;

		if (s == chosen || owns(flow, i, s)) {
			continue;
		}
		if (within) {
			hold(!(near < far && fits));
			hold(!(near == far && load[s] < load[chosen]));
			hold(!(near == far && load[s] == load[chosen] && s < chosen));
		} else {
			hold(!fits);
			hold(load[s] >= (load[chosen]));
			hold(!(load[s] == load[chosen] && near < far));
		}
	}
}

static void owner_is_the_lightest(uint32_t flow, uint32_t i)
{
	uint32_t chosen = plan.owners[i].shard;

	for (uint32_t s = 0; s < plan.shard_count; s++) {
		if (s != chosen && !owns(flow, i, s)) {
			hold(load[s] > load[chosen] || (s > chosen && load[s] == load[chosen]));
		}
	}
}

/* The reason given is the true one. */
static void reason_is_true(uint32_t flow, uint32_t i)
{
	int node_os = rc.flows[flow].node_os;
	uint32_t here = 0;
	uint32_t here_free = 0;

	for (uint32_t s = 0; s < plan.shard_count; s++) {
		here += plan.shards[s].home_os == node_os;
		here_free += plan.shards[s].home_os == node_os && !owns(flow, i, s);
	}
	switch (plan.owners[i].why) {
	case PLAN_WHY_LOCAL:
		hold(plan.shards[plan.owners[i].shard].home_os == node_os);
		break;
	case PLAN_WHY_NODE_UNKNOWN:
		hold(node_os == TOPO_UNKNOWN);
		break;
	case PLAN_WHY_NO_LOCAL:
		hold(here == 0);
		break;
	case PLAN_WHY_SPREAD:
		hold(here > 0);
		hold(here_free == 0);
		break;
	case PLAN_WHY_BALANCE:
		hold(here_free > 0);
		hold(rc.policy.balance != 0);
		break;
	default:
		hold(!"another reason");
	}
}

static void owners_follow_the_rules(void)
{
	uint64_t placed = 0;

	memset(load, 0, sizeof(load));
	for (uint32_t flow = 0; flow < rc.flow_count; flow++) {
		const struct plan_flow *wish = &rc.flows[flow];

		for (uint32_t i = plan.first_owner[flow]; i < plan.first_owner[flow + 1]; i++) {
			double share = (double)(placed + wish->weight) / plan.shard_count;
			double bound = ceil(rc.policy.balance * fmax(share, wish->weight));
			bool named = i == plan.first_owner[flow] && wish->named_shard != PLAN_ANY;

			if (named) {
				hold(plan.owners[i].shard == (wish->named_shard));
				hold(plan.owners[i].why == PLAN_WHY_NAMED);
			} else {
				reason_is_true(flow, i);
				if (topo_find_node(&rc.topo, wish->node_os)) {
					owner_is_the_nearest_within_the_bound(flow, i, bound);
				} else {
					owner_is_the_lightest(flow, i);
				}
			}
			placed += wish->weight;
		}
		for (uint32_t i = plan.first_owner[flow]; i < plan.first_owner[flow + 1]; i++) {
			load[plan.owners[i].shard] += wish->weight;
		}
	}
}

static void expect_same_owners(const struct plan *before, uint32_t old_flow, uint32_t new_flow)
{
	uint32_t a = before->first_owner[old_flow];
	uint32_t b = plan.first_owner[new_flow];

	hold(before->first_owner[old_flow + 1] - a == (plan.first_owner[new_flow + 1] - b));
	for (uint32_t i = 0; i < before->first_owner[old_flow + 1] - a; i++) {
		hold(before->owners[a + i].shard == (plan.owners[b + i].shard));
	}
}

/* Removes about a third of the flows and adds some, with the plan before as the one in force. */
static void reload_moves_no_flow(void)
{
	struct plan before = plan;
	uint32_t was = rc.flow_count;
	uint32_t kept = 0;

	plan = (struct plan){0};
	for (uint32_t i = 0; i < was; i++) {
		if (random_below(&rc, 3)) {
			rc.flows[kept] = rc.flows[i];
			rc.flows[kept++].prior_flow = i;
		}
	}
	rc.flow_count = kept;
	for (uint32_t i = 0; i < 5 && rc.flow_count < RANDOM_FLOWS_MAX; i++) {
		rc.flows[rc.flow_count++] = random_flow(&rc, before.shard_count);
	}
	rc.policy.prior = &before;
	build();
	hold(plan.shard_count == (before.shard_count));
	for (uint32_t i = 0; i < kept; i++) {
		expect_same_owners(&before, rc.flows[i].prior_flow, i);
	}
	loads_and_counts_add_up();
	plan_free(&before);
}

/* With the CPUs fixed, a flow more at the end is the only difference; the same input twice is
 * none. */
static void appending_moves_no_flow(void)
{
	struct plan before = plan;
	int cpus[PLAN_SHARDS_MAX];

	for (uint32_t i = 0; i < before.shard_count; i++) {
		cpus[i] = before.shards[i].cpu_os;
	}
	plan = (struct plan){0};
	rc.policy.cpus_os = cpus;
	rc.policy.cpus_count = before.shard_count;
	rc.policy.shard_count = 0;
	rc.policy.reserve_cores = -1;
	for (uint32_t extra = 0; extra < 2 && rc.flow_count < RANDOM_FLOWS_MAX; extra++) {
		build();
		for (uint32_t i = 0; i < before.flow_count; i++) {
			expect_same_owners(&before, i, i);
		}
		rc.flows[rc.flow_count++] = random_flow(&rc, before.shard_count);
	}
	plan_free(&before);
}

/* ---- */

static void run(void (*property)(void))
{
	const char *only = getenv("CHECK_PLAN_SEED");
	uint64_t first = only ? strtoull(only, NULL, 10) : 1;
	uint64_t end = only ? first + 1 : CASES + 1;

	for (seed = first; seed < end; seed++) {
		random_fill(&rc, seed);
		mark_point();
		build();
		property();
		plan_free(&plan);
	}
}

#define PROPERTY(name)          \
	START_TEST(test_##name) \
	{                       \
		run(name);      \
	}                       \
	END_TEST

PROPERTY(shards_stand_on_allowed_cpus)
PROPERTY(shards_are_as_many_as_asked_for)
PROPERTY(loads_and_counts_add_up)
PROPERTY(owners_follow_the_rules)
PROPERTY(reload_moves_no_flow)
PROPERTY(appending_moves_no_flow)

static Suite *plan_props_suite(void)
{
	Suite *suite = suite_create("plan_props");
	TCase *tc = tcase_create("plan_props");

	tcase_add_test(tc, test_shards_stand_on_allowed_cpus);
	tcase_add_test(tc, test_shards_are_as_many_as_asked_for);
	tcase_add_test(tc, test_loads_and_counts_add_up);
	tcase_add_test(tc, test_owners_follow_the_rules);
	tcase_add_test(tc, test_reload_moves_no_flow);
	tcase_add_test(tc, test_appending_moves_no_flow);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(plan_props_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
