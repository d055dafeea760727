/* topo.h - what this machine is made of, as plain data (steps 1 and 2).
 *
 * topo_load asks hwloc once, at start or for --plan, and copies what the planner and the pictures
 * need into arrays without pointers to hwloc: <hwloc.h> appears only in topo.c. `_os' numbers are
 * the kernel's, `_idx' are positions in these arrays. Unknown is a value of its own (-1), never 0.
 * Immutable after loading; control thread.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/log.h"

#define TOPO_UNKNOWN (-1)

struct topo_cpu {
	int cpu_os;
	int core_idx;    /* position of its core, counted over the machine */
	int package_os;  /* socket */
	int node_os;     /* nearest memory node with memory, or TOPO_UNKNOWN */
	int smt_rank;    /* 0 = first thread of its core among the allowed ones */
	int efficiency;  /* hwloc CPU kind, 0 = least powerful; TOPO_UNKNOWN when all are alike */
	int l3_idx;      /* position of its last-level cache, or TOPO_UNKNOWN */
	bool allowed;    /* by affinity, cgroup and being online */
};

struct topo_node {
	int node_os;
	uint64_t memory_bytes;
	uint32_t cpu_count; /* allowed CPUs whose nearest node this is */
	bool allowed;       /* memory may be taken from it */
	int64_t huge_2m_free; /* pages, TOPO_UNKNOWN when it cannot be read (foreign topology) */
	int64_t huge_1g_free;
};

struct topo_nic {
	char name[IF_NAMESIZE];
	int node_os;      /* TOPO_UNKNOWN: virtual, or the firmware does not say */
	char via[64];     /* how that was found: "pci 0000:81:00.0", "lower eth0", "" */
};

struct topo {
	struct topo_cpu *cpus; /* ascending cpu_os */
	struct topo_node *nodes; /* ascending node_os */
	struct topo_nic *nics;
	uint32_t cpu_count;
	uint32_t node_count;
	uint32_t nic_count;
	uint32_t core_count;
	uint32_t package_count;
	uint32_t l3_count;
	uint32_t *distances; /* node_count x node_count, row = from; NULL when unknown */
	bool this_machine;   /* false: from --topology, nothing may be bound to it */
	char source[256];    /* "this machine", "synthetic: ...", "machine.xml" */
};

/* Reads this machine (spec NULL), an hwloc XML file (a path that exists), or a synthetic string
 * ("package:2 numanode:1 core:4 pu:2"). 0 or -errno with `err' saying what was expected. */
int topo_load(const char *spec, struct topo *out, struct err *err);

/* Accepts all-zero. */
void topo_free(struct topo *topo);

/* NULL when there is none. */
const struct topo_node *topo_find_node(const struct topo *topo, int node_os);
const struct topo_cpu *topo_find_cpu(const struct topo *topo, int cpu_os);
const struct topo_nic *topo_find_nic(const struct topo *topo, const char *ifname);
