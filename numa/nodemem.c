/* nodemem.c - gives a shard its memory on its own node, and proves it (steps 2 and 6).
 *
 * For each kind of page, largest first, an attempt maps the arena, binds it, and only then makes
 * the pages exist; what the node cannot supply is an errno from populating, never a SIGBUS at first
 * touch. A failed attempt is unmapped as a whole before the next smaller kind is tried. In the end
 * every page is asked for its node.
 *
 * Shards start in parallel and compete for a node's memory: two that need four huge pages each may
 * take three each of six, and both fail; two may each find room for one, and both take it. So an
 * attempt holds start_lock shared, counts what others are about to take as gone, and when it found
 * too little is repeated while holding the lock exclusively, when nobody is taking or giving back:
 * as many shards as possible get what they want, whatever the timing. Nothing locks after start.
 *
 * Sizes in bytes unless a name says pages; node numbers are the kernel's. Thread: the pinned shard
 * thread at its start; nodemem_verify also the control thread.
 */
#include "numa/nodemem.h"

#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "numa/hugepages.h"
#include "numa/nodemem_text.h"
#include "numa/procmaps.h"
#include "src/base/must.h"

#define NODES_MAX    1024 /* of any kernel so far: CONFIG_NODES_SHIFT is at most 10 */
#define LONG_BITS    (8 * sizeof(unsigned long))
#define VERIFY_CHUNK 512 /* pages asked about in one call */

static pthread_rwlock_t start_lock = PTHREAD_RWLOCK_INITIALIZER;

/* Huge pages by kind and node (the first entry: node unknown), so that a shortage names what all
 * shards need. Those asked for in vain; under start_lock held exclusively. */
static uint64_t short_pages[ARENA_HUGE_2M + 1][NODES_MAX + 1];
/* And those that announced shards do not have yet, below zero when a shard came unannounced. The
 * control thread adds before the start, then shards subtract what they got. */
static _Atomic int64_t awaited_pages[ARENA_HUGE_2M + 1][NODES_MAX + 1];
/* Bytes of ordinary pages that shards are populating, by node (the first entry: unknown). */
static _Atomic uint64_t promised_bytes[NODES_MAX + 1];

/* What one look at all pages of an arena found. */
struct verdict {
	uint64_t misplaced; /* pages that are not on the node: elsewhere or absent */
	uint64_t absent;    /* of these, pages that are nowhere just now */
};

static int acquire(const struct nodemem_wish *wish, enum arena_huge first, struct arena *arena,
		   struct nodemem_attempt *asked, struct nodemem_attempt *last);
static void attempt_fairly(const struct nodemem_wish *wish, struct arena *arena,
			   struct nodemem_attempt *attempt);
static void attempt_once(const struct nodemem_wish *wish, struct arena *arena,
			 struct nodemem_attempt *attempt);
static int attempt_steps(const struct nodemem_wish *wish, struct arena *arena,
			 struct nodemem_attempt *attempt);
static int bind_range(void *base, size_t len_bytes, int node_os);
static int populate(const struct nodemem_wish *wish, struct arena *arena,
		    struct nodemem_attempt *attempt);
static int check_room(int node_os, size_t len_bytes, struct nodemem_attempt *attempt);
static int check_thp(const struct nodemem_wish *wish, const struct arena *arena,
		     struct nodemem_attempt *attempt);
static void count_awaited(size_t len_bytes, int node_os, int sign);
static bool is_shortage(int ret);
static void count_shortage(const struct nodemem_wish *wish, struct nodemem_attempt *attempt);
static int verify_once(const void *base, uint64_t count, size_t page_bytes, int node_os,
		       struct verdict *verdict);
static int verify_by_move_pages(const unsigned char *base, size_t page_bytes, uint64_t count,
				int node_os, struct verdict *verdict);
static void judge_pages(const int *status, uint64_t count, int node_os, struct verdict *verdict);

void nodemem_expect(size_t len_bytes, int node_os)
{
	count_awaited(len_bytes, hugepages_home(node_os), 1);
}

int nodemem_arena(struct arena *arena, size_t len_bytes, int node_os, enum nodemem_huge want,
		  bool require, struct nodemem_result *result, struct err *err)
{
	struct nodemem_wish wish = {.len_bytes = len_bytes, .node_os = node_os, .require = require};
	struct nodemem_result res = {0};
	struct nodemem_attempt asked = {0};
	struct nodemem_attempt last = {0};
	enum arena_huge first;
	int ret;

	must(len_bytes > 0);
	/* A kernel without NUMA has no mbind to forbid, and its one pool is nobody's. */
	wish.node_os = hugepages_home(node_os);
	if (want == NODEMEM_HUGE_AUTO) {
		wish.asked = ARENA_HUGE_2M;
		first = len_bytes >= arena_huge_bytes(ARENA_HUGE_1G) ? ARENA_HUGE_1G
								     : ARENA_HUGE_2M;
	} else {
		wish.asked = (enum arena_huge)(want - NODEMEM_HUGE_1G);
		first = wish.asked;
	}
	ret = acquire(&wish, first, arena, &asked, &last);
	if (ret < 0) {
		nodemem_text_attempt(&wish, &last, err);
		if (require && last.kind < ARENA_HUGE_OFF && last.step != NODEMEM_STEP_BIND) {
			err_set(err, "--require-huge: %s", err->text);
		}
		return ret;
	}
	res.got = arena->huge;
	res.degraded = res.got > wish.asked ||
		       (wish.asked == ARENA_HUGE_THP && last.thp_bytes < arena->len_bytes);
	res.bound = wish.node_os != NODE_UNKNOWN && last.bind_ret == 0;
	ret = nodemem_verify_settled(arena->base, arena->len_bytes, arena->page_bytes, wish.node_os,
				     &res.pages, &res.pages_misplaced);
	res.unverifiable = ret < 0;
	res.verified = ret == 0 && res.pages_misplaced == 0;
	nodemem_text_result(&wish, &asked, &last, ret, &res);
	*result = res;
	return 0;
}

int nodemem_verify(const void *base, size_t len_bytes, size_t page_bytes, int node_os,
		   uint64_t *pages, uint64_t *misplaced)
{
	uint64_t count = (len_bytes + page_bytes - 1) / page_bytes;
	struct verdict verdict = {0};
	int ret = verify_once(base, count, page_bytes, node_os, &verdict);

	if (ret == 0) {
		*pages = count;
		*misplaced = verdict.misplaced;
	}
	return ret;
}

int nodemem_verify_settled(const void *base, size_t len_bytes, size_t page_bytes, int node_os,
			   uint64_t *pages, uint64_t *misplaced)
{
	uint64_t count = (len_bytes + page_bytes - 1) / page_bytes;
	struct verdict verdict = {0};
	long pause_ms = 1;
	long slept_ms = 0;
	int ret = verify_once(base, count, page_bytes, node_os, &verdict);

	while (ret == 0 && verdict.absent > 0 && slept_ms + pause_ms <= NODEMEM_SETTLE_MS) {
		struct timespec pause = {.tv_nsec = pause_ms * 1000000};

		nanosleep(&pause, NULL);
		slept_ms += pause_ms;
		pause_ms *= 2;
		ret = verify_once(base, count, page_bytes, node_os, &verdict);
	}
	if (ret == 0) {
		*pages = count;
		*misplaced = verdict.misplaced;
	}
	return ret;
}

/* libnuma calls these two; its own print to stderr, and numa_error may end the process. */
void numa_error(char *where)
{
	log_warn("libnuma: %s: %s", where, strerror(errno));
}

__attribute__((format(printf, 2, 3))) void numa_warn(int num, char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_warn("libnuma: %s (%d)", text, num);
}

/* Tries kind after kind. `asked' keeps the attempt with the kind of the operator's wish, `last' the
 * one with which it ended. */
static int acquire(const struct nodemem_wish *wish, enum arena_huge first, struct arena *arena,
		   struct nodemem_attempt *asked, struct nodemem_attempt *last)
{
	for (enum arena_huge kind = first; kind <= ARENA_HUGE_OFF; kind++) {
		last->kind = kind;
		attempt_fairly(wish, arena, last);
		if (kind == wish->asked) {
			*asked = *last;
		}
		if (last->ret == 0) {
			return 0;
		}
		if (last->step == NODEMEM_STEP_BIND) {
			break; /* other pages cannot be bound there either */
		}
		if (wish->require && kind >= wish->asked) {
			return -ENOMEM;
		}
	}
	return last->ret;
}

static void attempt_fairly(const struct nodemem_wish *wish, struct arena *arena,
			   struct nodemem_attempt *attempt)
{
	bool pooled = nodemem_is_pooled(attempt->kind);

	must(pthread_rwlock_rdlock(&start_lock) == 0);
	attempt_once(wish, arena, attempt);
	must(pthread_rwlock_unlock(&start_lock) == 0);
	if (!is_shortage(attempt->ret) || (!pooled && attempt->step != NODEMEM_STEP_ROOM)) {
		return;
	}
	must(pthread_rwlock_wrlock(&start_lock) == 0);
	attempt_once(wish, arena, attempt);
	if (pooled && is_shortage(attempt->ret)) {
		count_shortage(wish, attempt);
	}
	must(pthread_rwlock_unlock(&start_lock) == 0);
}

static void attempt_once(const struct nodemem_wish *wish, struct arena *arena,
			 struct nodemem_attempt *attempt)
{
	struct arena new = {0};

	*attempt = (struct nodemem_attempt){.kind = attempt->kind};
	attempt->ret = attempt_steps(wish, &new, attempt);
	if (attempt->ret < 0) {
		arena_unmap(&new);
		return;
	}
	if (nodemem_is_pooled(attempt->kind)) {
		count_awaited(wish->len_bytes, wish->node_os, -1);
	}
	*arena = new;
}

static int attempt_steps(const struct nodemem_wish *wish, struct arena *arena,
			 struct nodemem_attempt *attempt)
{
	int ret;

	attempt->step = NODEMEM_STEP_MAP;
	ret = arena_map(arena, wish->len_bytes, attempt->kind);
	if (ret < 0) {
		return ret;
	}
	if (wish->node_os != NODE_UNKNOWN) {
		attempt->step = NODEMEM_STEP_BIND;
		ret = bind_range(arena->base, arena->len_bytes, wish->node_os);
		if (ret == -EPERM || ret == -EACCES || ret == -ENOSYS) {
			/* The pinned thread's first touch places the pages; verifying tells. */
			attempt->bind_ret = ret;
		} else if (ret < 0) {
			return ret;
		}
	}
	ret = populate(wish, arena, attempt);
	if (ret < 0 || attempt->kind != ARENA_HUGE_THP) {
		return ret;
	}
	attempt->step = NODEMEM_STEP_THP;
	return check_thp(wish, arena, attempt);
}

/* All allocations of the range come from `node_os' or fail. No page may exist yet. */
static int bind_range(void *base, size_t len_bytes, int node_os)
{
	/* One bit more than there are nodes: the kernel reads one bit less than it is told. */
	unsigned long mask[NODES_MAX / LONG_BITS + 1] = {0};

	if (node_os < 0 || node_os >= NODES_MAX) {
		return -EINVAL;
	}
	mask[(size_t)node_os / LONG_BITS] |= 1UL << ((size_t)node_os % LONG_BITS);
	return mbind(base, len_bytes, MPOL_BIND, mask, NODES_MAX + 1, 0) < 0 ? -errno : 0;
}

/* Populating ordinary pages beyond what a node has would call the out-of-memory killer. */
static int populate(const struct nodemem_wish *wish, struct arena *arena,
		    struct nodemem_attempt *attempt)
{
	/* What may not be bound comes from wherever there is something. */
	int node_os = attempt->bind_ret < 0 ? NODE_UNKNOWN : wish->node_os;
	size_t promise = nodemem_is_pooled(attempt->kind) ? 0 : arena->len_bytes;
	int ret = 0;

	attempt->step = NODEMEM_STEP_ROOM;
	if (promise > 0) {
		ret = check_room(node_os, promise, attempt);
	}
	if (ret == 0) {
		attempt->step = NODEMEM_STEP_POPULATE;
		ret = arena_populate(arena);
	}
	promised_bytes[node_os + 1] -= promise;
	return ret;
}

/* Promises `len_bytes' of the node, and looks whether they are there beside what others were
 * promised before. Part of that may be taken already: then too little seems to be left, and the
 * attempt is repeated alone. */
static int check_room(int node_os, size_t len_bytes, struct nodemem_attempt *attempt)
{
	uint64_t before = atomic_fetch_add(&promised_bytes[node_os + 1], len_bytes);

	if (hugepages_node_room(node_os, &attempt->room_bytes) < 0) {
		return 0;
	}
	return attempt->room_bytes < before + len_bytes ? -ENOMEM : 0;
}

/* Asking for transparent huge pages promises nothing: what came of it is read back. */
static int check_thp(const struct nodemem_wish *wish, const struct arena *arena,
		     struct nodemem_attempt *attempt)
{
	bool all = wish->require && wish->asked == ARENA_HUGE_THP;

	if (procmaps_thp_bytes(arena->base, &attempt->thp_bytes) < 0) {
		attempt->thp_bytes =
			arena->len_bytes; /* unknown: there is nothing to complain of */
	}
	if (attempt->thp_bytes == 0 || (all && attempt->thp_bytes < arena->len_bytes)) {
		return -ENOMEM;
	}
	return 0;
}

/* A shard with pages of one kind needs none of the other. */
static void count_awaited(size_t len_bytes, int node_os, int sign)
{
	if (node_os < NODE_UNKNOWN || node_os >= NODES_MAX) {
		return;
	}
	for (enum arena_huge kind = ARENA_HUGE_1G; kind <= ARENA_HUGE_2M; kind++) {
		size_t page_bytes = arena_huge_bytes(kind);

		awaited_pages[kind][node_os + 1] +=
			sign * (int64_t)((len_bytes + page_bytes - 1) / page_bytes);
	}
}

/* ENOMEM: the whole machine has too few, says mmap. EFAULT: the node has, says populating. */
static bool is_shortage(int ret)
{
	return ret == -ENOMEM || ret == -EFAULT;
}

static void count_shortage(const struct nodemem_wish *wish, struct nodemem_attempt *attempt)
{
	size_t page_bytes = arena_huge_bytes(attempt->kind);
	uint64_t *sum = &short_pages[attempt->kind][wish->node_os + 1];
	int64_t awaited = awaited_pages[attempt->kind][wish->node_os + 1];
	uint64_t missing;

	attempt->pages = (wish->len_bytes + page_bytes - 1) / page_bytes;
	attempt->pool_known = hugepages_read(wish->node_os, page_bytes, &attempt->pool) == 0;
	if (!attempt->pool_known || attempt->pool.available >= attempt->pages) {
		return; /* something else than the pool's size stands in the way */
	}
	*sum += attempt->pages;
	missing = awaited > (int64_t)*sum ? (uint64_t)awaited : *sum;
	attempt->pool_goal = attempt->pool.total + missing - attempt->pool.available;
}

/* One look at all `count' pages: by move_pages, or where that is forbidden by numa_maps. */
static int verify_once(const void *base, uint64_t count, size_t page_bytes, int node_os,
		       struct verdict *verdict)
{
	uint64_t on_node;
	uint64_t present;
	int ret = verify_by_move_pages(base, page_bytes, count, node_os, verdict);

	if (ret != -EPERM && ret != -EACCES && ret != -ENOSYS) {
		return ret;
	}
	if (procmaps_count_pages(base, node_os, &on_node, &present) < 0) {
		return -EPERM;
	}
	if (node_os == NODE_UNKNOWN) {
		on_node = present;
	}
	verdict->misplaced = on_node < count ? count - on_node : 0;
	verdict->absent = present < count ? count - present : 0;
	return 0;
}

static int verify_by_move_pages(const unsigned char *base, size_t page_bytes, uint64_t count,
				int node_os, struct verdict *verdict)
{
	void *addrs[VERIFY_CHUNK];
	int status[VERIFY_CHUNK];

	*verdict = (struct verdict){0};
	for (uint64_t done = 0; done < count; done += VERIFY_CHUNK) {
		uint64_t chunk = count - done < VERIFY_CHUNK ? count - done : VERIFY_CHUNK;

		for (uint64_t i = 0; i < chunk; i++) {
			addrs[i] = (void *)(base + (done + i) * page_bytes);
			status[i] = -ENOENT;
		}
		if (move_pages(0, chunk, addrs, NULL, status, 0) < 0) {
			return -errno;
		}
		judge_pages(status, chunk, node_os, verdict);
	}
	return 0;
}

/* The kernel shows a page that it is just moving as one that is not there. */
static void judge_pages(const int *status, uint64_t count, int node_os, struct verdict *verdict)
{
	for (uint64_t i = 0; i < count; i++) {
		if (status[i] < 0) {
			verdict->absent++;
			verdict->misplaced++;
		} else if (node_os != NODE_UNKNOWN && status[i] != node_os) {
			verdict->misplaced++;
		}
	}
}
