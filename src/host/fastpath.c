/* fastpath.c - does this kernel let us relay within it?
 *
 * Where rules ask for it, facts.c has loaded the program for a moment, as the starting daemon will.
 * Pure.
 */
#include "src/host/host.h"

#include <errno.h>

void host_fastpath(struct host *host)
{
	const struct opt *opt = host->setup->opt;
	const struct host_facts *facts = host->facts;
	struct finding finding = {
		.id = "fastpath",
		.why = "a program relays whole datagrams before they come to a socket, at a part "
		       "of the CPU; without it all go by sockets",
	};

	if (!options_want_fastpath(opt)) {
		finding.value = "not used: --fastpath off";
	} else if (!facts->fast_tried) {
		finding.level = FINDING_UNKNOWN;
		finding.value = "not tried";
	} else if (facts->fast_rc == 0) {
		finding.value =
			host_text(host, "the kernel takes the program (%s)", NC_BUILD_FASTPATH);
	} else {
		finding.level = opt->fastpath == OPT_FASTPATH_REQUIRE ? FINDING_FAIL : FINDING_WARN;
		finding.value = host_text(host, "%s", facts->fast_error.text);
		finding.advice = facts->fast_rc == -ENOTSUP ? "build with libbpf-dev and clang"
				 : facts->fast_rc == -EPERM || facts->fast_rc == -EACCES
					 ? "ask again as the service, with CAP_BPF and "
					   "CAP_NET_ADMIN; see etc/systemd/fastpath.conf"
					 : "boot a newer kernel, or leave --fastpath off";
	}
	host_add(host, &finding);
}
