/* option.c - every option of numacast-probe, and the help that lists them.
 *
 * No step of the relay. Constant data; main thread.
 */
#include "src/probe/option.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/dscp.h"
#include "src/probe/opt.h"
#include "src/probe/stats.h"
#include "src/probe/tally.h"

/* Short names for the table's sake. */
#define FLAG    PROBE_OPTION_FLAG
#define NUMBER  PROBE_OPTION_NUMBER
#define SECONDS PROBE_OPTION_SECONDS
#define RATE    PROBE_OPTION_RATE
#define SIZE    PROBE_OPTION_SIZE
#define DSCP    PROBE_OPTION_DSCP
#define ADDRESS PROBE_OPTION_ADDRESS
#define CLOCK   PROBE_OPTION_CLOCK
#define SEND    PROBE_OPTION_SEND
#define RECV    PROBE_OPTION_RECV
#define BOTH    (SEND | RECV)

#define AT(member) offsetof(struct probe_opt, member)
#define DAYS       (86400 * NS_PER_S)
#define COUNT_MAX  (1ULL << 48)
#define BUFFER_MAX (1ULL << 30)

/* clang-format off */
const struct probe_option probe_options[] = {
	{"rate", "RATE", SEND, RATE, AT(rate), {0, 0},
	 "datagrams a second over all flows (50000, 50k), or bits of payload a second\n"
	 "(100Mbit), or `unlimited'; default 1000"},
	{"size", "BYTES", SEND, SIZE, AT(size), {0, 0},
	 "of payload, 0 to 65507, or MIN-MAX for random sizes; default 1316.\n"
	 "Below 44 a datagram has no sequence number and is only counted"},
	{"count", "N", SEND, NUMBER, AT(count), {1, COUNT_MAX},
	 "stop after N datagrams over all flows"},
	{"count-per-flow", "N", SEND, NUMBER, AT(count_per_flow), {1, PROBE_SEQ_MAX},
	 "stop after N datagrams in each flow"},
	{"duration", "SECONDS", SEND, SECONDS, AT(duration_ns), {1, 365 * DAYS},
	 "stop after SECONDS; default 10 when no count is given"},
	{"flows", "N", SEND, NUMBER, AT(flows), {1, PROBE_FLOWS_MAX},
	 "flows to each group and port, each from a port of its own; default 1"},
	{"groups", "N", BOTH, NUMBER, AT(groups), {1, PROBE_TARGETS_MAX},
	 "use N consecutive addresses, beginning with each TARGET's"},
	{"gso", "N", SEND, NUMBER, AT(train), {1, PROBE_TRAIN_MAX},
	 "send trains of N equal datagrams with UDP_SEGMENT; default 1: singles"},
	{"burst", "N", SEND, NUMBER, AT(burst), {1, PROBE_BURST_MAX},
	 "datagrams for each wake-up; default: what the rate makes of 50 us"},
	{"max-lag", "SECONDS", SEND, SECONDS, AT(max_lag_ns), {0, 3600 * NS_PER_S},
	 "when later than this, let the schedule slip instead of catching up;\ndefault 0.01"},
	{"seed", "N", SEND, NUMBER, AT(seed), {0, UINT64_MAX},
	 "of the random sizes; default 1"},
	{"ttl", "N", SEND, NUMBER, AT(ttl), {1, 255},
	 "TTL or hop limit; default the system's: 1 for multicast"},
	{"dscp", "N|NAME", SEND, DSCP, AT(dscp), {0, 0},
	 DSCP_TAKES},
	{"source", "ADDR", SEND, ADDRESS, AT(source), {0, 0},
	 "source address, one of this host's"},
	{"source-port", "PORT", SEND, NUMBER, AT(source_port), {1, 65535},
	 "of the first flow; further flows take the ports that follow"},
	{"sndbuf", "BYTES", SEND, NUMBER, AT(sndbuf_bytes), {1, BUFFER_MAX},
	 "send buffer; default 8M"},
	{"clock", "CLOCK", SEND, CLOCK, AT(clock), {0, 0},
	 "`monotonic' (default; latency is valid on one host), or `realtime' (valid\n"
	 "between hosts as far as their clocks agree)"},
	{"end-marker", NULL, SEND, FLAG, AT(end_marker), {0, 0},
	 "close each flow with 5 extra datagrams that tell how much was sent"},
	{"no-loop", NULL, SEND, FLAG, AT(no_loop), {0, 0},
	 "do not loop multicast back to receivers on this host"},

	{"count", "N", RECV, NUMBER, AT(count), {1, COUNT_MAX},
	 "stop after N datagrams, duplicates included"},
	{"duration", "SECONDS", RECV, SECONDS, AT(duration_ns), {1, 365 * DAYS},
	 "stop SECONDS after `ready'"},
	{"idle", "SECONDS", RECV, SECONDS, AT(idle_ns), {1, 365 * DAYS},
	 "stop SECONDS after the last datagram; begins with the first one"},
	{"until-end", NULL, RECV, FLAG, AT(until_end), {0, 0},
	 "stop when the end marker of every flow seen (and of --expect-flows) has\n"
	 "come and 0.2 s have passed without a datagram"},
	{"expect", "N", RECV, NUMBER, AT(expect), {0, COUNT_MAX},
	 "N datagrams are sent over all flows, so that a lost tail is noticed"},
	{"expect-per-flow", "N", RECV, NUMBER, AT(expect_per_flow), {0, PROBE_SEQ_MAX},
	 "N datagrams are sent in each flow"},
	{"expect-flows", "N", RECV, NUMBER, AT(expect_flows), {0, PROBE_FLOWS_MAX},
	 "N flows are sent, so that a flow that is lost whole is noticed"},
	{"late-start", NULL, RECV, FLAG, AT(late_start), {0, 0},
	 "what a flow sent before its first datagram here is not lost"},
	{"ready-fd", "FD", RECV, NUMBER, AT(ready_fd), {0, 1 << 20},
	 "write the line `ready' to FD and close it, once all groups are joined"},
	{"gro", NULL, RECV, FLAG, AT(gro), {0, 0},
	 "take trains whole with UDP_GRO and split them here"},
	{"rcvbuf", "BYTES", RECV, NUMBER, AT(rcvbuf_bytes), {1, BUFFER_MAX},
	 "receive buffer of each socket; default 16M"},
	{"no-verify", NULL, RECV, FLAG, AT(no_verify), {0, 0},
	 "do not compare the bodies"},
	{"per-flow", NULL, RECV, FLAG, AT(per_flow), {0, 0},
	 "print every flow, not only those with faults"},
	{"missing", "N", RECV, NUMBER, AT(missing), {0, 1000000},
	 "missing ranges to print for each flow; default 8"},

	{"json", NULL, BOTH, FLAG, AT(json), {0, 0}, "print the result as JSON"},
	{"quiet", NULL, BOTH, FLAG, AT(quiet), {0, 0},
	 "no progress line and no `ready' on stderr"},
};
/* clang-format on */

static_assert(sizeof(probe_options) / sizeof(probe_options[0]) == PROBE_OPTION_COUNT,
	      "probe_option.h counts the options");

static void print_options(int command)
{
	for (size_t i = 0; i < PROBE_OPTION_COUNT; i++) {
		const struct probe_option *option = &probe_options[i];
		char left[64];

		if ((option->commands & command) == 0) {
			continue;
		}
		snprintf(left, sizeof(left), "--%s%s%s", option->name,
			 option->arg != NULL ? " " : "", option->arg != NULL ? option->arg : "");
		printf("  %-22s ", left);
		for (const char *c = option->help; *c != '\0'; c++) {
			putchar(*c);
			if (*c == '\n') {
				printf("%25s", "");
			}
		}
		putchar('\n');
	}
}

void probe_opt_print_help(const char *command)
{
	bool send = command == NULL || strcmp(command, "recv") != 0;
	bool recv = command == NULL || strcmp(command, "send") != 0;

	printf("usage: numacast-probe send [option]... TARGET...\n"
	       "       numacast-probe recv [option]... [SOURCE@]TARGET...\n"
	       "\n"
	       "Sends sequence-numbered datagrams, and receives them reporting loss, duplicates,\n"
	       "reordering, damage and latency.\n"
	       "\n"
	       "A TARGET is ADDR%%IFACE:PORT, IPv6 in brackets: [ff3e::1%%eth0]:5000; %%IFACE may "
	       "be\n"
	       "left out for unicast. Ranges: 239.1.1.0/28%%eth0:5000-5010.\n");
	if (send) {
		printf("\nOptions of send:\n");
		print_options(SEND);
	}
	if (recv) {
		printf("\nOptions of recv:\n");
		print_options(RECV);
	}
	printf("\n"
	       "Exit status: 0 when all was sent, or nothing was lost, duplicated, reordered or\n"
	       "damaged; 1 otherwise; 2 when the command line is wrong.\n");
}
