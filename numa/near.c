/* near.c - goes to a node and home again. See near.h.
 *
 * The CPUs of home are asked for each time that it is left, since a cpuset or an operator may have
 * changed them.
 */
#include "numa/near.h"

#include <stdbool.h>

static int narrow(const struct cpu_bits *may, const struct topo *topo, const struct plan *plan,
		  int node_os, struct cpu_bits *out);
static void pick(const struct cpu_bits *may, const struct topo *topo, int node_os,
		 struct cpu_bits *out);
static bool leave_shards_alone(struct cpu_bits *bits, const struct plan *plan);

int near_settle(struct near *near, const struct topo *topo, const struct plan *plan)
{
	struct cpu_bits home = {0}, may = {0};
	int ret = topo->this_machine ? cpu_bits_read(&home, 0) : 0;

	if (ret < 0 || !home.set) {
		return ret;
	}
	ret = cpu_bits_read(&may, 0);
	if (ret == 0 && leave_shards_alone(&home, plan)) {
		ret = cpu_bits_apply(&home);
		if (ret == 0) {
			CPU_FREE(near->may.set);
			near->may = may;
			may.set = NULL;
		}
	}
	CPU_FREE(may.set);
	CPU_FREE(home.set);
	return ret;
}

void near_free(struct near *near)
{
	CPU_FREE(near->before.set);
	CPU_FREE(near->may.set);
	*near = (struct near){0};
}

int near_go(struct near *near, const struct topo *topo, const struct plan *plan, int node_os)
{
	struct cpu_bits bits = {0};
	bool home = near->before.set == NULL;
	int ret;

	if (!home && near->node_os == node_os) {
		return 0;
	}
	if (node_os == TOPO_UNKNOWN || !topo->this_machine) {
		return near_go_home(near);
	}
	ret = home ? cpu_bits_read(&near->before, 0) : 0;
	if (ret == 0) {
		ret = narrow(near->may.set ? &near->may : &near->before, topo, plan, node_os,
			     &bits);
	}
	if (ret > 0) {
		ret = cpu_bits_apply(&bits);
		near->node_os = ret == 0 ? node_os : near->node_os;
	} else if (ret == 0) {
		ret = near_go_home(near);
	}
	if (ret < 0 && home && near->before.set) {
		CPU_FREE(near->before.set);
		near->before.set = NULL;
	}
	CPU_FREE(bits.set);
	return ret;
}

int near_go_home(struct near *near)
{
	int ret = near->before.set ? cpu_bits_apply(&near->before) : 0;

	CPU_FREE(near->before.set);
	near->before.set = NULL;
	return ret;
}

/* 1 with `out' to be freed; 0 when no CPU is left, or -errno. */
static int narrow(const struct cpu_bits *may, const struct topo *topo, const struct plan *plan,
		  int node_os, struct cpu_bits *out)
{
	int ret = cpu_bits_init(out, may->count);

	if (ret < 0) {
		return ret;
	}
	pick(may, topo, node_os, out);
	if (!leave_shards_alone(out, plan)) {
		pick(may, topo, node_os, out);
	}
	return CPU_COUNT_S(CPU_ALLOC_SIZE(out->count), out->set) > 0;
}

static void pick(const struct cpu_bits *may, const struct topo *topo, int node_os,
		 struct cpu_bits *out)
{
	size_t size = CPU_ALLOC_SIZE(may->count);

	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		const struct topo_cpu *cpu = &topo->cpus[i];

		if (cpu->node_os == node_os && CPU_ISSET_S((size_t)cpu->cpu_os, size, may->set)) {
			CPU_SET_S((size_t)cpu->cpu_os, size, out->set);
		}
	}
}

/* False: there is none left then. */
static bool leave_shards_alone(struct cpu_bits *bits, const struct plan *plan)
{
	size_t size = CPU_ALLOC_SIZE(bits->count);

	for (uint32_t i = 0; i < plan->shard_count; i++) {
		CPU_CLR_S((size_t)plan->shards[i].cpu_os, size, bits->set);
	}
	return CPU_COUNT_S(size, bits->set) > 0;
}
