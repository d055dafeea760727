/* option.h - the table of numacast-probe's options, as parser and help see it.
 *
 * Constant data; any thread.
 */
#pragma once

#include <stddef.h>

#include "src/probe/value.h"

enum probe_option_type {
	PROBE_OPTION_FLAG,
	PROBE_OPTION_NUMBER,
	PROBE_OPTION_SECONDS,
	PROBE_OPTION_RATE,
	PROBE_OPTION_SIZE,
	PROBE_OPTION_DSCP,
	PROBE_OPTION_ADDRESS,
	PROBE_OPTION_CLOCK,
};

enum {
	PROBE_OPTION_SEND = 1,
	PROBE_OPTION_RECV = 2
}; /* commands, or-ed */

struct probe_option {
	const char *name;
	const char *arg; /* NULL: none */
	int commands;
	enum probe_option_type type;
	size_t offset;            /* in struct probe_opt */
	struct probe_bound bound; /* NUMBER as written, SECONDS in nanoseconds */
	const char *help;
};

#define PROBE_OPTION_COUNT 35

extern const struct probe_option probe_options[PROBE_OPTION_COUNT];
