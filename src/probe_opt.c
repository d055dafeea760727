/* probe_opt.c - one table of options; the parser and the help walk it.
 *
 * No step of the relay. Pure: the main thread calls it once, before anything starts. Strict: an
 * option that is unknown, doubled, cut short or belongs to the other command is refused with what
 * was expected. Times are nanoseconds, rates per second.
 */
#include "src/probe_opt.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/probe_tally.h"
#include "src/probe_value.h"

enum type {
	FLAG,
	NUMBER,
	SECONDS,
	RATE,
	SIZE,
	DSCP,
	ADDRESS,
	CLOCK
};

enum {
	SEND = 1,
	RECV = 2,
	BOTH = 3
};

struct option {
	const char *name;
	const char *arg; /* NULL: none */
	int commands;
	enum type type;
	size_t offset;            /* in struct probe_opt */
	struct probe_bound bound; /* NUMBER as written, SECONDS in ns */
	const char *help;
};

#define AT(member)   offsetof(struct probe_opt, member)
#define DAYS         (86400 * NS_PER_S)
#define COUNT_MAX    (1ULL << 48)
#define BUFFER_MAX   (1ULL << 30)
#define DEFAULT_LAG  (10 * NS_PER_MS)
#define DEFAULT_TIME (10 * NS_PER_S)

static const struct option options[] = {
	{"rate",
	 "RATE",
	 SEND,
	 RATE,
	 AT(rate),
	 {0, 0},
	 "datagrams a second over all flows (50000, 50k), or bits of payload a second\n"
	 "(100Mbit), or `unlimited'; default 1000"},
	{"size",
	 "BYTES",
	 SEND,
	 SIZE,
	 AT(size),
	 {0, 0},
	 "of payload, 0 to 65507, or MIN-MAX for random sizes; default 1316.\n"
	 "Below 44 a datagram has no sequence number and is only counted"},
	{"count",
	 "N",
	 SEND,
	 NUMBER,
	 AT(count),
	 {1, COUNT_MAX},
	 "stop after N datagrams over all flows"},
	{"count-per-flow",
	 "N",
	 SEND,
	 NUMBER,
	 AT(count_per_flow),
	 {1, PROBE_SEQ_MAX},
	 "stop after N datagrams in each flow"},
	{"duration",
	 "SECONDS",
	 SEND,
	 SECONDS,
	 AT(duration_ns),
	 {1, 365 * DAYS},
	 "stop after SECONDS; default 10 when no count is given"},
	{"flows",
	 "N",
	 SEND,
	 NUMBER,
	 AT(flows),
	 {1, PROBE_FLOWS_MAX},
	 "flows to each group and port, each from a port of its own; default 1"},
	{"groups",
	 "N",
	 BOTH,
	 NUMBER,
	 AT(groups),
	 {1, PROBE_TARGETS_MAX},
	 "use N consecutive addresses, beginning with each TARGET's"},
	{"gso",
	 "N",
	 SEND,
	 NUMBER,
	 AT(train),
	 {1, PROBE_TRAIN_MAX},
	 "send trains of N equal datagrams with UDP_SEGMENT; default 1: singles"},
	{"burst",
	 "N",
	 SEND,
	 NUMBER,
	 AT(burst),
	 {1, PROBE_BURST_MAX},
	 "datagrams for each wake-up; default: what the rate makes of 50 us"},
	{"max-lag",
	 "SECONDS",
	 SEND,
	 SECONDS,
	 AT(max_lag_ns),
	 {0, 3600 * NS_PER_S},
	 "when later than this, let the schedule slip instead of catching up;\ndefault 0.01"},
	{"seed", "N", SEND, NUMBER, AT(seed), {0, UINT64_MAX}, "of the random sizes; default 1"},
	{"ttl",
	 "N",
	 SEND,
	 NUMBER,
	 AT(ttl),
	 {1, 255},
	 "TTL or hop limit; default the system's: 1 for multicast"},
	{"dscp", "N|NAME", SEND, DSCP, AT(dscp), {0, 0}, "0 to 63, ef, cs0 to cs7, af11 to af43"},
	{"source", "ADDR", SEND, ADDRESS, AT(source), {0, 0}, "source address, one of this host's"},
	{"source-port",
	 "PORT",
	 SEND,
	 NUMBER,
	 AT(source_port),
	 {1, 65535},
	 "of the first flow; further flows take the ports that follow"},
	{"sndbuf",
	 "BYTES",
	 SEND,
	 NUMBER,
	 AT(sndbuf_bytes),
	 {1, BUFFER_MAX},
	 "send buffer; default 8M"},
	{"clock",
	 "CLOCK",
	 SEND,
	 CLOCK,
	 AT(clock),
	 {0, 0},
	 "`monotonic' (default; latency is valid on one host), or `realtime' (valid\n"
	 "between hosts as far as their clocks agree)"},
	{"end-marker",
	 NULL,
	 SEND,
	 FLAG,
	 AT(end_marker),
	 {0, 0},
	 "close each flow with 5 extra datagrams that tell how much was sent"},
	{"no-loop",
	 NULL,
	 SEND,
	 FLAG,
	 AT(no_loop),
	 {0, 0},
	 "do not loop multicast back to receivers on this host"},

	{"count",
	 "N",
	 RECV,
	 NUMBER,
	 AT(count),
	 {1, COUNT_MAX},
	 "stop after N datagrams, duplicates included"},
	{"duration",
	 "SECONDS",
	 RECV,
	 SECONDS,
	 AT(duration_ns),
	 {1, 365 * DAYS},
	 "stop SECONDS after `ready'"},
	{"idle",
	 "SECONDS",
	 RECV,
	 SECONDS,
	 AT(idle_ns),
	 {1, 365 * DAYS},
	 "stop SECONDS after the last datagram; begins with the first one"},
	{"until-end",
	 NULL,
	 RECV,
	 FLAG,
	 AT(until_end),
	 {0, 0},
	 "stop when the end marker of every flow seen (and of --expect-flows) has\n"
	 "come and 0.2 s have passed without a datagram"},
	{"expect",
	 "N",
	 RECV,
	 NUMBER,
	 AT(expect),
	 {0, COUNT_MAX},
	 "N datagrams are sent over all flows, so that a lost tail is noticed"},
	{"expect-per-flow",
	 "N",
	 RECV,
	 NUMBER,
	 AT(expect_per_flow),
	 {0, PROBE_SEQ_MAX},
	 "N datagrams are sent in each flow"},
	{"expect-flows",
	 "N",
	 RECV,
	 NUMBER,
	 AT(expect_flows),
	 {0, PROBE_FLOWS_MAX},
	 "N flows are sent, so that a flow that is lost whole is noticed"},
	{"late-start",
	 NULL,
	 RECV,
	 FLAG,
	 AT(late_start),
	 {0, 0},
	 "what a flow sent before its first datagram here is not lost"},
	{"ready-fd",
	 "FD",
	 RECV,
	 NUMBER,
	 AT(ready_fd),
	 {0, 1 << 20},
	 "write the line `ready' to FD and close it, once all groups are joined"},
	{"gro",
	 NULL,
	 RECV,
	 FLAG,
	 AT(gro),
	 {0, 0},
	 "take trains whole with UDP_GRO and split them here"},
	{"rcvbuf",
	 "BYTES",
	 RECV,
	 NUMBER,
	 AT(rcvbuf_bytes),
	 {1, BUFFER_MAX},
	 "receive buffer of each socket; default 16M"},
	{"no-verify", NULL, RECV, FLAG, AT(no_verify), {0, 0}, "do not compare the bodies"},
	{"per-flow",
	 NULL,
	 RECV,
	 FLAG,
	 AT(per_flow),
	 {0, 0},
	 "print every flow, not only those with faults"},
	{"missing",
	 "N",
	 RECV,
	 NUMBER,
	 AT(missing),
	 {0, 1000000},
	 "missing ranges to print for each flow; default 8"},

	{"json", NULL, BOTH, FLAG, AT(json), {0, 0}, "print the result as JSON"},
	{"quiet", NULL, BOTH, FLAG, AT(quiet), {0, 0}, "no progress line and no `ready' on stderr"},
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

struct parser {
	int argc;
	char **argv;
	int at;           /* of the argument being read */
	int target_count; /* targets found, moved to argv[2] and up */
	bool seen[OPTION_COUNT];
};

static int parse_arguments(struct parser *parser, struct probe_opt *opt, struct err *err);
static int check_recv(const struct probe_opt *opt, struct err *err);
static int check_send(const struct probe_opt *opt, struct err *err);

static void set_defaults(struct probe_opt *opt)
{
	opt->rate.unit = PROBE_RATE_DATAGRAMS;
	opt->rate.per_s = 1000;
	opt->size.min = opt->size.max = 1316;
	opt->flows = 1;
	opt->train = 1;
	opt->max_lag_ns = DEFAULT_LAG;
	opt->seed = 1;
	opt->sndbuf_bytes = 8000000;
	opt->clock = PROBE_WIRE_MONOTONIC;
	opt->expect = opt->expect_per_flow = opt->expect_flows = PROBE_UNKNOWN;
	opt->missing = 8;
	opt->rcvbuf_bytes = 16000000;
	opt->ready_fd = PROBE_UNKNOWN;
}

int probe_opt_parse(int argc, char **argv, struct probe_opt *out, struct err *err)
{
	struct parser parser = {.argc = argc, .argv = argv};
	struct probe_opt opt = {0};
	int rc;

	set_defaults(&opt);
	if (argc < 2) {
		err_set(err, "expected `send' or `recv'; see numacast-probe --help");
		return -EINVAL;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0) {
		opt.mode = argv[1][2] == 'h' ? PROBE_MODE_HELP : PROBE_MODE_VERSION;
		*out = opt;
		return 0;
	}
	if (strcmp(argv[1], "send") != 0 && strcmp(argv[1], "recv") != 0) {
		err_set(err, "%s: expected `send' or `recv' first; see numacast-probe --help",
			argv[1]);
		return -EINVAL;
	}
	opt.mode = argv[1][0] == 's' ? PROBE_MODE_SEND : PROBE_MODE_RECV;
	rc = parse_arguments(&parser, &opt, err);
	if (rc == 0 && opt.mode != PROBE_MODE_HELP) {
		rc = opt.mode == PROBE_MODE_SEND ? check_send(&opt, err) : check_recv(&opt, err);
	}
	if (rc != 0) {
		probe_opt_free(&opt);
		return rc;
	}
	*out = opt;
	return 0;
}

/* The option that `name' of `len' characters means for the command; else NULL with `err'. */
static const struct option *find_option(const char *name, size_t len, int command, struct err *err)
{
	const struct option *other = NULL;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (strlen(options[i].name) != len || strncmp(options[i].name, name, len) != 0) {
			continue;
		}
		if ((options[i].commands & command) != 0) {
			return &options[i];
		}
		other = &options[i];
	}
	if (other != NULL) {
		err_set(err, "--%s: an option of `%s' only; leave it out", other->name,
			other->commands == SEND ? "send" : "recv");
	} else {
		err_set(err, "--%.*s: no such option; see numacast-probe %s --help", (int)len, name,
			command == SEND ? "send" : "recv");
	}
	return NULL;
}

static int set_option(struct probe_opt *opt, const struct option *option, const char *value,
		      struct err *err)
{
	char *at = (char *)opt + option->offset;

	switch (option->type) {
	case FLAG:
		*(bool *)at = true;
		return 0;
	case NUMBER:
		return probe_value_number(option->name, value, &option->bound, (uint64_t *)at, err);
	case SECONDS:
		return probe_value_seconds(option->name, value, &option->bound, (uint64_t *)at,
					   err);
	case RATE:
		return probe_value_rate(option->name, value, (struct probe_rate *)at, err);
	case SIZE:
		return probe_value_size(option->name, value, (struct probe_size *)at, err);
	case DSCP:
		return probe_value_dscp(option->name, value, (uint64_t *)at, err);
	case ADDRESS:
		return probe_value_address(option->name, value, (struct addr *)at, err);
	case CLOCK:
		return probe_value_clock(option->name, value, (enum probe_wire_clock *)at, err);
	}
	must(false);
	return -EINVAL;
}

/* Takes the option at hand, and its value when that is the next argument. */
static int take_option(struct parser *parser, struct probe_opt *opt, struct err *err)
{
	const char *name = parser->argv[parser->at] + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals == NULL ? strlen(name) : (size_t)(equals - name);
	const char *value = equals == NULL ? NULL : equals + 1;
	const struct option *option =
		find_option(name, len, opt->mode == PROBE_MODE_SEND ? SEND : RECV, err);

	if (option == NULL) {
		return -EINVAL;
	}
	if (parser->seen[option - options]) {
		err_set(err, "--%s: given twice; give it once", option->name);
		return -EINVAL;
	}
	parser->seen[option - options] = true;
	if (option->arg == NULL && value != NULL) {
		err_set(err, "--%s: takes no value; leave out `=%s'", option->name, value);
		return -EINVAL;
	}
	if (option->arg != NULL && value == NULL) {
		if (parser->at + 1 >= parser->argc) {
			err_set(err, "--%s: expected %s after it", option->name, option->arg);
			return -EINVAL;
		}
		value = parser->argv[++parser->at];
	}
	return set_option(opt, option, value, err);
}

static int parse_arguments(struct parser *parser, struct probe_opt *opt, struct err *err)
{
	bool only_targets = false;

	for (parser->at = 2; parser->at < parser->argc; parser->at++) {
		char *argument = parser->argv[parser->at];

		if (only_targets || argument[0] != '-') {
			parser->argv[2 + parser->target_count++] = argument;
		} else if (strcmp(argument, "--") == 0) {
			only_targets = true;
		} else if (strcmp(argument, "--help") == 0) {
			opt->mode = PROBE_MODE_HELP;
			return 0;
		} else if (argument[1] != '-') {
			err_set(err,
				"%s: options are long, such as --count; see numacast-probe %s "
				"--help",
				argument, parser->argv[1]);
			return -EINVAL;
		} else if (take_option(parser, opt, err) != 0) {
			return -EINVAL;
		}
	}
	if (parser->target_count == 0) {
		err_set(err, "%s: expected a target, such as 239.1.1.1%%eth0:5000",
			parser->argv[1]);
		return -EINVAL;
	}
	/* Targets last: --groups holds for all of them, wherever it stands. */
	for (int i = 0; i < parser->target_count; i++) {
		int rc = probe_targets_add(&opt->targets, parser->argv[2 + i], opt->groups, err);

		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int check_send(const struct probe_opt *opt, struct err *err)
{
	const struct probe_targets *targets = &opt->targets;

	if (opt->count != 0 && opt->count_per_flow != 0) {
		err_set(err, "--count and --count-per-flow: both say when to stop; leave one out");
		return -EINVAL;
	}
	if (opt->flows * targets->count > PROBE_FLOWS_MAX) {
		err_set(err,
			"--flows %llu for each of %u groups and ports: expected at most %u flows "
			"in all",
			(unsigned long long)opt->flows, targets->count, PROBE_FLOWS_MAX);
		return -EINVAL;
	}
	if (opt->source_port + opt->flows > 65536) {
		err_set(err, "--source-port %llu: %llu flows run past port 65535; start lower",
			(unsigned long long)opt->source_port, (unsigned long long)opt->flows);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < targets->count; i++) {
		char text[ENDPOINT_TEXT_MAX];
		const struct endpoint *at = &targets->list[i].at;

		endpoint_format(at, text);
		if (targets->list[i].source.family != 0) {
			err_set(err, "%s: a source before `@' is for recv; send takes --source",
				text);
			return -EINVAL;
		}
		if (at->addr.family != targets->list[0].at.addr.family ||
		    (opt->source.family != 0 && opt->source.family != at->addr.family)) {
			err_set(err, "%s: mixes IPv4 and IPv6; use one sender for each", text);
			return -EINVAL;
		}
		if (strcmp(at->ifname, targets->list[0].at.ifname) != 0) {
			err_set(err, "%s: targets by different interfaces; use one sender for each",
				text);
			return -EINVAL;
		}
	}
	return 0;
}

static int check_recv(const struct probe_opt *opt, struct err *err)
{
	if (opt->expect_per_flow != PROBE_UNKNOWN && opt->late_start) {
		err_set(err,
			"--late-start: says that some may be missed, --expect-per-flow that none "
			"may; leave one out");
		return -EINVAL;
	}
	return 0;
}

static void print_options(int command)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &options[i];
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

void probe_opt_free(struct probe_opt *opt)
{
	probe_targets_free(&opt->targets);
}
