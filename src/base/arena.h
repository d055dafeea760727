/* arena.h - one mapping a shard lives in: sized once, bound, populated, then sealed.
 *
 * Steps 2, 6 and 11 of a datagram's life run on memory from here. The life of an arena:
 *
 *     arena_map       (shard thread) mmap, trying 1 GiB, 2 MiB, transparent, 4 KiB pages in turn
 *     [bind]          (shard thread) mbind to the node, before any page exists
 *     arena_populate  (shard thread, pinned) MADV_POPULATE_WRITE: an errno where a touch would
 *                     be a SIGBUS
 *     [verify]        (shard thread) every page's node, by move_pages
 *     arena_alloc ... (shard thread) named terms, cut off one after the other
 *     arena_seal      (shard thread) from here on arena_alloc is a bug
 *     arena_unmap     (anyone, after the thread ended)
 *
 * Binding and verifying are numa/nodemem's business, so this file knows nothing of nodes. When
 * populating a page size fails, the caller unmaps and maps again with the next smaller `huge' (see
 * numa/nodemem.h, which runs that loop). Units: bytes. Owner: one shard thread; no locks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/log.h"

enum arena_huge {
	ARENA_HUGE_1G,
	ARENA_HUGE_2M,
	ARENA_HUGE_THP, /* 4 KiB mapping, 2 MiB aligned, MADV_HUGEPAGE */
	ARENA_HUGE_OFF, /* 4 KiB */
};

struct arena {
	unsigned char *base;  /* NULL: not mapped */
	size_t len_bytes;     /* of the mapping, a multiple of the page size */
	size_t used_bytes;    /* handed out by arena_alloc, alignment included */
	size_t page_bytes;    /* of the mapping: 1 GiB, 2 MiB or the system's page */
	enum arena_huge huge; /* what was got */
	bool sealed;
	bool counting; /* has no memory: arena_alloc counts and gives NULL */
};

/* An arena that only counts. Cut as another is to be cut later, its `used_bytes' are what that one
 * must hold: so the function that cuts is the sum as well, and the two cannot differ. */
#define ARENA_COUNTER ((struct arena){.len_bytes = SIZE_MAX, .counting = true})

/* Maps at least `len_bytes' with exactly the page kind `huge'; pages are not yet touched, and the
 * mapping is MADV_DONTFORK. 0 or -errno (ENOMEM: not enough huge pages are reserved at all). */
int arena_map(struct arena *arena, size_t len_bytes, enum arena_huge huge);

/* Makes every page present and writable. -EFAULT: the node bound to cannot supply the huge pages.
 * Where MADV_POPULATE_WRITE is missing (before 5.14) or forbidden, ordinary pages are touched one
 * by one; huge ones are left alone, since a touch may raise SIGBUS: -EINVAL, -EPERM. */
int arena_populate(struct arena *arena);

/* Cuts `len_bytes' off, aligned to `align' (a power of two, at most a system page), zeroed; NULL
 * from an arena that counts. Aborts by must() when the arena is sealed or too small: its size is
 * what exactly these calls have counted. */
void *arena_alloc(struct arena *arena, size_t len_bytes, size_t align);

void arena_seal(struct arena *arena);

/* Accepts an all-zero or half-built arena. */
void arena_unmap(struct arena *arena);

/* "1G", "2M", "thp", "4k". */
const char *arena_huge_name(enum arena_huge huge);

/* What a mapping of this kind is a multiple of: 1 GiB, 2 MiB (transparent ones too), the system's
 * page. */
size_t arena_huge_bytes(enum arena_huge huge);
