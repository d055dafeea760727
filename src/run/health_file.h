/* health_file.h - one digit in a file: whether this machine can relay, for who decides which does.
 *
 * 0 while every shard turns and nothing is amiss, as numacastctl health tells, and 1 from before
 * the start is complete until then, while something is, and from the end on. Rules that stand by
 * and outputs without their source address are as they should be. keepalived's track_file hears of
 * a change by inotify, since a new file takes the place of the old one each time. What a process
 * that is killed leaves behind, its unit mends (ExecStopPost=). Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/log.h"

struct supervisor;

/* Begins as all-zero: without a file. */
struct health_file {
	const char *path; /* NULL: none is wanted */
	int written;      /* what it says; -1: nothing yet, or it could not be written */
	bool told;        /* that it could not */
	uint64_t looked_ns;
	uint64_t heard; /* of the links' events, then */
};

/* Says 1. 0, or -errno with `err': then it cannot be written at all. `path' may be NULL. */
int health_file_open(struct health_file *file, const char *path, struct err *err);

/* Looks, once a second and at once when something happened to an interface. `turning': all shards
 * are. No shard has a message. */
void health_file_tick(struct health_file *file, const struct supervisor *sup, bool turning);

/* Says 1. */
void health_file_close(struct health_file *file);
