/* privileges.c - see privileges.h.
 *
 * What is asked for is found out of the rules alone, so that a reload can be judged before anything
 * is touched. Neither joining, nor pinning, nor memory of a node asks for a capability.
 */
#include "src/setup/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "shard/rule.h"

#define PRIORITY_FREE_MAX 6 /* SO_PRIORITY above it is not for everybody */
#define FIRST_PORT        1024
#define PROC_SYS          "/proc/sys/net/"

/* What --privileges can name: what this daemon has any use for. */
static const struct {
	const char *name;
	unsigned capability;
} known[] = {
	{"net_admin", CAP_NET_ADMIN},
	{"net_raw", CAP_NET_RAW},
	{"net_bind_service", CAP_NET_BIND_SERVICE},
	{"bpf", CAP_BPF},
	{"dac_override", CAP_DAC_OVERRIDE},
	{"ipc_lock", CAP_IPC_LOCK},
	{"sys_resource", CAP_SYS_RESOURCE},
	{"sys_admin", CAP_SYS_ADMIN},
};
#define KNOWN_COUNT (sizeof(known) / sizeof(known[0]))

/* What a rule can ask for. The kernel takes either of two for an address of somebody else and for a
 * priority. */
enum need {
	NEED_SPORT_KEEP,
	NEED_SRC_KEEP,
	NEED_PRIORITY,
	NEED_LOW_PORT,
	NEED_COUNT,
};

static const struct {
	uint64_t any_of;
	const char *what;
} needs[] = {
	[NEED_SPORT_KEEP] = {PRIVILEGE(CAP_NET_RAW), "sport=keep"},
	[NEED_SRC_KEEP] = {PRIVILEGE(CAP_NET_RAW) | PRIVILEGE(CAP_NET_ADMIN), "src=keep"},
	[NEED_PRIORITY] = {PRIVILEGE(CAP_NET_RAW) | PRIVILEGE(CAP_NET_ADMIN), "priority=7"},
	[NEED_LOW_PORT] = {PRIVILEGE(CAP_NET_BIND_SERVICE), "a port this low"},
};

static uint64_t of_rules(const struct opt *opt, uint64_t have);
static uint64_t choose(enum need need, uint64_t have);
static bool flow_needs(const struct conf *conf, const struct conf_flow *flow, enum need need,
		       int64_t first_port);
static bool output_needs(const struct rule_output *out, enum need need, int64_t first_port);
static int64_t first_free_port(void);
static uint64_t of_options(const struct opt *opt);
static uint64_t of_rings(uint64_t have);
static bool resolves_ahead(const struct opt *opt);
static bool binds_with_raw(void);
static int64_t read_number(const char *path, int64_t otherwise);
static int find_name(const char *name, size_t len);

void privileges_asked(const struct opt *opt, uint64_t have, struct privileges *out)
{
	out->running = opt->privileges | of_rules(opt, have) | of_options(opt);
	out->rings = out->running | of_rings(have);
	out->start = out->rings;
	if (opt->metrics.family != 0 && opt->metrics.port > 0 &&
	    opt->metrics.port < first_free_port()) {
		out->start |= PRIVILEGE(CAP_NET_BIND_SERVICE);
	}
}

int privileges_check(const struct opt *opt, uint64_t had, uint64_t have, struct err *err)
{
	const struct conf *conf = &opt->conf;
	int64_t first_port = first_free_port();
	char names[PRIVILEGES_TEXT_MAX];

	for (uint32_t f = 0; f < conf->flow_count; f++) {
		for (enum need need = 0; need < NEED_COUNT; need++) {
			uint64_t any_of = needs[need].any_of;

			if ((any_of & have) || !(any_of & had) ||
			    !flow_needs(conf, &conf->flows[f], need, first_port)) {
				continue;
			}
			err_set(err,
				"%s: %s needs a restart: this process had the capability for it "
				"(%s) and gave it up, since nothing asked for it; restart, with "
				"--privileges to have it ready",
				conf->rules[conf->flows[f].rule].name, needs[need].what,
				privileges_format(any_of & had, names));
			return -EPERM;
		}
	}
	return 0;
}

int privileges_parse(const char *text, uint64_t *out)
{
	uint64_t set = 0;

	for (const char *at = text;; at++) {
		size_t len = strcspn(at, ",");
		int i = find_name(at, len);

		if (i < 0 || (set & PRIVILEGE(known[i].capability))) {
			return -EINVAL;
		}
		set |= PRIVILEGE(known[i].capability);
		at += len;
		if (*at == '\0') {
			*out = set;
			return 0;
		}
	}
}

const char *privileges_format(uint64_t set, char text[PRIVILEGES_TEXT_MAX])
{
	size_t used = 0;

	snprintf(text, PRIVILEGES_TEXT_MAX, "none");
	for (size_t i = 0; i < KNOWN_COUNT; i++) {
		if (set & PRIVILEGE(known[i].capability)) {
			used += (size_t)snprintf(text + used, PRIVILEGES_TEXT_MAX - used, "%s%s",
						 used > 0 ? "," : "", known[i].name);
		}
	}
	return text;
}

static uint64_t of_rules(const struct opt *opt, uint64_t have)
{
	int64_t first_port = first_free_port();
	uint64_t asked = 0;

	for (uint32_t f = 0; f < opt->conf.flow_count; f++) {
		for (enum need need = 0; need < NEED_COUNT; need++) {
			if (flow_needs(&opt->conf, &opt->conf.flows[f], need, first_port)) {
				asked |= choose(need, have);
			}
		}
	}
	return asked;
}

/* One of those that would do: the weakest that is there. */
static uint64_t choose(enum need need, uint64_t have)
{
	uint64_t usable = needs[need].any_of & have;

	return usable & PRIVILEGE(CAP_NET_RAW) ? PRIVILEGE(CAP_NET_RAW) : usable;
}

static bool flow_needs(const struct conf *conf, const struct conf_flow *flow, enum need need,
		       int64_t first_port)
{
	bool found = need == NEED_LOW_PORT && flow->in.at.addr.port < first_port;

	for (uint32_t o = 0; o < flow->output_count && !found; o++) {
		found = output_needs(&conf->outputs[flow->first_output + o], need, first_port);
	}
	return found;
}

static bool output_needs(const struct rule_output *out, enum need need, int64_t first_port)
{
	switch (need) {
	case NEED_SPORT_KEEP:
		return out->sport_keep;
	case NEED_SRC_KEEP:
		return out->src_keep;
	case NEED_PRIORITY:
		return out->priority > PRIORITY_FREE_MAX;
	default:
		return out->sport > 0 && out->sport < first_port;
	}
}

static int64_t first_free_port(void)
{
	return read_number(PROC_SYS "ipv4/ip_unprivileged_port_start", FIRST_PORT);
}

static uint64_t of_options(const struct opt *opt)
{
	uint64_t asked = 0;

	/* Where the limits are not known they may be in the way. */
	if (opt->rcvbuf_bytes > read_number(PROC_SYS "core/rmem_max", 0) ||
	    opt->sndbuf_bytes > read_number(PROC_SYS "core/wmem_max", 0) || resolves_ahead(opt)) {
		asked |= PRIVILEGE(CAP_NET_ADMIN);
	}
	if (options_want_fastpath(opt)) {
		asked |= PRIVILEGE(CAP_NET_ADMIN) | PRIVILEGE(CAP_BPF);
	}
	if (binds_with_raw()) {
		asked |= PRIVILEGE(CAP_NET_RAW);
	}
	return asked;
}

/* Rings are locked memory of the user, and other processes of his have some of it as well. Where
 * the limit is not to be lifted, as in many containers, only CAP_IPC_LOCK knows none. And where
 * they are not for everybody, who may do all may have them. */
static uint64_t of_rings(uint64_t have)
{
	struct rlimit limit;
	bool limited = getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_max != RLIM_INFINITY;
	uint64_t asked = 0;

	if (limited && !(have & PRIVILEGE(CAP_SYS_RESOURCE))) {
		asked |= PRIVILEGE(CAP_IPC_LOCK);
	}
	if (read_number("/proc/sys/kernel/io_uring_disabled", 0) == 1) {
		asked |= PRIVILEGE(CAP_SYS_ADMIN);
	}
	return asked & have;
}

/* A rule that stands by, and an output whose source address may come later, have their neighbours
 * resolved before they are needed (src/run/neighbours.h). */
static bool resolves_ahead(const struct opt *opt)
{
	bool stands_by = opt->standby || opt->member, found = false;

	for (uint32_t o = 0; o < opt->conf.output_count && !found; o++) {
		const struct rule_output *out = &opt->conf.outputs[o];

		found = !addr_is_multicast(&out->to.addr) && (stands_by || out->src.family != 0);
	}
	return found;
}

/* Linux before 5.7 binds sockets to interfaces for those who have CAP_NET_RAW. */
static bool binds_with_raw(void)
{
	struct utsname name;
	unsigned major, minor;

	return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major < 5 || (major == 5 && minor < 7));
}

static int64_t read_number(const char *path, int64_t otherwise)
{
	FILE *file = fopen(path, "re");
	long long value;
	int got;

	if (!file) {
		return otherwise;
	}
	got = fscanf(file, "%lld", &value);
	fclose(file);
	return got == 1 ? value : otherwise;
}

static int find_name(const char *name, size_t len)
{
	for (size_t i = 0; i < KNOWN_COUNT; i++) {
		if (strlen(known[i].name) == len && strncmp(known[i].name, name, len) == 0) {
			return (int)i;
		}
	}
	return -1;
}
