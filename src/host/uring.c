/* uring.c - can a shard have its ring, and all shards together theirs?
 *
 * io_uring may be forbidden by sysctl (kernel.io_uring_disabled), by a container's seccomp profile,
 * or be absent; the trial ring of facts.c has shown which. From about Linux 6.14 the memory
 * of rings counts against RLIMIT_MEMLOCK, per user. Pure but for files below root. No step of a
 * datagram runs here. Units: bytes.
 */
#include "src/host/host.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>

#include "src/host/limits.h"
#include "src/setup/needs.h"

static const char *describe_seccomp(struct check *check)
{
	const char *status = check_file(check, "/proc/self/status");
	const char *line = status ? strstr(status, "\nSeccomp:") : NULL;

	line = line ? line + strlen("\nSeccomp:") : "0";
	line += strspn(line, " \t");
	return *line == '0' ? "" : ", seccomp on";
}

static void add_cure(struct check_finding *finding, int64_t disabled, int rc)
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

static void check_allowed(struct check *check)
{
	const struct check_facts *facts = check->facts;
	enum ring_engine engine = check->setup->opt->engine;
	int64_t disabled = check_number(check, 0, "/proc/sys/kernel/io_uring_disabled");
	struct check_finding finding = {
		.id = "io_uring",
		.why = "the uring engine is built on it; --engine auto takes mmsg without it, at "
		       "more CPU for single datagrams",
	};

	if (!ring_can(ring_preferred(engine), RING_USES_IO_URING)) {
		finding.value =
			check_text(check, "not used: --engine %s", ring_engine_name(engine));
	} else if (facts->uring_rc == 0) {
		finding.value = check_text(check, "usable (liburing %s): %s", NC_BUILD_LIBURING,
					   facts->uring_features.text);
	} else {
		finding.level = engine == RING_ENGINE_AUTO ? CHECK_WARN : CHECK_FAIL;
		finding.value = check_text(check, "%s, kernel.io_uring_disabled = %d%s",
					   strerror(-facts->uring_rc), (int)disabled,
					   describe_seccomp(check));
		add_cure(&finding, disabled, facts->uring_rc);
	}
	check_add(check, &finding);
}

/* A limit that the daemon can raise by itself at start is no obstacle. */
static void check_memlock(struct check *check)
{
	const struct setup *setup = check->setup;
	enum ring_engine engine = setup->opt->engine;
	uint64_t need = needs_ring_bytes(setup);
	struct check_finding finding = {
		.id = "memlock",
		.why = "from Linux 6.14 on the memory of all rings of a user counts against it",
	};
	struct check_limit limit;

	if (!check_limit_read(check, "Max locked memory", &limit)) {
		finding.value = "not known: no /proc/self/limits";
	} else if (!ring_can(ring_preferred(engine), RING_USES_IO_URING)) {
		finding.value =
			check_text(check, "not used: --engine %s", ring_engine_name(engine));
	} else if (check_has_capability(check, CAP_SYS_RESOURCE) ||
		   check_has_capability(check, CAP_IPC_LOCK)) {
		finding.value = check_text(check,
					   "%" PRIu64 " bytes for %u rings, no limit to this "
					   "process (CAP_SYS_RESOURCE, CAP_IPC_LOCK)",
					   need, setup->plan.shard_count);
	} else {
		finding.value = check_text(check, "%s bytes allowed, %" PRIu64 " for %u rings",
					   check_limit_text(check, limit.hard), need,
					   setup->plan.shard_count);
		if (limit.hard < need) {
			finding.level = CHECK_FAIL;
			finding.cure = "prlimit --pid $$ --memlock=unlimited:unlimited";
			finding.advice = "in a systemd unit: LimitMEMLOCK=infinity";
		}
	}
	check_add(check, &finding);
}

void check_uring(struct check *check)
{
	check_allowed(check);
	check_memlock(check);
}
