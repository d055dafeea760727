/* kernel.c - is this a kernel that relays whole trains faithfully?
 *
 * Linux 7.0 to 7.1.4 mangles UDP headers and checksums of trains whose last datagram is as long as
 * the others (introduced in 7.0-rc1, cured in 7.1.5); an Ubuntu kernel 6.17 has been reported for
 * the same. Whether it happens depends on the driver, and no test on loopback would show it, so the
 * version decides. Pure but for one file below root.
 */
#include "src/host/kernel.h"

#include <stdio.h>
#include <string.h>

#include "shard/gso.h"
#include "src/host/host.h"

#define RELEASE(major, minor, patch) ((major)*1000000U + (minor)*1000U + (patch))

static unsigned parse_version(const char *release);
static void check_trains(struct host *host, const char *release, bool known);

bool host_kernel_is_suspect(const char *release)
{
	/* Ubuntu's names end so: 6.17.0-41-generic. Other distributions' 6.17 are not affected. */
	return strncmp(release, "6.17.0-", 7) == 0 && strstr(release, "-generic") != NULL;
}

bool host_kernel_older(const char *release, unsigned major, unsigned minor)
{
	return parse_version(release) < RELEASE(major, minor, 0);
}

void host_kernel(struct host *host)
{
	const char *release = host_line(host, "/proc/sys/kernel/osrelease");
	bool old = release && host_kernel_older(release, 6, 1), known;

	known = release != NULL;
	if (!known) {
		release = "of unknown version (no /proc/sys/kernel/osrelease)";
	}
	host_add(host, &(struct finding){
			       .level = old     ? FINDING_WARN
					: known ? FINDING_OK
						: FINDING_UNKNOWN,
			       .id = "kernel",
			       .value = host_text(host, "Linux %s", release),
			       .why = "numacast is tested from Linux 6.1 on",
			       .advice = old ? "boot a newer kernel" : NULL,
		       });
	check_trains(host, release, known);
}

static unsigned parse_version(const char *release)
{
	unsigned major = 0, minor = 0, patch = 0;

	(void)sscanf(release, "%3u.%3u.%3u", &major, &minor, &patch);
	return RELEASE(major, minor, patch);
}

static void check_trains(struct host *host, const char *release, bool known)
{
	static const char *const asked[] = {
		[OPT_AUTO] = "auto", [OPT_ON] = "on", [OPT_OFF] = "off"};
	enum opt_switch gso = host->setup->opt->gso;
	struct finding finding = {
		.level = known || gso == OPT_OFF ? FINDING_OK : FINDING_UNKNOWN,
		.id = "kernel_trains",
		.value = host_text(host, "Linux %s, --gso %s", release, asked[gso]),
		.why = "Linux 7.0 to 7.1.4 corrupt trains on some devices: receivers see wrong "
		       "lengths and checksums",
	};

	if (gso != OPT_OFF && gso_is_known_bad(release)) {
		finding.level = gso == OPT_ON ? FINDING_FAIL : FINDING_WARN;
		finding.advice = "boot Linux 7.1.5 or newer; until then --gso auto sends single "
				 "datagrams";
	} else if (gso != OPT_OFF && host_kernel_is_suspect(release)) {
		finding.level = FINDING_WARN;
		finding.why = "an Ubuntu kernel of this series (6.17.0-41-generic) was reported to "
			      "corrupt trains on virtio";
		finding.advice = "compare what is sent and received with numacast-probe, or give "
				 "--gso off";
	}
	host_add(host, &finding);
}
