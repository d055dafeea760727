/* topo.h - what this machine is made of, as plain data (steps 1 and 2).
 *
 * topo_load (topo_load.c) has a child ask hwloc once, at start or for --plan, and copy what the
 * planner and the pictures need into arrays without pointers to hwloc: <hwloc.h> appears only in
 * topo_read.c and topo_open.[ch].
 * Questions to what was loaded are answered by topo_find.c. `_os' numbers are the kernel's, `_idx'
 * are positions in these arrays. Unknown is a value of its own (-1), never 0. Immutable after
 * loading; control thread.
 *
 * A CPU has two nodes. Its *home* is the node the hardware puts it on, memory or not: a device is
 * local to the CPUs whose home is the device's node. Its *memory node* is where its buffers come
 * from: normally the home, but the home may have no memory, or none that we are allowed to take,
 * and several nodes may be equally local (DRAM beside HBM). See topo_read.c for how it is chosen.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/log.h"

#define TOPO_UNKNOWN (-1)

struct topo_cpu {
	int cpu_os;
	int core_idx;   /* position of its core, counted over the machine */
	int package_os; /* socket, or TOPO_UNKNOWN */
	int home_os;    /* node it sits on, with memory or without, or TOPO_UNKNOWN */
	int node_os;    /* nearest allowed node with memory, or TOPO_UNKNOWN */
	int smt_rank;   /* 0 = first thread of its core among the allowed ones; else TOPO_UNKNOWN */
	int efficiency; /* hwloc CPU kind, 0 = least powerful; TOPO_UNKNOWN when all are alike */
	int l3_idx;     /* position of its last-level cache, or TOPO_UNKNOWN */
	bool allowed;   /* by affinity and cgroup; offline CPUs are not in the array at all */
	bool nameable;  /* by cgroup alone: a thread may move there, so --cpus may name it */
	bool isolated;  /* kept free of other work: isolcpus=, nohz_full=, an isolated cpuset */
};

struct topo_node {
	int node_os;
	int package_os; /* the one socket it belongs to, or TOPO_UNKNOWN */
	uint64_t memory_bytes;
	uint32_t cpu_count;    /* allowed CPUs whose home this is */
	bool allowed;          /* memory may be taken from it */
	bool special;          /* HBM, CXL, NVM or GPU memory: never chosen while there is DRAM */
	char kind[16];         /* what the firmware or hwloc calls the memory, "" = plain */
	int64_t huge_2m_total; /* pages of the pool; TOPO_UNKNOWN: cannot be read (foreign machine)
				*/
	int64_t huge_2m_free;  /* of these not in use and not promised */
	int64_t huge_1g_total;
	int64_t huge_1g_free;
};

/* Of huge pages of one size; TOPO_UNKNOWN: cannot be read. */
struct topo_pool {
	int64_t total;
	int64_t unused; /* of these not in use and not promised */
};

struct topo_nic {
	char name[IF_NAMESIZE];
	int node_os;  /* TOPO_UNKNOWN: virtual, or the firmware does not say */
	char via[64]; /* how that was found: "pci 0000:81:00.0", "lower eth0", "virtual" */
};

struct topo {
	struct topo_cpu *cpus;   /* ascending cpu_os */
	struct topo_node *nodes; /* ascending node_os */
	struct topo_nic *nics;   /* ascending name */
	uint32_t cpu_count;
	uint32_t node_count;
	uint32_t nic_count;
	uint32_t core_count;
	uint32_t package_count;
	uint32_t l3_count;
	uint32_t offline_count; /* CPUs that exist but are offline */
	uint64_t *l3_bytes;     /* of each last-level cache */
	uint32_t *distances;    /* node_count x node_count, row = from; 0 = not said; NULL = none */
	bool one_pool;          /* the kernel has no NUMA: its huge pages belong to no node */
	struct topo_pool pool[2]; /* huge pages of the whole machine: 2 MiB, 1 GiB */
	bool this_machine;        /* false: from --topology, nothing may be bound to it */
	char source[256];         /* "this machine", "synthetic: ...", "machine.xml" */
};

/* Reads this machine (spec NULL), an hwloc XML file (a path that exists), or a synthetic string
 * ("package:2 numanode:1 core:4 pu:2"). Interfaces come from sysfs (numa/nic.h) on this machine,
 * from the XML's devices otherwise. 0 or -errno with `err' saying what was expected. */
int topo_load(const char *spec, struct topo *out, struct err *err);

/* Accepts all-zero. */
void topo_free(struct topo *topo);

/* NULL when there is none. */
const struct topo_node *topo_find_node(const struct topo *topo, int node_os);
const struct topo_cpu *topo_find_cpu(const struct topo *topo, int cpu_os);
const struct topo_nic *topo_find_nic(const struct topo *topo, const char *ifname);

/* The node whose pool has the huge pages of `node_os': itself, or TOPO_UNKNOWN for the machine's.
 */
int topo_pool_node(const struct topo *topo, int node_os);

/* Between two nodes by the firmware's table (10 = local, larger = farther); 0 when not known. */
uint32_t topo_distance(const struct topo *topo, int from_os, int to_os);

/* The node that memory may be taken from, nearest to `home_os' by the firmware's table, plain
 * memory before special; the only one there is where no distance is known; else TOPO_UNKNOWN. */
int topo_nearest_memory(const struct topo *topo, int home_os);
