/* hugepages.h - what the kernel's huge-page pools and nodes hold, and the line that fills them.
 *
 * Reads sysfs only: per node /sys/devices/system/node/nodeN/hugepages, for the whole machine
 * /sys/kernel/mm/hugepages. `node_os' is the kernel's number or NODE_UNKNOWN (-1): the whole
 * machine. `page_bytes' is the size of a huge page, 2 MiB or 1 GiB on x86-64. Any thread, before
 * traffic (it opens files).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUGEPAGES_LINE_MAX 160 /* an "echo N > PATH" line and its zero byte */

struct hugepages {
	uint64_t total;     /* pages in the pool: nr_hugepages */
	uint64_t available; /* free, and not promised to a mapping that has yet to touch them */
};

/* Where the pages of `node_os' come from on this machine: that node, or NODE_UNKNOWN on a kernel
 * without NUMA, which has one pool and knows no nodes. */
int hugepages_home(int node_os);

/* 0, or -errno (-ENOENT: no such node, or this machine has no pages of that size). */
int hugepages_read(int node_os, size_t page_bytes, struct hugepages *out);

/* Writes "echo COUNT > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages" into
 * `buf', which holds HUGEPAGES_LINE_MAX bytes; returns it. COUNT is the pool's new total. */
const char *hugepages_line(int node_os, size_t page_bytes, uint64_t count, char *buf);

/* Bytes of ordinary memory that `node_os' can supply without swapping: what is free, file cache and
 * reclaimable kernel memory, less what the kernel keeps back. 0, or -errno. */
int hugepages_node_room(int node_os, uint64_t *bytes);

/* Whether transparent huge pages are switched off for the whole machine. */
bool hugepages_thp_never(void);
