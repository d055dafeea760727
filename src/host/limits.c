/* limits.c - may this process open what it needs, and do what the rules ask for?
 *
 * Open files (one per flow and output), the capabilities that src=keep, low ports and priority=7
 * need, and ports that somebody else holds. All of that was tried (tries.c) rather than read. What
 * is inspected is the process that asks: run --check-host as the user, and in the unit, that the
 * daemon will have. Pure but for files below root.
 */
#include "src/host/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/setup/needs.h"

#define PRIORITY_ADMIN 7 /* SO_PRIORITY above 6 is not for everybody */

/* What the rules ask for that not everybody may do. */
struct wants {
	const char *keep;     /* where= of a rule with src=keep */
	const char *priority; /* with priority=7 */
	const char *low;      /* with a port below the first unprivileged one */
	unsigned low_port;
};

static const char refused_why[] = "without the capability the socket is refused at start";

static uint64_t parse_limit(const char *text, const char **end);
static void check_nofile(struct host *host);
static void check_capabilities(struct host *host);
static struct wants count_wants(const struct conf *conf, int64_t first_port);
static void want_output(struct wants *wants, const struct conf_rule *rule,
			const struct rule_output *out, int64_t first_port);
static const char *own_path(struct host *host);
static void check_capability(struct host *host, const char *id, const char *value, int rc,
			     const char *cure);
static void check_ports(struct host *host);

bool host_limit_read(struct host *host, const char *name, struct host_limit *out)
{
	const char *text = host_file(host, "/proc/self/limits");
	const char *line = text ? strstr(text, name) : NULL;

	if (!line) {
		return false;
	}
	out->soft = parse_limit(line + strlen(name), &line);
	out->hard = parse_limit(line, &line);
	return true;
}

const char *host_limit_text(struct host *host, uint64_t limit)
{
	return limit == HOST_UNLIMITED ? "unlimited" : host_text(host, "%" PRIu64, limit);
}

void host_limits(struct host *host)
{
	check_nofile(host);
	check_capabilities(host);
	check_ports(host);
}

/* "unlimited" or a number; where it ends in `end'. */
static uint64_t parse_limit(const char *text, const char **end)
{
	char *stop = NULL;
	uint64_t value;

	text += strspn(text, " ");
	if (strncmp(text, "unlimited", 9) == 0) {
		*end = text + 9;
		return HOST_UNLIMITED;
	}
	value = strtoull(text, &stop, 10);
	*end = stop;
	return value;
}

static void check_nofile(struct host *host)
{
	uint64_t need = needs_files(host->setup);
	struct finding finding = {
		.id = "nofile",
		.why = "every flow and every output is a socket of its own",
	};
	uint64_t files = host->facts->tries.files;

	if (files == 0) {
		finding.level = FINDING_UNKNOWN;
		finding.value = "not known: RLIMIT_NOFILE could not be tried";
		host_add(host, &finding);
		return;
	}
	finding.value = host_text(host, "%" PRIu64 " open files can be had, %" PRIu64 " are needed",
				  files, need);
	if (files < need) {
		finding.level = FINDING_FAIL;
		finding.cure = host_text(host, "prlimit --pid $$ --nofile=%" PRIu64 ":%" PRIu64,
					 need, need);
		finding.advice = host_text(host, "in a systemd unit: LimitNOFILE=%" PRIu64, need);
	}
	host_add(host, &finding);
}

static void check_capabilities(struct host *host)
{
	int64_t first_port =
		host_number(host, 1024, "/proc/sys/net/ipv4/ip_unprivileged_port_start");
	struct wants wants = count_wants(&host->setup->opt->conf, first_port);
	const struct host_tries *tries = &host->facts->tries;
	bool special = wants.keep || wants.priority;
	const char *cure = host_text(host, "setcap %s%s%s+ep %s", special ? "cap_net_raw" : "",
				     special && wants.low ? "," : "",
				     wants.low ? "cap_net_bind_service" : "", own_path(host));

	if (wants.keep) {
		check_capability(host, "src_keep", host_text(host, "%s has src=keep", wants.keep),
				 tries->keep, cure);
	}
	if (wants.priority) {
		check_capability(
			host, "priority",
			host_text(host, "%s has priority=%d", wants.priority, PRIORITY_ADMIN),
			tries->priority, cure);
	}
	if (wants.low) {
		check_capability(host, "low_port",
				 host_text(host, "%s binds port %u, below %d", wants.low,
					   wants.low_port, (int)first_port),
				 tries->low_port, cure);
	}
}

static struct wants count_wants(const struct conf *conf, int64_t first_port)
{
	struct wants wants = {0};

	for (uint32_t f = 0; f < conf->flow_count; f++) {
		const struct conf_flow *flow = &conf->flows[f];
		const struct conf_rule *rule = &conf->rules[flow->rule];

		if (flow->in.at.addr.port < first_port && !wants.low) {
			wants.low = rule->where;
			wants.low_port = flow->in.at.addr.port;
		}
		for (uint32_t o = 0; o < flow->output_count; o++) {
			want_output(&wants, rule, &conf->outputs[flow->first_output + o],
				    first_port);
		}
	}
	return wants;
}

static void want_output(struct wants *wants, const struct conf_rule *rule,
			const struct rule_output *out, int64_t first_port)
{
	if (out->src_keep && !wants->keep) {
		wants->keep = rule->where;
	}
	if (out->priority == PRIORITY_ADMIN && !wants->priority) {
		wants->priority = rule->where;
	}
	if (out->sport != 0 && out->sport < first_port && !wants->low) {
		wants->low = rule->where;
		wants->low_port = out->sport;
	}
}

/* The program's own path, for setcap. */
static const char *own_path(struct host *host)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));

	return len > 0 && len < (ssize_t)sizeof(path) ? host_text(host, "%.*s", (int)len, path)
						      : "/usr/sbin/numacastd";
}

/* `rc': of trying it; `cure' grants all that the rules want at once, since setcap replaces what a
 * file had. */
static void check_capability(struct host *host, const char *id, const char *value, int rc,
			     const char *cure)
{
	bool has = rc == 0;

	if (!host->facts->tries.done) {
		host_add(host, &(struct finding){.level = FINDING_UNKNOWN,
						 .id = id,
						 .value = "not known: no socket could be tried",
						 .why = refused_why});
		return;
	}
	host_add(host, &(struct finding){
			       .level = has ? FINDING_OK : FINDING_FAIL,
			       .id = id,
			       .value = host_text(host, "%s, which this process %s", value,
						  has ? "may do" : "may not do"),
			       .why = refused_why,
			       .cure = has ? NULL : cure,
			       .advice = has ? NULL : "in a systemd unit: AmbientCapabilities=",
		       });
}

/* Groups are shared; a unicast address and port are not, nor is a port that sport= names. */
static void check_ports(struct host *host)
{
	const struct host_tries *tries = &host->facts->tries;
	const struct conf *conf = &host->setup->opt->conf;
	struct finding finding = {
		.level = tries->done ? FINDING_OK : FINDING_UNKNOWN,
		.id = "ports",
		.value = tries->done ? "all ports of the rules can be had"
				     : "not known: no socket could be tried",
		.why = "a port that another socket holds ends the start",
	};

	if (conf->flow_count == 0) {
		return;
	}
	if (tries->busy_count > 0) {
		finding.level = FINDING_FAIL;
		finding.value = host_text(host, "%s%s", tries->busy.text,
					  tries->busy_count > 1 ? "; others too" : "");
		finding.advice = "end who holds it, unless that is numacastd itself, which then "
				 "runs already; or take another port";
	}
	host_add(host, &finding);
}
