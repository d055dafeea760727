/* procmaps.h - what /proc/self says about the pages of one mapping.
 *
 * numa_maps stands in where move_pages is forbidden, and only smaps tells how much of a
 * mapping the kernel made transparently huge. Both name a mapping by its first address, so `base'
 * has to be where a mapping begins, as an arena's is. Any thread, before traffic or on the control
 * thread (it opens files).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Counts the pages of the mapping at `base': `on_node' are on `node_os', `present' on any. 0 or
 * -errno (-ENOENT: no /proc, a kernel without NUMA, or no mapping begins there). */
int procmaps_count_pages(const void *base, int node_os, uint64_t *on_node, uint64_t *present);

/* How many bytes of the mapping at `base' are in transparent huge pages. 0 or -errno. */
int procmaps_thp_bytes(const void *base, uint64_t *bytes);

/* Writes the nodes this process may take memory from ("0-1"), or "unknown". Returns `buf'. */
const char *procmaps_allowed_nodes(char *buf, size_t room);
