/* uring.c - can a shard have its ring, and all shards together theirs, and does the kernel poll?
 *
 * io_uring may be forbidden by sysctl (kernel.io_uring_disabled), by a container's seccomp profile,
 * or be absent; the trial ring of facts.c has shown which. From about Linux 6.14 the memory of
 * rings counts against RLIMIT_MEMLOCK, per user. Busy polling is the kernel's to offer, to either
 * engine. Pure but for files below root. Units: bytes.
 */
#include "src/host/host.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "src/host/limits.h"
#include "src/setup/needs.h"

static void check_allowed(struct host *host);
static const char *describe_seccomp(struct host *host);
static void add_cure(struct finding *finding, int64_t disabled, int rc);
static void check_memlock(struct host *host);
static void check_busy_poll(struct host *host);

void host_uring(struct host *host)
{
	check_allowed(host);
	check_memlock(host);
	check_busy_poll(host);
}

static void check_allowed(struct host *host)
{
	const struct host_facts *facts = host->facts;
	enum ring_engine engine = host->setup->opt->engine;
	int64_t disabled = host_number(host, 0, "/proc/sys/kernel/io_uring_disabled");
	struct finding finding = {
		.id = "io_uring",
		.why = "the uring engine is built on it; --engine auto takes mmsg without it, at "
		       "more CPU for single datagrams",
	};

	if (!ring_can(ring_preferred(engine), RING_USES_IO_URING)) {
		finding.value = host_text(host, "not used: --engine %s", ring_engine_name(engine));
	} else if (facts->uring_rc == 0) {
		finding.value = host_text(host, "usable (liburing %s): %s", NC_BUILD_LIBURING,
					  facts->uring_features.text);
	} else {
		finding.level = engine == RING_ENGINE_AUTO ? FINDING_WARN : FINDING_FAIL;
		finding.value = host_text(host, "%s, kernel.io_uring_disabled = %d%s",
					  strerror(-facts->uring_rc), (int)disabled,
					  describe_seccomp(host));
		add_cure(&finding, disabled, facts->uring_rc);
	}
	host_add(host, &finding);
}

static const char *describe_seccomp(struct host *host)
{
	const char *status = host_file(host, "/proc/self/status");
	const char *line = status ? strstr(status, "\nSeccomp:") : NULL;

	line = line ? line + strlen("\nSeccomp:") : "0";
	line += strspn(line, " \t");
	return *line == '0' ? "" : ", seccomp on";
}

static void add_cure(struct finding *finding, int64_t disabled, int rc)
{
	if (rc == -ENOMEM) {
		finding->advice = "see memlock";
	} else if (disabled > 0 && (rc == -EPERM || rc == -EACCES)) {
		finding->cure = "sysctl -w kernel.io_uring_disabled=0";
	} else if (rc == -EPERM || rc == -EACCES) {
		finding->advice = "let the container's seccomp profile allow io_uring_setup, "
				  "io_uring_enter and io_uring_register";
	} else {
		finding->advice = "boot a kernel with io_uring, 6.1 or newer";
	}
}

/* What a limit says decides less than what could be opened: older kernels do not count, and in a
 * user namespace no capability lifts it. */
static void check_memlock(struct host *host)
{
	const struct setup *setup = host->setup;
	enum ring_engine engine = setup->opt->engine;
	uint64_t need = needs_ring_bytes(setup);
	struct finding finding = {
		.id = "memlock",
		.why = "from Linux 6.14 on the memory of all rings of a user counts against it",
	};
	struct host_limit limit;
	const struct host_facts *facts = host->facts;
	const char *allowed = host_limit_read(host, "Max locked memory", &limit)
				      ? host_limit_text(host, limit.hard)
				      : "nobody says how many";

	if (!ring_can(ring_preferred(engine), RING_USES_IO_URING)) {
		finding.value = host_text(host, "not used: --engine %s", ring_engine_name(engine));
	} else if (facts->uring_rc != 0 && facts->uring_rc != -ENOMEM) {
		finding.level = FINDING_UNKNOWN;
		finding.value = "not known: no ring can be opened at all";
	} else if (facts->uring_rc == -ENOMEM) {
		finding.level = engine == RING_ENGINE_AUTO ? FINDING_WARN : FINDING_FAIL;
		finding.value =
			host_text(host,
				  "%u of %u rings could be opened; they take %" PRIu64
				  " bytes, %s are allowed",
				  facts->tries.rings, setup->plan.shard_count, need, allowed);
		finding.cure = "prlimit --pid $$ --memlock=unlimited:unlimited";
		finding.advice = "in a systemd unit: LimitMEMLOCK=infinity";
	} else {
		finding.value = host_text(
			host, "%u rings of together %" PRIu64 " bytes were opened, %s are allowed",
			facts->tries.rings, need, allowed);
	}
	host_add(host, &finding);
}

/* Silent unless it is asked for. */
static void check_busy_poll(struct host *host)
{
	int rc = host->facts->busy_poll_rc;
	struct finding finding = {
		.id = "busy_poll",
		.why = "--busy-poll has the kernel look at the devices before a shard sleeps",
	};

	if (host->setup->opt->waits.busy_poll_us == 0) {
		return;
	}
	if (rc == 0) {
		finding.value = "offered";
	} else {
		finding.level = FINDING_WARN;
		finding.value = host_text(host, "not offered: %s", strerror(-rc));
		finding.advice = "boot Linux 6.9 or newer, built with CONFIG_NET_RX_BUSY_POLL; "
				 "shards sleep without";
	}
	host_add(host, &finding);
}
