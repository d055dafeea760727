/* topo_find.c - questions to a loaded topology that need no hwloc (step 2).
 *
 * The arrays are ascending by the kernel's number, so a CPU is found by bisection; nodes and
 * interfaces are few and searched in order. Pure, except that topo_free frees. Any thread.
 */
#include "numa/topo.h"

#include <stdlib.h>
#include <string.h>

static int compare_cpu(const void *key, const void *elem);

void topo_free(struct topo *topo)
{
	free(topo->cpus);
	free(topo->nodes);
	free(topo->nics);
	free(topo->l3_bytes);
	free(topo->distances);
	memset(topo, 0, sizeof(*topo));
}

const struct topo_node *topo_find_node(const struct topo *topo, int node_os)
{
	for (uint32_t i = 0; i < topo->node_count; i++) {
		if (topo->nodes[i].node_os == node_os) {
			return &topo->nodes[i];
		}
	}
	return NULL;
}

const struct topo_cpu *topo_find_cpu(const struct topo *topo, int cpu_os)
{
	if (topo->cpu_count == 0) {
		return NULL;
	}
	return bsearch(&cpu_os, topo->cpus, topo->cpu_count, sizeof(topo->cpus[0]), compare_cpu);
}

const struct topo_nic *topo_find_nic(const struct topo *topo, const char *ifname)
{
	for (uint32_t i = 0; i < topo->nic_count; i++) {
		if (strcmp(topo->nics[i].name, ifname) == 0) {
			return &topo->nics[i];
		}
	}
	return NULL;
}

int topo_pool_node(const struct topo *topo, int node_os)
{
	return topo->one_pool ? TOPO_UNKNOWN : node_os;
}

uint32_t topo_distance(const struct topo *topo, int from_os, int to_os)
{
	const struct topo_node *from = topo_find_node(topo, from_os);
	const struct topo_node *to = topo_find_node(topo, to_os);

	if (!topo->distances || !from || !to) {
		return 0;
	}
	return topo->distances[(size_t)(from - topo->nodes) * topo->node_count +
			       (size_t)(to - topo->nodes)];
}

int topo_nearest_memory(const struct topo *topo, int home_os)
{
	const struct topo_node *best = NULL;
	uint32_t best_distance = UINT32_MAX;
	uint32_t candidates = 0;

	for (uint32_t i = 0; i < topo->node_count; i++) {
		const struct topo_node *node = &topo->nodes[i];
		uint32_t said = topo_distance(topo, home_os, node->node_os);
		uint32_t distance = said ? said : UINT32_MAX;

		if (!node->allowed || node->memory_bytes == 0) {
			continue;
		}
		candidates++;
		if (!best || (best->special && !node->special) ||
		    (best->special == node->special && distance < best_distance)) {
			best = node;
			best_distance = distance;
		}
	}
	if (!best || (best_distance == UINT32_MAX && candidates > 1)) {
		return TOPO_UNKNOWN;
	}
	return best->node_os;
}

static int compare_cpu(const void *key, const void *elem)
{
	int cpu_os = *(const int *)key;
	int other_os = ((const struct topo_cpu *)elem)->cpu_os;

	return (cpu_os > other_os) - (cpu_os < other_os);
}
