/* confine.h - what a thread gives up before it begins its work.
 *
 * A thread that logs or answers HTTP stands in a room below the one that knows what the process may
 * keep (src/run/privs.h). So each says which kind it is, and whoever runs the process has said
 * once, before there are threads, what that means. Without that it means nothing, as in unit tests.
 */
#pragma once

enum confine_kind {
	CONFINE_CONTROL, /* after the start: signals, interfaces, changes, numacastctl */
	CONFINE_SHARD_URING,
	CONFINE_SHARD_MMSG,
	CONFINE_LOG,
	CONFINE_HTTP,
	CONFINE_FINISHER, /* a process that lives when the others were killed */
	CONFINE_COUNT,
};

/* One word. */
const char *confine_name(enum confine_kind kind);

typedef void confine_begin(enum confine_kind kind);

/* Before the first thread; control thread. NULL: nothing is given up. */
void confine_set(confine_begin *begin);

/* The calling thread is of this kind from now on. Allocates nothing. */
void confine_self(enum confine_kind kind);
