/* plan_cpus.c - which CPUs become shards (step 2).
 *
 * The rules are in numa/plan.h. The work is done on an array of *seats*, the CPUs that a shard
 * could sit on, kept sorted by node and, within a node, in the order in which seats are given
 * away. A *node slot* is a position in topo->nodes; one more slot, the last, stands for CPUs whose
 * home is unknown. Pure; all counts are CPUs, cores or shards.
 */
#include "numa/plan_cpus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "numa/plan_heaps.h"
#include "src/base/must.h"

struct seat {
	const struct topo_cpu *cpu;
	uint32_t node_slot;
	uint32_t cache_turn; /* how many cores of the same last-level cache come before this one */
};

struct chooser {
	const struct topo *topo;
	const struct plan_policy *policy;
	struct seat *seats;
	uint32_t seat_count;
	uint32_t slot_count;
	uint32_t core_count; /* with an allowed CPU, before reserving */
	uint32_t *seats_at;  /* by node slot */
	uint32_t *given;     /* by node slot: seats that become shards */
	uint64_t *demand;    /* by node slot: weight of the flows that ask for the node */
	bool *reserved;      /* by core */
	uint32_t *turns;     /* by last-level cache, while seats are counted */
};

static int take_prior(const struct plan *prior, struct plan *out);
static int open_chooser(struct chooser *ch, const struct topo *topo,
			const struct plan_policy *policy);
static int choose(struct chooser *ch, const struct plan_flow *flows, uint32_t flow_count,
		  struct plan *out, struct err *err);
static int seat_list(struct chooser *ch, struct err *err);
static void seat_allowed(struct chooser *ch);
static int reserve(struct chooser *ch, struct plan *out, struct err *err);
static uint32_t count_cores(const struct chooser *ch, bool *seen, uint32_t *at);
static uint32_t wanted_reserve(const struct chooser *ch, const uint32_t *cores_at,
			       uint32_t core_count);
static int next_reserved(const struct chooser *ch, const uint32_t *cores_at);
static void drop_reserved_seats(struct chooser *ch);
static int list_reserved(const struct chooser *ch, struct plan *out);
static int check_count(const struct chooser *ch, uint32_t want, struct err *err);
static int alloc_shards(struct plan *out, uint32_t count);
static int compare_seats(const void *left, const void *right);
static void count_demand(struct chooser *ch, const struct plan_flow *flows, uint32_t flow_count);
static void give_seats(struct chooser *ch, struct plan *out);
static void apportion(struct chooser *ch, uint32_t shard_count);
static bool goes_before(const struct chooser *ch, uint32_t a, uint32_t b);
static void seat_shard(struct plan_shard *shard, const struct topo_cpu *cpu);
static int compare_shards(const void *left, const void *right);
static int compare_int(int64_t a, int64_t b);
static void close_chooser(struct chooser *ch);

int plan_cpus_choose(const struct topo *topo, const struct plan_flow *flows, uint32_t flow_count,
		     const struct plan_policy *policy, struct plan *out, struct err *err)
{
	struct chooser ch = {0};
	int rc;

	if (policy->prior) {
		rc = take_prior(policy->prior, out);
	} else {
		rc = open_chooser(&ch, topo, policy);
		if (rc == 0) {
			rc = choose(&ch, flows, flow_count, out, err);
		}
		close_chooser(&ch);
	}
	if (rc == -ENOMEM) {
		err_set(err, "no memory for the placement plan");
	}
	return rc;
}

static int take_prior(const struct plan *prior, struct plan *out)
{
	if (alloc_shards(out, prior->shard_count) != 0) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < out->shard_count; i++) {
		out->shards[i] = prior->shards[i];
		out->shards[i].flow_count = 0;
		out->shards[i].load = 0;
	}
	out->reserved_os = calloc((size_t)prior->cpus_reserved + 1, sizeof(out->reserved_os[0]));
	if (!out->reserved_os) {
		return -ENOMEM;
	}
	out->cpus_reserved = prior->cpus_reserved;
	for (uint32_t i = 0; i < out->cpus_reserved; i++) {
		out->reserved_os[i] = prior->reserved_os[i];
	}
	return 0;
}

static int open_chooser(struct chooser *ch, const struct topo *topo,
			const struct plan_policy *policy)
{
	ch->topo = topo;
	ch->policy = policy;
	ch->slot_count = topo->node_count + 1;
	ch->seats = calloc((size_t)topo->cpu_count + policy->cpus_count + 1, sizeof(*ch->seats));
	ch->seats_at = calloc(ch->slot_count, sizeof(*ch->seats_at));
	ch->given = calloc(ch->slot_count, sizeof(*ch->given));
	ch->demand = calloc(ch->slot_count, sizeof(*ch->demand));
	ch->reserved = calloc((size_t)topo->core_count + 1, sizeof(*ch->reserved));
	ch->turns = calloc((size_t)topo->l3_count + 1, sizeof(*ch->turns));
	return ch->seats && ch->seats_at && ch->given && ch->demand && ch->reserved && ch->turns
		       ? 0
		       : -ENOMEM;
}

static int choose(struct chooser *ch, const struct plan_flow *flows, uint32_t flow_count,
		  struct plan *out, struct err *err)
{
	const struct plan_policy *policy = ch->policy;
	uint32_t want;
	int rc = 0;

	if (policy->cpus_os) {
		rc = seat_list(ch, err);
	} else {
		seat_allowed(ch);
	}
	if (rc == 0 && ch->seat_count == 0) {
		err_set(err,
			"%s: no CPU may be used; check the affinity mask and the cpuset cgroup, or "
			"name some in --cpus",
			ch->topo->source);
		rc = -EINVAL;
	}
	rc = rc ? rc : reserve(ch, out, err);
	want = policy->shard_count ? policy->shard_count : ch->seat_count;
	if (!policy->shard_count && policy->shards_max && policy->shards_max < want) {
		want = policy->shards_max;
	}
	out->shards_idle = policy->shard_count ? 0 : ch->seat_count - want;
	rc = rc ? rc : check_count(ch, want, err);
	rc = rc ? rc : alloc_shards(out, want);
	if (rc != 0) {
		return rc;
	}
	must(ch->seat_count > 0);
	if (policy->cpus_os) {
		for (uint32_t i = 0; i < want; i++) {
			seat_shard(&out->shards[i], ch->seats[i % ch->seat_count].cpu);
		}
		return 0;
	}
	qsort(ch->seats, ch->seat_count, sizeof(ch->seats[0]), compare_seats);
	count_demand(ch, flows, flow_count);
	give_seats(ch, out);
	return 0;
}

/* The CPUs of --cpus, as they were written: those that the affinity mask leaves out too, since a
 * shard's thread moves there by itself. */
static int seat_list(struct chooser *ch, struct err *err)
{
	const struct plan_policy *policy = ch->policy;

	for (uint32_t i = 0; i < policy->cpus_count; i++) {
		const struct topo_cpu *cpu = topo_find_cpu(ch->topo, policy->cpus_os[i]);

		if (!cpu || (!cpu->allowed && !cpu->nameable)) {
			err_set(err, "--cpus: CPU %d %s; choose among the CPUs that --plan shows",
				policy->cpus_os[i],
				cpu ? "may not be used here (the cgroup's cpuset leaves it out)"
				    : "does not exist or is offline");
			return -EINVAL;
		}
		for (uint32_t j = 0; j < i && !policy->oversubscribe; j++) {
			if (policy->cpus_os[j] == policy->cpus_os[i]) {
				err_set(err,
					"--cpus: CPU %d is listed twice; two shards on one CPU "
					"need --oversubscribe",
					policy->cpus_os[i]);
				return -EINVAL;
			}
		}
		ch->seats[ch->seat_count].cpu = cpu;
		ch->seats[ch->seat_count++].node_slot = plan_node_slot(ch->topo, cpu->home_os);
	}
	return 0;
}

/* One seat for each allowed core, or with --smt for each allowed hardware thread. */
static void seat_allowed(struct chooser *ch)
{
	for (uint32_t i = 0; i < ch->topo->cpu_count; i++) {
		const struct topo_cpu *cpu = &ch->topo->cpus[i];
		struct seat *seat = &ch->seats[ch->seat_count];

		if (!cpu->allowed || (cpu->smt_rank != 0 && !ch->policy->smt)) {
			continue;
		}
		seat->cpu = cpu;
		seat->node_slot = plan_node_slot(ch->topo, cpu->home_os);
		if (cpu->l3_idx != TOPO_UNKNOWN && cpu->smt_rank == 0) {
			seat->cache_turn = ch->turns[cpu->l3_idx]++;
		}
		ch->seat_count++;
	}
}

/* Takes the seats of reserved cores away. */
static int reserve(struct chooser *ch, struct plan *out, struct err *err)
{
	bool *seen = calloc((size_t)ch->topo->core_count + 1, sizeof(*seen));
	uint32_t *cores_at = calloc(ch->slot_count, sizeof(*cores_at));
	uint32_t core_count = 0;
	uint32_t want = 0;
	int rc = -ENOMEM;

	if (seen && cores_at) {
		core_count = count_cores(ch, seen, cores_at);
		want = wanted_reserve(ch, cores_at, core_count);
		rc = want < core_count ? 0 : -EINVAL;
	}
	if (rc == -EINVAL) {
		err_set(err,
			"--reserve-cores %u: only %u %s may be used and one must remain for a "
			"shard; lower the number",
			want, core_count, core_count == 1 ? "core" : "cores");
	}
	for (uint32_t i = 0; rc == 0 && i < want; i++) {
		const struct seat *seat = &ch->seats[next_reserved(ch, cores_at)];

		ch->reserved[seat->cpu->core_idx] = true;
		cores_at[seat->node_slot]--;
	}
	free(seen);
	free(cores_at);
	if (rc == 0) {
		drop_reserved_seats(ch);
		rc = list_reserved(ch, out);
	}
	return rc;
}

/* Counts the cores that have a seat, in all and (when `at' is given) by node. A --cpus list may
 * hold several threads of a core, hence the marks in `seen', one for each core and all false. */
static uint32_t count_cores(const struct chooser *ch, bool *seen, uint32_t *at)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ch->seat_count; i++) {
		const struct seat *seat = &ch->seats[i];

		if (!seen[seat->cpu->core_idx]) {
			seen[seat->cpu->core_idx] = true;
			at[seat->node_slot]++;
			count++;
		}
	}
	return count;
}

/* How many cores to reserve. The automatic one gives way where the operator asked for more shards
 * than would remain. */
static uint32_t wanted_reserve(const struct chooser *ch, const uint32_t *cores_at,
			       uint32_t core_count)
{
	const struct plan_policy *policy = ch->policy;
	uint32_t lost = 0;
	int core_idx;

	if (policy->reserve_cores >= 0) {
		return (uint32_t)policy->reserve_cores;
	}
	if (policy->cpus_os || core_count <= 2) {
		return 0;
	}
	core_idx = ch->seats[next_reserved(ch, cores_at)].cpu->core_idx;
	for (uint32_t i = 0; i < ch->seat_count; i++) {
		lost += ch->seats[i].cpu->core_idx == core_idx;
	}
	return policy->shard_count <= ch->seat_count - lost || policy->oversubscribe ? 1 : 0;
}

/* The core of the lowest CPU among those with a seat, where possible one that is not the last of
 * its node. */
static int next_reserved(const struct chooser *ch, const uint32_t *cores_at)
{
	const struct seat *best = NULL;
	bool best_last = false;

	for (uint32_t i = 0; i < ch->seat_count; i++) {
		const struct seat *seat = &ch->seats[i];
		bool last = cores_at[seat->node_slot] < 2;

		if (ch->reserved[seat->cpu->core_idx]) {
			continue;
		}
		if (!best || (best_last && !last) ||
		    (best_last == last && seat->cpu->cpu_os < best->cpu->cpu_os)) {
			best = seat;
			best_last = last;
		}
	}
	must(best != NULL);
	return (int)(best - ch->seats);
}

static void drop_reserved_seats(struct chooser *ch)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < ch->seat_count; i++) {
		if (!ch->reserved[ch->seats[i].cpu->core_idx]) {
			ch->seats[kept++] = ch->seats[i];
		}
	}
	ch->seat_count = kept;
}

static int list_reserved(const struct chooser *ch, struct plan *out)
{
	out->reserved_os = calloc((size_t)ch->topo->cpu_count + 1, sizeof(out->reserved_os[0]));
	if (!out->reserved_os) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < ch->topo->cpu_count; i++) {
		const struct topo_cpu *cpu = &ch->topo->cpus[i];

		if (cpu->allowed && ch->reserved[cpu->core_idx]) {
			out->reserved_os[out->cpus_reserved++] = cpu->cpu_os;
		}
	}
	return 0;
}

static int check_count(const struct chooser *ch, uint32_t want, struct err *err)
{
	const char *what = ch->policy->cpus_os ? "CPUs of --cpus"
			   : ch->policy->smt   ? "hardware threads"
					       : "cores";

	if (want > PLAN_SHARDS_MAX) {
		err_set(err, "--shards %u: at most %u shards", want, PLAN_SHARDS_MAX);
		return -EINVAL;
	}
	if (want > ch->seat_count && !ch->policy->oversubscribe) {
		err_set(err,
			"--shards %u: only %u %s may be used; ask for fewer%s, or for tests use "
			"--oversubscribe",
			want, ch->seat_count, what,
			ch->policy->smt || ch->policy->cpus_os
				? ""
				: ", use hardware threads too (--smt), lower --reserve-cores");
		return -EINVAL;
	}
	return 0;
}

static int alloc_shards(struct plan *out, uint32_t count)
{
	must(count > 0);
	out->shards = calloc(count, sizeof(out->shards[0]));
	if (!out->shards) {
		return -ENOMEM;
	}
	out->shard_count = count;
	return 0;
}

/* The order in which the seats of a node are given away; see numa/plan.h. */
static int compare_seats(const void *left, const void *right)
{
	const struct seat *a = left;
	const struct seat *b = right;
	int order = compare_int(a->node_slot, b->node_slot);

	order = order ? order : compare_int(a->cpu->smt_rank, b->cpu->smt_rank);
	order = order ? order : compare_int(b->cpu->efficiency, a->cpu->efficiency);
	order = order ? order : compare_int(a->cache_turn, b->cache_turn);
	return order ? order : compare_int(a->cpu->cpu_os, b->cpu->cpu_os);
}

static void count_demand(struct chooser *ch, const struct plan_flow *flows, uint32_t flow_count)
{
	for (uint32_t i = 0; i < flow_count; i++) {
		uint32_t slot = plan_node_slot(ch->topo, flows[i].node_os);

		if (slot < ch->topo->node_count) {
			ch->demand[slot] += (uint64_t)flows[i].weight * flows[i].spread;
		}
	}
	for (uint32_t i = 0; i < ch->seat_count; i++) {
		ch->seats_at[ch->seats[i].node_slot]++;
	}
}

/* Gives `count' seats to shards, each seat once before any twice (--oversubscribe). */
static void give_seats(struct chooser *ch, struct plan *out)
{
	uint32_t rounds;
	uint32_t node_start = 0;
	uint32_t used = 0;

	must(ch->seat_count > 0);
	rounds = out->shard_count / ch->seat_count;
	apportion(ch, out->shard_count % ch->seat_count);
	for (uint32_t slot = 0; slot < ch->slot_count; slot++) {
		for (uint32_t i = 0; i < ch->seats_at[slot]; i++) {
			uint32_t times = rounds + (i < ch->given[slot] ? 1 : 0);

			while (times-- > 0) {
				seat_shard(&out->shards[used++], ch->seats[node_start + i].cpu);
			}
		}
		node_start += ch->seats_at[slot];
	}
	must(used == out->shard_count);
	qsort(out->shards, out->shard_count, sizeof(out->shards[0]), compare_shards);
}

static void apportion(struct chooser *ch, uint32_t shard_count)
{
	for (uint32_t i = 0; i < shard_count; i++) {
		uint32_t best = ch->slot_count;

		for (uint32_t slot = 0; slot < ch->slot_count; slot++) {
			if (ch->given[slot] < ch->seats_at[slot] &&
			    (best == ch->slot_count || goes_before(ch, slot, best))) {
				best = slot;
			}
		}
		must(best < ch->slot_count);
		ch->given[best]++;
	}
}

/* Whether node `a' should get its next shard before node `b': nodes in demand that have none yet,
 * then those in demand, by weight for each shard they would have; then the others by seats. */
static bool goes_before(const struct chooser *ch, uint32_t a, uint32_t b)
{
	bool a_first = ch->demand[a] > 0 && ch->given[a] == 0;
	bool b_first = ch->demand[b] > 0 && ch->given[b] == 0;
	bool by_demand = ch->demand[a] > 0 || ch->demand[b] > 0;
	double a_claim = by_demand ? (double)ch->demand[a] : (double)ch->seats_at[a];
	double b_claim = by_demand ? (double)ch->demand[b] : (double)ch->seats_at[b];

	if (a_first != b_first) {
		return a_first;
	}
	return a_claim / (ch->given[a] + 1.0) > b_claim / (ch->given[b] + 1.0);
}

static void seat_shard(struct plan_shard *shard, const struct topo_cpu *cpu)
{
	shard->cpu_os = cpu->cpu_os;
	shard->home_os = cpu->home_os;
	shard->node_os = cpu->node_os;
}

/* The final order: shards are numbered by node, then CPU. */
static int compare_shards(const void *left, const void *right)
{
	const struct plan_shard *a = left;
	const struct plan_shard *b = right;
	int64_t a_home = a->home_os == TOPO_UNKNOWN ? INT32_MAX : a->home_os;
	int64_t b_home = b->home_os == TOPO_UNKNOWN ? INT32_MAX : b->home_os;
	int order = compare_int(a_home, b_home);

	return order ? order : compare_int(a->cpu_os, b->cpu_os);
}

static int compare_int(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static void close_chooser(struct chooser *ch)
{
	free(ch->seats);
	free(ch->seats_at);
	free(ch->given);
	free(ch->demand);
	free(ch->reserved);
	free(ch->turns);
}
