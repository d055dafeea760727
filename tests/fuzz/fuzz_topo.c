/* fuzz_topo.c - any bytes as what the child says that reads the topology by hwloc.
 *
 * What must hold: no crash, and a topology that is taken for sound is one: each of its numbers can
 * be looked up, and it is the same once it is written and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "numa/topo_flat.h"
#include "src/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct topo *topo)
{
	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		const struct topo_cpu *cpu = &topo->cpus[i];

		must(topo_find_cpu(topo, cpu->cpu_os) == cpu);
		must((uint32_t)cpu->core_idx < topo->core_count);
		must(cpu->home_os == TOPO_UNKNOWN || topo_find_node(topo, cpu->home_os));
		must(cpu->l3_idx == TOPO_UNKNOWN || topo->l3_bytes + cpu->l3_idx);
		(void)topo_nearest_memory(topo, cpu->home_os);
	}
	for (uint32_t i = 0; i < topo->node_count; i++) {
		const struct topo_node *node = &topo->nodes[i];

		must(topo_find_node(topo, node->node_os) == node);
		(void)topo_distance(topo, node->node_os, topo->nodes[0].node_os);
	}
	for (uint32_t i = 0; i < topo->nic_count; i++) {
		must(strlen(topo->nics[i].name) < sizeof(topo->nics[i].name));
		(void)topo_find_nic(topo, topo->nics[i].name);
	}
}

static void write_again(const struct topo *topo, size_t len)
{
	size_t written = 0;
	struct topo again;
	void *bytes = topo_flat_write(topo, &written);

	must(bytes);
	must(written == len);
	must(topo_flat_read(bytes, written, &again) == 0);
	must(memcmp(again.cpus, topo->cpus, topo->cpu_count * sizeof(*topo->cpus)) == 0);
	topo_free(&again);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct topo topo;

	if (topo_flat_read(data, size, &topo) == 0) {
		judge(&topo);
		write_again(&topo, size);
		topo_free(&topo);
	}
	return 0;
}
