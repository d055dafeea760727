/* sqpoll.c - chooses a CPU for each kernel thread that submits; see sqpoll.h (step 2).
 *
 * One pass over the shards, in their order; for each a look at every allowed CPU without a shard.
 * Costs shards times CPUs, once at start. Control thread; no state.
 */
#include "numa/sqpoll.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define DISTANCE_UNKNOWN UINT32_MAX

/* A CPU that runs no shard. */
struct spare {
	const struct topo_cpu *cpu;
	bool beside;   /* its core runs a shard, on another hardware thread */
	bool reserved; /* of a core left to the rest of the system */
	uint32_t used; /* threads placed here so far */
};

static uint32_t list_spares(const struct topo *topo, const struct plan *plan, struct spare *spares);
static bool runs_shard(const struct topo *topo, const struct plan *plan, const struct topo_cpu *cpu,
		       bool *beside);
static bool is_reserved(const struct plan *plan, int cpu_os);
static int refuse(uint32_t shards, uint32_t spares, struct err *err);
static struct spare *best_spare(const struct topo *topo, int home_os, struct spare *spares,
				uint32_t count);
static bool is_better(const struct topo *topo, int home_os, const struct spare *a,
		      const struct spare *b);
static uint32_t distance(const struct topo *topo, int from_os, int to_os);

int sqpoll_place(const struct topo *topo, const struct plan *plan, bool may_share, int *cpus_os,
		 struct err *err)
{
	struct spare *spares = calloc((size_t)topo->cpu_count + 1, sizeof(*spares));
	uint32_t count;
	int rc = 0;

	if (!spares) {
		err_set(err, "--sqpoll: out of memory");
		return -ENOMEM;
	}
	count = list_spares(topo, plan, spares);
	if (count == 0 || (count < plan->shard_count && !may_share)) {
		rc = refuse(plan->shard_count, count, err);
	}
	for (uint32_t i = 0; i < plan->shard_count && rc == 0; i++) {
		struct spare *spare = best_spare(topo, plan->shards[i].home_os, spares, count);

		spare->used++;
		cpus_os[i] = spare->cpu->cpu_os;
	}
	free(spares);
	return rc;
}

static uint32_t list_spares(const struct topo *topo, const struct plan *plan, struct spare *spares)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		const struct topo_cpu *cpu = &topo->cpus[i];
		bool beside;

		if (cpu->allowed && !runs_shard(topo, plan, cpu, &beside)) {
			spares[count++] =
				(struct spare){.cpu = cpu,
					       .beside = beside,
					       .reserved = is_reserved(plan, cpu->cpu_os)};
		}
	}
	return count;
}

/* Whether the CPU runs a shard; `beside' says whether another thread of its core does. */
static bool runs_shard(const struct topo *topo, const struct plan *plan, const struct topo_cpu *cpu,
		       bool *beside)
{
	*beside = false;
	for (uint32_t i = 0; i < plan->shard_count; i++) {
		const struct topo_cpu *other;

		if (plan->shards[i].cpu_os == cpu->cpu_os) {
			return true;
		}
		other = topo_find_cpu(topo, plan->shards[i].cpu_os);
		*beside = *beside || (other && other->core_idx == cpu->core_idx);
	}
	return false;
}

static bool is_reserved(const struct plan *plan, int cpu_os)
{
	for (uint32_t i = 0; i < plan->cpus_reserved; i++) {
		if (plan->reserved_os[i] == cpu_os) {
			return true;
		}
	}
	return false;
}

/* As many shards as leave each a second CPU: what the message proposes. */
static int refuse(uint32_t shards, uint32_t spares, struct err *err)
{
	uint32_t fit = (shards + spares) / 2;

	if (fit == 0) {
		err_set(err, "--sqpoll: the only allowed CPU runs a shard, and the kernel's "
			     "submitting thread needs another; expected two CPUs; allow more by "
			     "affinity or cgroup, or remove --sqpoll");
		return -EINVAL;
	}
	err_set(err,
		"--sqpoll: %u shards need a CPU each for the kernel's submitting thread, and %u of "
		"the allowed CPUs run no shard; expected one for each shard; give --shards %u, or "
		"choose with --cpus and --reserve-cores, or remove --sqpoll",
		shards, spares, fit);
	return -EINVAL;
}

static struct spare *best_spare(const struct topo *topo, int home_os, struct spare *spares,
				uint32_t count)
{
	struct spare *best = &spares[0];

	for (uint32_t i = 1; i < count; i++) {
		if (is_better(topo, home_os, &spares[i], best)) {
			best = &spares[i];
		}
	}
	return best;
}

/* Whether `a' is better for a shard at home on `home_os' than `b', which has the lower number. */
static bool is_better(const struct topo *topo, int home_os, const struct spare *a,
		      const struct spare *b)
{
	uint32_t far_a = distance(topo, home_os, a->cpu->home_os);
	uint32_t far_b = distance(topo, home_os, b->cpu->home_os);

	if (a->used != b->used) {
		return a->used < b->used;
	}
	if (far_a != far_b) {
		return far_a < far_b;
	}
	if (a->beside != b->beside) {
		return b->beside;
	}
	return a->reserved && !b->reserved;
}

/* Nothing known is as far as can be. */
static uint32_t distance(const struct topo *topo, int from_os, int to_os)
{
	uint32_t known = from_os == TOPO_UNKNOWN || to_os == TOPO_UNKNOWN
				 ? 0
				 : topo_distance(topo, from_os, to_os);

	if (from_os == to_os) {
		return 0;
	}
	return known > 0 ? known : DISTANCE_UNKNOWN;
}
