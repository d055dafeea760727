/* cgroup.h - what the control group of this process, and those above it, allow it to take.
 *
 * Version 2 and, controller by controller, version 1. A limit that cannot be read is no limit:
 * whoever needs to know which, asks `known'. Reads files below `root' ("" in production) only.
 * Control thread. Units: bytes, threads, thousandths of a CPU.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_UNLIMITED UINT64_MAX
#define CGROUP_WHERE_MAX 160

/* The limit with the least room of all groups that hold for this process. */
struct cgroup_limit {
	uint64_t max;                 /* CGROUP_UNLIMITED: none */
	uint64_t used;                /* of it, by everybody in that group */
	char where[CGROUP_WHERE_MAX]; /* the file that says so, below the root */
};

struct cgroup {
	bool known;                 /* the process's groups could be read */
	struct cgroup_limit memory; /* `used' without file pages, which are given up first */
	struct cgroup_limit pids;
	struct cgroup_limit huge_2m; /* bytes */
	struct cgroup_limit huge_1g;
	struct cgroup_limit cpu; /* thousandths of a CPU; `used' is 0 */
};

void cgroup_read(const char *root, struct cgroup *out);

/* What a limit leaves; CGROUP_UNLIMITED where there is none. */
uint64_t cgroup_room(const struct cgroup_limit *limit);
