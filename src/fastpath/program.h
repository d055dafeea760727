/* program.h - the program in the kernel and its maps (abi.h), from load to unload.
 *
 * program.c is the only file that knows libbpf's objects; a numacast that was built without libbpf
 * or clang has program_none.c in its place, which refuses to load. Loading needs CAP_BPF and
 * CAP_NET_ADMIN, all that follows the descriptors alone. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/log.h"

struct bpf_object;

/* How many of each there may be. Number 0 of ways and images stands for none. */
struct program_sizes {
	uint32_t ways, images, outputs;
};

enum program_map {
	PROGRAM_KEYS,
	PROGRAM_WAYS,
	PROGRAM_IMAGES,
	PROGRAM_OUTPUTS,
	PROGRAM_IMAGE_COUNTS,
	PROGRAM_OUTPUT_COUNTS,
	PROGRAM_CONTROL,
	PROGRAM_MAPS,
};

struct program {
	struct bpf_object *object; /* NULL: not loaded */
	int fd;                    /* of the program */
	int maps[PROGRAM_MAPS];    /* descriptors */
	int outer;                 /* a map of maps, for program_wait alone */
	uint32_t cpus;             /* that may count */
	void *counts;              /* of one place, per CPU: room to read into */
};

/* Whether this numacast has a program at all. */
bool program_is_built(void);

/* 0, or -errno with `err', which names the cause and the cure: -ENOTSUP, built without; -EPERM, the
 * capabilities or a filter of system calls. */
int program_load(const struct program_sizes *sizes, struct program *out, struct err *err);

/* Accepts all-zero. */
void program_unload(struct program *program);

/* Writes an entry, removes one of PROGRAM_KEYS; reads one of a map that is not counted per CPU. 0
 * or -errno. */
int program_put(const struct program *program, enum program_map map, const void *key,
		const void *value);
int program_remove(const struct program *program, const void *key);
int program_get(const struct program *program, enum program_map map, uint32_t number, void *out);

/* The sum over all CPUs of what place `number' of a map of counts has, `words' numbers; and sets
 * all of it to zero. 0 or -errno. */
int program_sum(const struct program *program, enum program_map map, uint32_t number, uint64_t *out,
		uint32_t words);
int program_clear(const struct program *program, enum program_map map, uint32_t number);

/* Returns once every run of the program that had begun is over, some ten milliseconds later at
 * most: whatever was taken out of the maps is used by nobody, and its counts are the last. */
void program_wait(const struct program *program);
