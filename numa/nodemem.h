/* nodemem.h - puts an arena on its NUMA node and proves where every page is (steps 2 and 6).
 *
 * Order matters: bind (mbind MPOL_BIND) before the first page exists, populate from the pinned
 * thread, then verify each page with move_pages. mbind to an absent node fails with EINVAL and
 * populating would then quietly succeed elsewhere, hence the check of each step. Node numbers are
 * the kernel's (`_os'). <numa.h>/<numaif.h> appear only in nodemem.c; numa_error and numa_warn are
 * defined there, since libnuma otherwise prints and falls back in silence.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/log.h"

#define NODE_UNKNOWN (-1) /* no node preference: do not bind */
#define NODEMEM_SETTLE_MS                                                         \
	127 /* sleeps of 1, 2, 4 ... 64 ms: a move takes microseconds, or as long \
	     * as a virtual machine's CPU is kept from running */

/* What the operator asked for with --huge and --require-huge. */
enum nodemem_huge {
	NODEMEM_HUGE_AUTO, /* 2 MiB, thp, 4 KiB in turn; 1 GiB first when that much is needed */
	NODEMEM_HUGE_1G,   /* start at this kind, then the smaller ones in turn */
	NODEMEM_HUGE_2M,
	NODEMEM_HUGE_THP,
	NODEMEM_HUGE_OFF,
};

/* What came of it; also the source of the start-up line and of the report. */
struct nodemem_result {
	enum arena_huge got;
	bool degraded;     /* smaller pages than asked for */
	bool bound;        /* mbind succeeded */
	bool verified;     /* every page was looked at and is on the node */
	bool unverifiable; /* neither move_pages nor numa_maps may be read here */
	uint64_t pages;    /* looked at */
	uint64_t pages_misplaced;
	struct err note; /* why degraded or unverified, with the exact line that cures it
			  * ("echo 4 > /sys/devices/system/node/node1/hugepages/..."); "" if
			  * there is nothing to say */
};

/* Announces that a shard will ask for `len_bytes' on `node_os'. With all of them announced, the
 * line that cures a shortage names what all need, whichever shard it meets first. Control thread,
 * before the shards start. */
void nodemem_expect(size_t len_bytes, int node_os);

/* Maps, binds, populates and verifies `arena' for `len_bytes' on `node_os' (NODE_UNKNOWN: no
 * binding, any node counts as right), on the calling, already pinned thread. With `require' less
 * than asked for is -ENOMEM and nothing stays mapped. 0 or -errno with `err' set; on 0 `result' is
 * written. Never raises SIGBUS: whatever populating cannot supply is an errno. */
int nodemem_arena(struct arena *arena, size_t len_bytes, int node_os, enum nodemem_huge want,
		  bool require, struct nodemem_result *result, struct err *err);

/* Counts the pages of [base, base+len) that are not on `node_os', at one look: a page that is
 * nowhere is misplaced too, even if the kernel is only just moving it (compaction does, within the
 * node). Control thread or shard thread, any time. 0 or -errno (EPERM: not allowed here).
 * `page_bytes' is the stride to look at. */
int nodemem_verify(const void *base, size_t len_bytes, size_t page_bytes, int node_os,
		   uint64_t *pages, uint64_t *misplaced);

/* The same, but while pages are nowhere it sleeps and looks again, for NODEMEM_SETTLE_MS in all:
 * what then is misplaced is elsewhere, or gone. */
int nodemem_verify_settled(const void *base, size_t len_bytes, size_t page_bytes, int node_os,
			   uint64_t *pages, uint64_t *misplaced);
