/* topo_here.c - interfaces and huge pages of this machine, from sysfs (steps 1 and 2).
 *
 * hwloc could list interfaces too, but knows only physical ones; sysfs leads from a bond or a VLAN
 * to the device below it (numa/nic.c). Control thread, at start. Units: pages.
 */
#include "numa/topo_here.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "numa/nic.h"

/* Pages of `kib' KiB that are free on a node right now. */
static int64_t read_huge_free(int node_os, unsigned kib)
{
	char path[128];
	long long pages = TOPO_UNKNOWN;
	FILE *file;

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/hugepages/hugepages-%ukB/free_hugepages", node_os,
		 kib);
	file = fopen(path, "re");
	if (!file) {
		return TOPO_UNKNOWN;
	}
	if (fscanf(file, "%lld", &pages) != 1) {
		pages = TOPO_UNKNOWN;
	}
	fclose(file);
	return pages;
}

/* A machine with one node needs no firmware to say where its devices are. */
static void place_on_only_node(struct topo *topo)
{
	if (topo->node_count != 1) {
		return;
	}
	for (uint32_t i = 0; i < topo->nic_count; i++) {
		struct topo_nic *nic = &topo->nics[i];
		char *unsaid = strstr(nic->via, ", node not said");

		if (unsaid) {
			nic->node_os = topo->nodes[0].node_os;
			snprintf(unsaid, sizeof(nic->via) - (size_t)(unsaid - nic->via),
				 ", only node");
		}
	}
}

int topo_here_fill(struct topo *topo)
{
	int rc;

	for (uint32_t i = 0; i < topo->node_count; i++) {
		struct topo_node *node = &topo->nodes[i];

		node->huge_2m_free = read_huge_free(node->node_os, 2048);
		node->huge_1g_free = read_huge_free(node->node_os, 1048576);
	}
	rc = nic_list(NIC_SYSFS, &topo->nics, &topo->nic_count);
	if (rc == -ENOENT) {
		return 0;
	}
	if (rc == 0) {
		place_on_only_node(topo);
	}
	return rc;
}
