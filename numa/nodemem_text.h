/* nodemem_text.h - what nodemem.c tried, as data, and the words for it (step 2).
 *
 * Internal to nodemem. Parents decide, this explains: pure but for reading /proc and /sys for the
 * numbers that an operator needs. Node numbers are the kernel's. The shard thread at its start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numa/hugepages.h"
#include "numa/nodemem.h"
#include "src/base/arena.h"
#include "src/base/log.h"

/* What is asked for; the same in all attempts. */
struct nodemem_wish {
	size_t len_bytes;
	int node_os;
	enum arena_huge asked; /* less than this is degraded */
	bool require;          /* and then refused */
};

enum nodemem_step {
	NODEMEM_STEP_MAP,
	NODEMEM_STEP_BIND,
	NODEMEM_STEP_ROOM, /* has the node that much ordinary memory? */
	NODEMEM_STEP_POPULATE,
	NODEMEM_STEP_THP, /* did pages become huge? */
};

/* One attempt with one kind of page, and how it ended. */
struct nodemem_attempt {
	enum arena_huge kind;
	enum nodemem_step step; /* the last one reached */
	int ret;                /* 0, or -errno of that step */
	int bind_ret; /* 0, or -errno with which mbind is forbidden here, which is survived */
	uint64_t room_bytes;   /* NODEMEM_STEP_ROOM: what the node can supply */
	uint64_t thp_bytes;    /* in transparent huge pages */
	uint64_t pages;        /* huge ones needed; this and what follows after a shortage */
	bool pool_known;       /* `pool' could be read */
	struct hugepages pool; /* as it was then */
	uint64_t pool_goal;    /* pool size with which all shards that fell short would succeed */
};

/* 1 GiB and 2 MiB pages come from the kernel's pools, the others do not. */
static inline bool nodemem_is_pooled(enum arena_huge kind)
{
	return kind == ARENA_HUGE_1G || kind == ARENA_HUGE_2M;
}

/* Says why a failed attempt failed and, where there is one, ends in the line that cures it. */
void nodemem_text_attempt(const struct nodemem_wish *wish, const struct nodemem_attempt *attempt,
			  struct err *out);

/* Fills result->note from the rest of `result', the attempt with the kind of page asked for (all
 * zero when it was not needed), the successful one, and what nodemem_verify returned. */
void nodemem_text_result(const struct nodemem_wish *wish, const struct nodemem_attempt *asked,
			 const struct nodemem_attempt *last, int verify_ret,
			 struct nodemem_result *result);

/* Adds to the text there is, after a semicolon. */
void nodemem_text_append(struct err *note, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
