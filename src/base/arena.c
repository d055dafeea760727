/* arena.c - maps, populates and cuts up the one piece of memory a shard lives in.
 *
 * Steps 2, 6 and 11 run on memory from here; arena.h tells the order of the calls. Two kinds of
 * mapping: MAP_HUGETLB of 1 GiB or 2 MiB pages, which the kernel takes from the pools below
 * /sys/kernel/mm/hugepages, and ordinary pages, with MADV_HUGEPAGE for the transparent kind. An
 * ordinary mapping ends in an inaccessible guard page: an overrun faults instead of
 * corrupting, and two arenas never merge into one entry of /proc/self/smaps, which is read to see
 * how much of an arena became huge. Bytes throughout; owner: one shard thread.
 */
#include "src/base/arena.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/must.h"

#define SHIFT_2M 21
#define SHIFT_1G 30

/* From the kernel's interface, for C libraries older than it. */
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define POPULATE_TRIES_MAX 100 /* of a call that is interrupted or asks for another try */

static int map_hugetlb(struct arena *arena, unsigned shift);
static int map_ordinary(struct arena *arena, size_t align);
static int choose_thp(const struct arena *arena);
static size_t system_page_bytes(void);
static size_t guard_bytes(const struct arena *arena);
static void touch_pages(struct arena *arena);
static void give_back(void *at, size_t len_bytes);

int arena_map(struct arena *arena, size_t len_bytes, enum arena_huge huge)
{
	size_t page_bytes = arena_huge_bytes(huge);
	struct arena new = {.huge = huge};
	int ret;

	if (len_bytes == 0) {
		return -EINVAL;
	}
	if (len_bytes > SIZE_MAX / 2 - page_bytes) {
		return -ENOMEM;
	}
	new.len_bytes = (len_bytes + page_bytes - 1) / page_bytes *page_bytes;
	if (huge == ARENA_HUGE_1G) {
		ret = map_hugetlb(&new, SHIFT_1G);
	} else if (huge == ARENA_HUGE_2M) {
		ret = map_hugetlb(&new, SHIFT_2M);
	} else {
		ret = map_ordinary(&new, page_bytes);
	}
	if (ret < 0) {
		return ret;
	}
	*arena = new;
	return 0;
}

int arena_populate(struct arena *arena)
{
	int tries = POPULATE_TRIES_MAX;

	must(arena->base != NULL);
	while (madvise(arena->base, arena->len_bytes, MADV_POPULATE_WRITE) < 0) {
		if ((errno == EINTR || errno == EAGAIN) && --tries > 0) {
			continue;
		}
		if ((errno == EINVAL || errno == EPERM || errno == ENOSYS) &&
		    arena->page_bytes == system_page_bytes()) {
			/* Ordinary pages never raise SIGBUS when touched; huge ones may. */
			touch_pages(arena);
			return 0;
		}
		return -errno;
	}
	return 0;
}

void *arena_alloc(struct arena *arena, size_t len_bytes, size_t align)
{
	size_t start;

	must(arena->base != NULL || arena->counting);
	must(!arena->sealed);
	must(align != 0 && (align & (align - 1)) == 0);
	must(align <= system_page_bytes());
	start = (arena->used_bytes + align - 1) & ~(align - 1);
	must(start >= arena->used_bytes);
	must(start <= arena->len_bytes);
	must(len_bytes <= arena->len_bytes - start);
	arena->used_bytes = start + len_bytes;
	return arena->counting ? NULL : arena->base + start;
}

void arena_seal(struct arena *arena)
{
	must(arena->base != NULL);
	arena->sealed = true;
}

void arena_unmap(struct arena *arena)
{
	if (arena->base != NULL) {
		give_back(arena->base, arena->len_bytes + guard_bytes(arena));
	}
	*arena = (struct arena){0};
}

const char *arena_huge_name(enum arena_huge huge)
{
	switch (huge) {
	case ARENA_HUGE_1G:
		return "1G";
	case ARENA_HUGE_2M:
		return "2M";
	case ARENA_HUGE_THP:
		return "thp";
	case ARENA_HUGE_OFF:
		break;
	}
	return "4k";
}

size_t arena_huge_bytes(enum arena_huge huge)
{
	switch (huge) {
	case ARENA_HUGE_1G:
		return (size_t)1 << SHIFT_1G;
	case ARENA_HUGE_2M:
	case ARENA_HUGE_THP:
		return (size_t)1 << SHIFT_2M;
	case ARENA_HUGE_OFF:
		break;
	}
	return system_page_bytes();
}

static int map_hugetlb(struct arena *arena, unsigned shift)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (int)(shift << MAP_HUGE_SHIFT);
	void *base = mmap(NULL, arena->len_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (base == MAP_FAILED) {
		return -errno;
	}
	arena->base = base;
	arena->page_bytes = (size_t)1 << shift;
	if (madvise(base, arena->len_bytes, MADV_DONTFORK) < 0) {
		int ret = -errno;

		arena_unmap(arena);
		return ret;
	}
	return 0;
}

/* Reserves address space with room to align, gives back what sticks out on both sides except for
 * the guard page, and opens the rest. Opening comes last: accessible and not yet marked, the rest
 * could merge with a thread's stack below it, whose first touch may then make a transparent huge
 * page that reaches into the arena, on that thread's node. */
static int map_ordinary(struct arena *arena, size_t align)
{
	size_t guard = system_page_bytes();
	size_t kept = arena->len_bytes + guard;
	size_t total = kept + align - guard;
	unsigned char *raw = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t head;
	int ret;

	if (raw == MAP_FAILED) {
		return -errno;
	}
	head = (align - ((uintptr_t)raw & (align - 1))) & (align - 1);
	if (head > 0) {
		give_back(raw, head);
	}
	if (total - head > kept) {
		give_back(raw + head + kept, total - head - kept);
	}
	arena->base = raw + head;
	arena->page_bytes = guard;
	if (madvise(arena->base, arena->len_bytes, MADV_DONTFORK) < 0 || choose_thp(arena) < 0 ||
	    mprotect(arena->base, arena->len_bytes, PROT_READ | PROT_WRITE) < 0) {
		ret = -errno;
		arena_unmap(arena);
		return ret;
	}
	return 0;
}

/* Transparent huge pages exactly when they are asked for, whatever the machine's default. A kernel
 * without them refuses both calls with EINVAL. */
static int choose_thp(const struct arena *arena)
{
	if (arena->huge == ARENA_HUGE_THP) {
		return madvise(arena->base, arena->len_bytes, MADV_HUGEPAGE);
	}
	if (madvise(arena->base, arena->len_bytes, MADV_NOHUGEPAGE) < 0 && errno != EINVAL) {
		return -1;
	}
	return 0;
}

static size_t system_page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t guard_bytes(const struct arena *arena)
{
	size_t page = system_page_bytes();

	return arena->page_bytes == page ? page : 0;
}

static void touch_pages(struct arena *arena)
{
	for (size_t at = 0; at < arena->len_bytes; at += arena->page_bytes) {
		*(volatile unsigned char *)(arena->base + at) = 0;
	}
}

/* The kernel may lack memory to cut a mapping in two, or its limit of mappings be reached: then the
 * pages are given back alone, and what stays is address space. */
static void give_back(void *at, size_t len_bytes)
{
	if (munmap(at, len_bytes) < 0) {
		must(errno == ENOMEM);
		(void)madvise(at, len_bytes, MADV_DONTNEED);
	}
}
