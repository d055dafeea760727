/* options_check.c - contradictions between options of numacast-probe, and targets that do not go
 * together.
 *
 * Pure; main thread.
 */
#include "src/probe/options.h"

#include <errno.h>
#include <string.h>

#include "src/probe/tally.h"

static int check_send(const struct probe_opt *opt, struct err *err);
static int check_frames(const struct probe_opt *opt, struct err *err);
static int check_send_targets(const struct probe_opt *opt, struct err *err);
static int check_recv(const struct probe_opt *opt, struct err *err);

int probe_options_check(const struct probe_opt *opt, struct err *err)
{
	return opt->mode == PROBE_MODE_SEND ? check_send(opt, err) : check_recv(opt, err);
}

static int check_send(const struct probe_opt *opt, struct err *err)
{
	const struct probe_targets *targets = &opt->targets;

	if (opt->count != 0 && opt->count_per_flow != 0) {
		err_set(err, "--count-per-flow: comes with --count; both say when to stop; leave "
			     "one out");
		return -EINVAL;
	}
	if (opt->flows * targets->count > PROBE_FLOWS_MAX) {
		err_set(err,
			"--flows: %llu for each of %u groups and ports; expected at most %u flows "
			"in all; use fewer",
			(unsigned long long)opt->flows, targets->count, PROBE_FLOWS_MAX);
		return -EINVAL;
	}
	if (opt->source_port + opt->flows > 65536) {
		err_set(err,
			"--source-port: from %llu on, %llu flows run past port 65535; expected a "
			"port for each; start lower",
			(unsigned long long)opt->source_port, (unsigned long long)opt->flows);
		return -EINVAL;
	}
	return opt->frames && check_frames(opt, err) != 0 ? -EINVAL : check_send_targets(opt, err);
}

static int check_frames(const struct probe_opt *opt, struct err *err)
{
	const char *wrong = NULL;

	if (opt->train > 1) {
		wrong = "comes with --gso; a frame holds one datagram; leave one out";
	} else if (opt->size.min < PROBE_WIRE_HEADER_BYTES) {
		wrong = "comes with a --size that leaves no room for a number; expected 44 or "
			"more; raise it";
	}
	for (uint32_t i = 0; i < opt->targets.count && wrong == NULL; i++) {
		const struct endpoint *at = &opt->targets.list[i].at;

		if (at->addr.family != AF_INET || !addr_is_multicast(&at->addr) ||
		    at->ifname[0] == '\0') {
			wrong = "is for IPv4 groups on an interface; expected targets as "
				"239.1.1.1%eth0:5000; name one";
		}
	}
	if (wrong != NULL) {
		err_set(err, "--frames: %s", wrong);
		return -EINVAL;
	}
	return 0;
}

static int check_send_targets(const struct probe_opt *opt, struct err *err)
{
	const struct probe_targets *targets = &opt->targets;

	for (uint32_t i = 0; i < targets->count; i++) {
		char text[ENDPOINT_TEXT_MAX];
		const struct endpoint *at = &targets->list[i].at;

		endpoint_format(at, text);
		if (targets->list[i].source.family != 0) {
			err_set(err,
				"%s: a source before `@' is for recv; send takes --source; leave "
				"it out",
				text);
			return -EINVAL;
		}
		if (at->addr.family != targets->list[0].at.addr.family ||
		    (opt->source.family != 0 && opt->source.family != at->addr.family)) {
			err_set(err,
				"%s: mixes IPv4 and IPv6; a sender has one of them; use one sender "
				"for each",
				text);
			return -EINVAL;
		}
		if (strcmp(at->ifname, targets->list[0].at.ifname) != 0) {
			err_set(err,
				"%s: targets by different interfaces; a sender has one; use one "
				"sender for each",
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
			"--late-start: comes with --expect-per-flow; one says that some may be "
			"missed, the other that none may; leave one out");
		return -EINVAL;
	}
	return 0;
}
