/* opt.c - one table of options; the parser and the help walk it.
 *
 * No step of the relay. Pure: the main thread calls it once, before anything starts. Strict: an
 * option that is unknown, doubled, cut short or belongs to the other command is refused with what
 * was expected. Times are nanoseconds, rates per second.
 */
#include "src/probe/opt.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/probe/option.h"
#include "src/probe/tally.h"
#include "src/probe/value.h"

#define DEFAULT_LAG_NS (10 * NS_PER_MS)

struct parser {
	int argc;
	char **argv;
	int at;           /* of the argument being read */
	int target_count; /* targets found, moved to argv[2] and up */
	bool seen[PROBE_OPTION_COUNT];
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
	opt->max_lag_ns = DEFAULT_LAG_NS;
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
static const struct probe_option *find_option(const char *name, size_t len, int command,
					      struct err *err)
{
	const struct probe_option *other = NULL;

	for (size_t i = 0; i < PROBE_OPTION_COUNT; i++) {
		if (strlen(probe_options[i].name) != len ||
		    strncmp(probe_options[i].name, name, len) != 0) {
			continue;
		}
		if ((probe_options[i].commands & command) != 0) {
			return &probe_options[i];
		}
		other = &probe_options[i];
	}
	if (other != NULL) {
		err_set(err, "--%s: an option of `%s' only; leave it out", other->name,
			other->commands == PROBE_OPTION_SEND ? "send" : "recv");
	} else {
		err_set(err, "--%.*s: no such option; see numacast-probe %s --help", (int)len, name,
			command == PROBE_OPTION_SEND ? "send" : "recv");
	}
	return NULL;
}

static int set_option(struct probe_opt *opt, const struct probe_option *option, const char *value,
		      struct err *err)
{
	char *at = (char *)opt + option->offset;

	switch (option->type) {
	case PROBE_OPTION_FLAG:
		*(bool *)at = true;
		return 0;
	case PROBE_OPTION_NUMBER:
		return probe_value_number(option->name, value, &option->bound, (uint64_t *)at, err);
	case PROBE_OPTION_SECONDS:
		return probe_value_seconds(option->name, value, &option->bound, (uint64_t *)at,
					   err);
	case PROBE_OPTION_RATE:
		return probe_value_rate(option->name, value, (struct probe_rate *)at, err);
	case PROBE_OPTION_SIZE:
		return probe_value_size(option->name, value, (struct probe_size *)at, err);
	case PROBE_OPTION_DSCP:
		return probe_value_dscp(option->name, value, (uint64_t *)at, err);
	case PROBE_OPTION_ADDRESS:
		return probe_value_address(option->name, value, (struct addr *)at, err);
	case PROBE_OPTION_CLOCK:
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
	const struct probe_option *option = find_option(
		name, len, opt->mode == PROBE_MODE_SEND ? PROBE_OPTION_SEND : PROBE_OPTION_RECV,
		err);

	if (option == NULL) {
		return -EINVAL;
	}
	if (parser->seen[option - probe_options]) {
		err_set(err, "--%s: given twice; give it once", option->name);
		return -EINVAL;
	}
	parser->seen[option - probe_options] = true;
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

void probe_opt_free(struct probe_opt *opt)
{
	probe_targets_free(&opt->targets);
}
