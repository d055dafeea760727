/* status.h - a running relay as one JSON object of bounded rows, for pages (/status.json).
 *
 * Where the exit report tells everything, this tells what one looks at again and again: a row for
 * each rule, interface and shard, with sums that only grow. Rates are differences of two answers,
 * over the difference of their `uptime_s'; whoever asks keeps the first, so that any number may
 * look without disturbing each other. doc/PAGE.md lists the members. Names are added to and
 * never renamed; `version' is raised should one ever change its meaning. Control thread, and not
 * while a change is under way.
 */
#pragma once

#include <stddef.h>

#define STATUS_VERSION 1

struct supervisor;

/* The object and a line's end; to be freed. NULL: out of memory. */
char *status_text(const struct supervisor *sup, size_t *out_len);
