/* topo_here.c - interfaces, isolated CPUs and huge pages of this machine, from sysfs (steps 1, 2).
 *
 * hwloc could list interfaces too, but knows only physical ones; sysfs leads from a bond or a VLAN
 * to the device below it (numa/nic.c). Control thread, at start. Units: pages.
 */
#include "numa/topo_here.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numa/hugepages.h"
#include "numa/nic.h"

#define CPUS    "/sys/devices/system/cpu"
#define PAGE_2M ((size_t)2 << 20)
#define PAGE_1G ((size_t)1 << 30)

static void mark_list(struct topo *topo, char *at);
static void read_huge(int node_os, size_t page_bytes, int64_t *total, int64_t *unused);
static void place_on_only_node(struct topo *topo);

int topo_here_fill(struct topo *topo)
{
	int rc;

	topo->one_pool = hugepages_home(0) == TOPO_UNKNOWN;
	read_huge(TOPO_UNKNOWN, PAGE_2M, &topo->pool[0].total, &topo->pool[0].unused);
	read_huge(TOPO_UNKNOWN, PAGE_1G, &topo->pool[1].total, &topo->pool[1].unused);
	for (uint32_t i = 0; i < topo->node_count; i++) {
		struct topo_node *node = &topo->nodes[i];
		int from_os = topo_pool_node(topo, node->node_os);

		read_huge(from_os, PAGE_2M, &node->huge_2m_total, &node->huge_2m_free);
		read_huge(from_os, PAGE_1G, &node->huge_1g_total, &node->huge_1g_free);
	}
	topo_mark_isolated(topo, CPUS "/isolated");
	topo_mark_isolated(topo, CPUS "/nohz_full");
	rc = nic_list(NIC_SYSFS, &topo->nics, &topo->nic_count);
	if (rc == -ENOENT) {
		return 0;
	}
	if (rc == 0) {
		place_on_only_node(topo);
	}
	return rc;
}

void topo_mark_isolated(struct topo *topo, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (file && getline(&line, &room, file) > 0) {
		mark_list(topo, line);
	}
	free(line);
	if (file) {
		fclose(file);
	}
}

/* "2-3,8"; nohz_full says "(null)" for none. */
static void mark_list(struct topo *topo, char *at)
{
	while (*at >= '0' && *at <= '9') {
		long first = strtol(at, &at, 10);
		long last = *at == '-' ? strtol(at + 1, &at, 10) : first;

		for (uint32_t i = 0; i < topo->cpu_count; i++) {
			struct topo_cpu *cpu = &topo->cpus[i];

			cpu->isolated |= cpu->cpu_os >= first && cpu->cpu_os <= last;
		}
		at += *at == ',';
	}
}

static void read_huge(int node_os, size_t page_bytes, int64_t *total, int64_t *unused)
{
	struct hugepages pool;

	if (hugepages_read(node_os, page_bytes, &pool) == 0) {
		*total = (int64_t)pool.total;
		*unused = (int64_t)pool.available;
	}
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
