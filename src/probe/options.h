/* options.h - the command line of numacast-probe.
 *
 *     numacast-probe send [option]... TARGET...
 *     numacast-probe recv [option]... [SOURCE@]TARGET...
 *
 * Each command has a table of options (src/cli), which the command line and --help walk; numbers,
 * sizes and names of code points are those of numacastd. Pure: text in, struct out; no look-up of
 * names or interfaces. Main thread, before anything starts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/addr.h"
#include "src/base/log.h"
#include "src/cli/row.h"
#include "src/probe/target.h"
#include "src/probe/wire.h"

#define PROBE_BURST_MAX 1024u /* datagrams */
#define PROBE_TRAIN_MAX 128u  /* datagrams: UDP_MAX_SEGMENTS since Linux 6.9 */

enum probe_mode {
	PROBE_MODE_HELP,
	PROBE_MODE_VERSION,
	PROBE_MODE_SEND,
	PROBE_MODE_RECV
};

enum probe_rate_unit {
	PROBE_RATE_UNLIMITED,
	PROBE_RATE_DATAGRAMS,
	PROBE_RATE_BITS
};

struct probe_rate {
	enum probe_rate_unit unit;
	uint64_t per_s; /* datagrams, or bits of payload, each second over all flows */
};

struct probe_size {
	uint64_t min, max; /* bytes of payload */
};

struct probe_opt {
	enum probe_mode mode;
	const char *command; /* its name, constant; NULL: none was given */
	struct probe_targets targets;
	uint64_t groups; /* consecutive addresses for each target; 0: not said */
	bool json, quiet;
	uint64_t duration_ns; /* 0: not said */
	uint64_t count;       /* datagrams in all; 0: not said */
	/* send */
	struct probe_rate rate;
	struct probe_size size;
	uint64_t count_per_flow;
	uint64_t flows;      /* for each group and port */
	uint64_t train;      /* --gso: datagrams */
	uint64_t burst;      /* datagrams for each wake-up; 0: chosen from the rate */
	uint64_t max_lag_ns; /* beyond this the schedule slips instead of catching up */
	uint64_t seed;
	uint64_t ttl;         /* 0: the system's default */
	uint64_t dscp;        /* 0..63 */
	struct addr source;   /* family 0: chosen by the kernel */
	uint64_t source_port; /* of the first flow; 0: chosen by the kernel */
	uint64_t sndbuf_bytes;
	enum probe_wire_clock clock;
	bool frames; /* by a packet socket */
	bool end_marker;
	bool no_loop;
	/* recv */
	uint64_t idle_ns;                               /* after the last datagram; 0: not said */
	uint64_t expect, expect_per_flow, expect_flows; /* PROBE_UNKNOWN: not said */
	bool late_start;
	bool until_end;
	bool gro;
	bool no_verify;
	bool per_flow;
	uint64_t missing; /* gaps to print for each flow */
	uint64_t rcvbuf_bytes;
	uint64_t ready_fd; /* PROBE_UNKNOWN: none */
};

/* The tables of send and recv; ends with NULL. */
extern const struct cli_table *const probe_options_commands[];

/* 0; -EINVAL with `err' = the flag, what was expected, what to do; -ENOMEM. On failure `out' holds
 * nothing to free. */
int probe_options_parse(int argc, char **argv, struct probe_opt *out, struct err *err);

/* In options_check.c. Whether the options and targets of a command go together: 0, or -EINVAL with
 * `err'. */
int probe_options_check(const struct probe_opt *opt, struct err *err);

/* The help of `command', or for NULL of both, to stdout. */
void probe_options_print_help(const char *command);

void probe_options_free(struct probe_opt *opt);
