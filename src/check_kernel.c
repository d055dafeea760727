/* check_kernel.c - is this a kernel that relays whole trains faithfully?
 *
 * Linux 7.0 to 7.1.4 mangles UDP headers and checksums of trains whose last datagram is as long
 * as the others (introduced in 7.0-rc1, cured in 7.1.5); an Ubuntu kernel 6.17 has been reported
 * for the same. Whether it happens depends on the driver, and no test on loopback would show it,
 * so the version decides. Pure but for one file below root. No step of a datagram runs here.
 */
#include "src/check_kernel.h"

#include <stdio.h>
#include <string.h>

#include "src/check.h"

#define RELEASE(major, minor, patch) ((major)*1000000U + (minor)*1000U + (patch))

static unsigned parse_version(const char *release)
{
	unsigned major = 0, minor = 0, patch = 0;

	(void)sscanf(release, "%3u.%3u.%3u", &major, &minor, &patch);
	return RELEASE(major, minor, patch);
}

bool check_kernel_mangles_trains(const char *release)
{
	unsigned version = parse_version(release);

	return version >= RELEASE(7, 0, 0) && version <= RELEASE(7, 1, 4);
}

bool check_kernel_is_suspect(const char *release)
{
	/* Ubuntu's names end so: 6.17.0-41-generic. Other distributions' 6.17 are not affected. */
	return strncmp(release, "6.17.0-", 7) == 0 && strstr(release, "-generic") != NULL;
}

bool check_kernel_older(const char *release, unsigned major, unsigned minor)
{
	return parse_version(release) < RELEASE(major, minor, 0);
}

static void check_trains(struct check *check, const char *release)
{
	bool sends_trains = check->sup->opt->gso != OPT_OFF;
	bool mangles = check_kernel_mangles_trains(release);
	bool suspect = check_kernel_is_suspect(release);
	struct check_finding finding = {
		.id = "kernel_trains",
		.value =
			check_text(check, "Linux %s%s", release, sends_trains ? "" : ", --gso off"),
		.why = "Linux 7.0 to 7.1.4 corrupt trains on some devices: receivers see wrong "
		       "lengths and checksums",
	};

	if (sends_trains && mangles) {
		finding.level = CHECK_FAIL;
		finding.advice = "boot Linux 7.1.5 or newer, or give --gso off";
	} else if (sends_trains && suspect) {
		finding.level = CHECK_WARN;
		finding.why = "an Ubuntu kernel of this series (6.17.0-41-generic) was reported to "
			      "corrupt trains on virtio";
		finding.advice = "compare what is sent and received with numacast-probe, or give "
				 "--gso off";
	}
	check_add(check, &finding);
}

void check_kernel(struct check *check)
{
	const char *release = check_line(check, "/proc/sys/kernel/osrelease");
	bool old = release && check_kernel_older(release, 6, 1);

	if (!release) {
		release = "of unknown version (no /proc/sys/kernel/osrelease)";
	}
	check_add(check, &(struct check_finding){
				 .level = old ? CHECK_WARN : CHECK_OK,
				 .id = "kernel",
				 .value = check_text(check, "Linux %s", release),
				 .why = "numacast is tested from Linux 6.1 on",
				 .advice = old ? "boot a newer kernel" : NULL,
			 });
	check_trains(check, release);
}
