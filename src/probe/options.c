/* options.c - the options of numacast-probe, one row each, and the way from a command line to them.
 *
 * The tables are read by the machine that reads numacastd's (src/cli): unlike there, an option that
 * stands twice is refused. Targets come last, since --groups holds for all of them, wherever it
 * stands. Times are nanoseconds, rates per second. Pure; main thread, before anything starts.
 */
#include "src/probe/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/dscp.h"
#include "src/base/must.h"
#include "src/cli/help.h"
#include "src/cli/program.h"
#include "src/probe/options_value.h"
#include "src/probe/stats.h"
#include "src/probe/tally.h"

#define AT(member) CLI_AT(struct probe_opt, member)
#define DAYS       (86400 * NS_PER_S)
#define COUNT_MAX  (1ULL << 48)
#define BUFFER_MAX (1ULL << 30)

static int add_targets(const struct cli_table *table, const struct cli_line *line,
		       struct probe_opt *opt, struct err *err);

static const char *const clock_choices[] = {"monotonic", "realtime", NULL};
static const uint64_t clock_meanings[] = {PROBE_WIRE_MONOTONIC, PROBE_WIRE_REALTIME};

/* Rows are read across, so they are not one member a line. */
/* clang-format off */
static const struct cli_row send_rows[] = {
	{.name = "rate", .kind = CLI_OWN, .arg = "RATE", AT(rate), .read = probe_options_read_rate,
	 .takes = "datagrams a second such as 50k, bits a second such as 100Mbit, or unlimited",
	 .initial = "1000",
	 .help = "datagrams a second over all flows (50000, 50k), or bits of payload a\n"
		 "second (100Mbit), or unlimited", .example = "100Mbit"},
	{.name = "size", .kind = CLI_OWN, .arg = "BYTES", AT(size), .read = probe_options_read_size,
	 .takes = PROBE_OPTIONS_SIZE_TAKES, .initial = "1316",
	 .help = "of payload, 0 to 65507, or MIN-MAX for random sizes.\n"
		 "Below 44 a datagram has no sequence number and is only counted",
	 .example = "64-1400"},
	{.name = "count", .kind = CLI_COUNT, .arg = "N", AT(count), .min = 1, .max = COUNT_MAX,
	 .help = "stop after N datagrams over all flows", .example = "1M"},
	{.name = "count-per-flow", .kind = CLI_COUNT, .arg = "N", AT(count_per_flow), .min = 1,
	 .max = PROBE_SEQ_MAX,
	 .help = "stop after N datagrams in each flow", .example = "1M"},
	{.name = "duration", .kind = CLI_SECONDS, .arg = "SECONDS", AT(duration_ns), .min = 1,
	 .max = 365 * DAYS,
	 .help = "stop after SECONDS; default 10 when no count is given", .example = "2.5"},
	{.name = "flows", .kind = CLI_COUNT, .arg = "N", AT(flows), .min = 1,
	 .max = PROBE_FLOWS_MAX, .initial = "1",
	 .help = "flows to each group and port, each from a port of its own"},
	{.name = "gso", .kind = CLI_NUMBER, .arg = "N", AT(train), .min = 1, .max = PROBE_TRAIN_MAX,
	 .initial = "1",
	 .help = "send trains of N equal datagrams with UDP_SEGMENT; 1: singles"},
	{.name = "burst", .kind = CLI_COUNT, .arg = "N", AT(burst), .min = 1,
	 .max = PROBE_BURST_MAX,
	 .help = "datagrams for each wake-up; default: what the rate makes of 50 us"},
	{.name = "max-lag", .kind = CLI_SECONDS, .arg = "SECONDS", AT(max_lag_ns),
	 .max = 3600 * NS_PER_S, .initial = "0.01",
	 .help = "when later than this, let the schedule slip instead of catching up"},
	{.name = "seed", .kind = CLI_COUNT, .arg = "N", AT(seed), .max = UINT64_MAX, .initial = "1",
	 .help = "of the random sizes"},
	{.name = "ttl", .kind = CLI_NUMBER, .arg = "N", AT(ttl), .min = 1, .max = 255,
	 .help = "TTL or hop limit; default the system's: 1 for multicast", .example = "8"},
	{.name = "dscp", .kind = CLI_OWN, .arg = "N|NAME", AT(dscp),
	 .read = probe_options_read_dscp, .takes = DSCP_TAKES,
	 .help = DSCP_TAKES, .example = "EF"},
	{.name = "source", .kind = CLI_OWN, .arg = "ADDR", AT(source),
	 .read = probe_options_read_source, .takes = "a unicast address without brackets or port",
	 .help = "source address, one of this host's", .example = "192.0.2.1"},
	{.name = "source-port", .kind = CLI_NUMBER, .arg = "PORT", AT(source_port), .min = 1,
	 .max = 65535,
	 .help = "of the first flow; further flows take the ports that follow", .example = "5000"},
	{.name = "sndbuf", .kind = CLI_SIZE, .arg = "BYTES", AT(sndbuf_bytes), .min = 1,
	 .max = BUFFER_MAX, .initial = "8M",
	 .help = "send buffer"},
	{.name = "clock", .kind = CLI_CHOICE, .arg = "CLOCK", AT(clock), .choices = clock_choices,
	 .meanings = clock_meanings, .initial = "monotonic",
	 .help = "monotonic (latency is valid on one host), or realtime (valid\n"
		 "between hosts as far as their clocks agree)"},
	{.name = "frames", .kind = CLI_FLAG, AT(frames),
	 .help = "send whole Ethernet frames through a packet socket, past routes and\n"
		 "queues: singles at the highest rate, to IPv4 groups (needs CAP_NET_RAW)"},
	{.name = "end-marker", .kind = CLI_FLAG, AT(end_marker),
	 .help = "close each flow with 5 extra datagrams that tell how much was sent"},
	{.name = "no-loop", .kind = CLI_FLAG, AT(no_loop),
	 .help = "do not loop multicast back to receivers on this host"},
	{0},
};

static const struct cli_row recv_rows[] = {
	{.name = "count", .kind = CLI_COUNT, .arg = "N", AT(count), .min = 1, .max = COUNT_MAX,
	 .help = "stop after N datagrams, duplicates included", .example = "1M"},
	{.name = "duration", .kind = CLI_SECONDS, .arg = "SECONDS", AT(duration_ns), .min = 1,
	 .max = 365 * DAYS,
	 .help = "stop SECONDS after `ready'", .example = "2.5"},
	{.name = "idle", .kind = CLI_SECONDS, .arg = "SECONDS", AT(idle_ns), .min = 1,
	 .max = 365 * DAYS,
	 .help = "stop SECONDS after the last datagram; begins with the first one",
	 .example = "0.5"},
	{.name = "until-end", .kind = CLI_FLAG, AT(until_end),
	 .help = "stop when the end marker of every flow seen (and of --expect-flows) has\n"
		 "come and 0.2 s have passed without a datagram"},
	{.name = "expect", .kind = CLI_COUNT, .arg = "N", AT(expect), .max = COUNT_MAX,
	 .help = "N datagrams are sent over all flows, so that a lost tail is noticed"},
	{.name = "expect-per-flow", .kind = CLI_COUNT, .arg = "N", AT(expect_per_flow),
	 .max = PROBE_SEQ_MAX,
	 .help = "N datagrams are sent in each flow"},
	{.name = "expect-flows", .kind = CLI_COUNT, .arg = "N", AT(expect_flows),
	 .max = PROBE_FLOWS_MAX,
	 .help = "N flows are sent, so that a flow that is lost whole is noticed"},
	{.name = "late-start", .kind = CLI_FLAG, AT(late_start),
	 .help = "what a flow sent before its first datagram here is not lost"},
	{.name = "ready-fd", .kind = CLI_NUMBER, .arg = "FD", AT(ready_fd), .max = 1 << 20,
	 .help = "write the line `ready' to FD and close it, once all groups are joined"},
	{.name = "gro", .kind = CLI_FLAG, AT(gro),
	 .help = "take trains whole with UDP_GRO and split them here"},
	{.name = "rcvbuf", .kind = CLI_SIZE, .arg = "BYTES", AT(rcvbuf_bytes), .min = 1,
	 .max = BUFFER_MAX, .initial = "16M",
	 .help = "receive buffer of each socket"},
	{.name = "no-verify", .kind = CLI_FLAG, AT(no_verify), .help = "do not compare the bodies"},
	{.name = "per-flow", .kind = CLI_FLAG, AT(per_flow),
	 .help = "print every flow, not only those with faults"},
	{.name = "missing", .kind = CLI_COUNT, .arg = "N", AT(missing), .max = 1000000,
	 .initial = "8",
	 .help = "missing ranges to print for each flow"},
	{0},
};

static const struct cli_row both_rows[] = {
	{.name = "groups", .kind = CLI_COUNT, .arg = "N", AT(groups), .min = 1,
	 .max = PROBE_TARGETS_MAX,
	 .help = "use N consecutive addresses, beginning with each TARGET's"},
	{.name = "json", .kind = CLI_FLAG, AT(json), .help = "print the result as JSON"},
	{.name = "quiet", .kind = CLI_FLAG, AT(quiet),
	 .help = "no progress line and no `ready' on stderr"},
	{0},
};

static const struct cli_row look_rows[] = {
	{.name = "help", .letter = 'h', .flags = CLI_FIRST, .kind = CLI_ACTION, AT(mode),
	 .min = PROBE_MODE_HELP,
	 .help = "print this help, behind a command that command's, and exit"},
	{.name = "version", .letter = 'V', .flags = CLI_FIRST, .kind = CLI_ACTION, AT(mode),
	 .min = PROBE_MODE_VERSION,
	 .help = "print the version and exit"},
	{0},
};
/* clang-format on */

static const struct cli_group send_group = {"Options of send", send_rows};
static const struct cli_group recv_group = {"Options of recv", recv_rows};
static const struct cli_group both_group = {"Options of both commands", both_rows};
static const struct cli_group look_group = {"Look instead", look_rows};

static const struct cli_table send_table;
static const struct cli_table recv_table;
const struct cli_table *const probe_options_commands[] = {&send_table, &recv_table, NULL};

static const struct cli_table send_table = {
	.program = "numacast-probe",
	.command = "send",
	.groups = (const struct cli_group *const[]){&send_group, &both_group, &look_group, NULL},
	.commands = probe_options_commands,
	.operands = "TARGET",
	.once = true,
};

static const struct cli_table recv_table = {
	.program = "numacast-probe",
	.command = "recv",
	.groups = (const struct cli_group *const[]){&recv_group, &both_group, &look_group, NULL},
	.commands = probe_options_commands,
	.operands = "TARGET",
	.once = true,
};

/* What may stand in place of a command. */
static const struct cli_table look_table = {
	.program = "numacast-probe",
	.groups = (const struct cli_group *const[]){&look_group, NULL},
	.no_operands = "expected a command; see numacast-probe --help",
};

static const struct cli_program program = {
	.commands = probe_options_commands,
	.look = &look_table,
	.expected = "send or recv",
};

/* What --help shows without a command. */
static const struct cli_table all_table = {
	.program = "numacast-probe",
	.groups = (const struct cli_group *const[]){&send_group, &recv_group, &both_group,
						    &look_group, NULL},
};

int probe_options_parse(int argc, char **argv, struct probe_opt *out, struct err *err)
{
	struct probe_opt opt = {.expect = PROBE_UNKNOWN,
				.expect_per_flow = PROBE_UNKNOWN,
				.expect_flows = PROBE_UNKNOWN,
				.ready_fd = PROBE_UNKNOWN};
	struct cli_given given = {0};
	int rc = cli_program_read(&program, argc, argv, &opt, &given, err);

	opt.command = given.table ? given.table->command : NULL;
	if (rc == 0 && !given.looks) {
		must(given.table);
		opt.mode = given.table == &send_table ? PROBE_MODE_SEND : PROBE_MODE_RECV;
		rc = add_targets(given.table, &given.line, &opt, err);
		rc = rc == 0 ? probe_options_check(&opt, err) : rc;
	}
	cli_line_free(&given.line);
	if (rc != 0) {
		probe_options_free(&opt);
		return rc;
	}
	*out = opt;
	return 0;
}

void probe_options_print_help(const char *command)
{
	const struct cli_table *table = &all_table;

	for (const struct cli_table *const *at = probe_options_commands; *at; at++) {
		table = command && strcmp((*at)->command, command) == 0 ? *at : table;
	}
	printf("Usage: numacast-probe send [OPTION]... TARGET...\n"
	       "       numacast-probe recv [OPTION]... [SOURCE@]TARGET...\n"
	       "Sends sequence-numbered datagrams, and receives them reporting loss, duplicates,\n"
	       "reordering, damage and latency. Defaults stand in brackets.\n"
	       "\n"
	       "A TARGET is ADDR%%IFACE:PORT, IPv6 in brackets: [ff3e::1%%eth0]:5000; %%IFACE may "
	       "be\n"
	       "left out for unicast. Ranges: 239.1.1.0/28%%eth0:5000-5010.\n");
	cli_help_print(table);
	printf("\n"
	       "Exit status: 0 when all was sent, or nothing was lost, duplicated, reordered or\n"
	       "damaged; 1 otherwise; 2 when the command line is wrong.\n");
}

void probe_options_free(struct probe_opt *opt)
{
	probe_targets_free(&opt->targets);
}

static int add_targets(const struct cli_table *table, const struct cli_line *line,
		       struct probe_opt *opt, struct err *err)
{
	if (line->operand_count == 0) {
		err_set(err,
			"%s: no target is given; expected a target such as 239.1.1.1%%eth0:5000; "
			"add one",
			table->command);
		return -EINVAL;
	}
	for (size_t i = 0; i < line->operand_count; i++) {
		int rc = probe_targets_add(&opt->targets, line->operands[i], opt->groups, err);

		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}
