/* confine.c - see confine.h. Set by the control thread before there are others. */
#include "src/base/confine.h"

#include <stddef.h>

static confine_begin *confine_how;

const char *confine_name(enum confine_kind kind)
{
	static const char *const names[CONFINE_COUNT] = {
		[CONFINE_CONTROL] = "control",
		[CONFINE_SHARD_URING] = "shard-uring",
		[CONFINE_SHARD_MMSG] = "shard-mmsg",
		[CONFINE_LOG] = "log",
		[CONFINE_HTTP] = "http",
		[CONFINE_FINISHER] = "finisher",
	};

	return names[kind];
}

void confine_set(confine_begin *begin)
{
	confine_how = begin;
}

void confine_self(enum confine_kind kind)
{
	if (confine_how) {
		confine_how(kind);
	}
}
