/* fastpath.c - does this kernel let us relay within it, and who misses what is relayed there?
 *
 * Where rules ask for it, facts.c has loaded the program for a moment, as the starting daemon will.
 * What the program takes comes to no chain of the packet filter and to no socket, so both are
 * looked for; and the program is called where packets come in, of which large receive offload makes
 * others than were sent. Pure.
 */
#include "src/host/host.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "src/fastpath/eligible.h"
#include "src/host/kernel.h"
#include "src/host/nft_rules.h"

static void look_at_hook(struct host *host);
static void look_at_receive_offload(struct host *host);
static void look_at_chains(struct host *host);
static void look_at_listeners(struct host *host);
static const struct conf_flow *find_wanted(const struct host *host, const struct addr *at,
					   const char *ifname);
static bool read_socket(const char *line, bool v6, struct addr *out);

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
	if (options_want_fastpath(opt) && facts->fast_tried && facts->fast_rc == 0) {
		look_at_hook(host);
		look_at_receive_offload(host);
		look_at_chains(host);
		look_at_listeners(host);
	}
}

bool host_is_fast(const struct host *host, const struct conf_flow *flow)
{
	const struct opt *opt = host->setup->opt;

	return host->facts->fast_tried && host->facts->fast_rc == 0 &&
	       addr_is_multicast(&flow->in.at.addr) &&
	       fast_is_wanted(&opt->conf.rules[flow->rule], opt->fastpath != OPT_FASTPATH_OFF);
}

/* Newer kernels have links. Modules that are no modules but built in are nowhere to be seen. */
static void look_at_hook(struct host *host)
{
	const char *release = host_line(host, "/proc/sys/kernel/osrelease");
	bool old = release && host_kernel_older(release, 6, 6);
	bool seen = host_exists(host, "/sys/module/cls_bpf") &&
		    host_exists(host, "/sys/module/sch_ingress");

	host_add(host,
		 &(struct finding){
			 .level = old && !seen ? FINDING_UNKNOWN : FINDING_OK,
			 .id = "fastpath_hook",
			 .value = !old   ? "by links, or as a filter"
				  : seen ? "as a filter: cls_bpf and sch_ingress are loaded"
					 : "cls_bpf and sch_ingress are not loaded, or built in",
			 .why = "up to Linux 6.5 the program is called by a filter of tc(8)",
			 .cure = old && !seen ? "modprobe -a sch_ingress cls_bpf" : NULL,
		 });
}

static void look_at_receive_offload(struct host *host)
{
	for (uint32_t i = 0; i < host->facts->iface_count; i++) {
		const struct host_iface *iface = &host->facts->ifaces[i];
		bool lro = iface->features.lro;
		const char *name = iface->at->name;

		if (iface->flags == 0 || !iface->features.known || !find_wanted(host, NULL, name)) {
			continue;
		}
		host_add(
			host,
			&(struct finding){
				.level = lro ? FINDING_WARN : FINDING_OK,
				.id = "fastpath_lro",
				.subject = name,
				.value = lro ? "large-receive-offload on"
					     : "large-receive-offload off",
				.why = "what this offload puts together cannot be taken apart "
				       "again as it was, so it must not be sent on",
				.cure = lro ? host_text(host, "ethtool -K %s lro off", name) : NULL,
			});
	}
}

/* firewall.c tells when the rules are not known. */
static void look_at_chains(struct host *host)
{
	struct nft_rules *rules = NULL;
	uint32_t chains = 0;

	if (!host->facts->ruleset || nft_rules_parse(host->facts->ruleset, &rules) < 0) {
		return;
	}
	chains = nft_rules_chains(rules);
	nft_rules_free(rules);
	host_add(host,
		 &(struct finding){
			 .level = chains > 0 ? FINDING_WARN : FINDING_OK,
			 .id = "fastpath_firewall",
			 .value = chains == 0 ? "no chain could drop anything"
					      : host_text(host,
							  "%u chains that could drop see nothing "
							  "of what the kernel relays",
							  chains),
			 .why = "the program takes packets before the packet filter",
			 .advice =
				 chains > 0 ? "fast=off on rules whose flows it is to judge" : NULL,
		 });
}

/* The sockets of a relay that runs cannot be told from others: then nothing is known. */
static void look_at_listeners(struct host *host)
{
	const struct conf_flow *flow = NULL;
	struct finding finding = {
		.id = "fastpath_listener",
		.value = "no other socket here has the port of such a flow",
		.why = "what the kernel relays comes to no socket of this host",
	};

	for (int v6 = 0; v6 <= 1 && !flow; v6++) {
		const char *line = host_file(host, "/proc/net/udp%s", v6 ? "6" : "");

		for (; line && !flow; line = strchr(line, '\n')) {
			struct addr at;

			line += *line == '\n';
			if (read_socket(line, v6 == 1, &at)) {
				flow = find_wanted(host, &at, NULL);
			}
		}
	}
	if (flow) {
		char at[ENDPOINT_TEXT_MAX];
		bool ours = host->facts->tries.marks.taken > 0;

		finding.level = ours ? FINDING_UNKNOWN : FINDING_WARN;
		finding.value = host_text(host, "a socket of this host hears %s, %s",
					  endpoint_format(&flow->in.at, at),
					  ours ? "perhaps that of the relay that runs"
					       : "and will hear nothing of it any more");
		finding.advice = "fast=off on the rule if that is somebody; `ss -ulpn' tells who";
	}
	host_add(host, &finding);
}

/* The first flow that may be relayed so, is received at `ifname', and would be heard by a socket at
 * `at'; NULL: any. */
static const struct conf_flow *find_wanted(const struct host *host, const struct addr *at,
					   const char *ifname)
{
	const struct opt *opt = host->setup->opt;

	for (uint32_t f = 0; f < opt->conf.flow_count; f++) {
		const struct conf_flow *flow = &opt->conf.flows[f];
		const struct addr *group = &flow->in.at.addr;

		if (!host_is_fast(host, flow) ||
		    (ifname && strcmp(flow->in.at.ifname, ifname) != 0)) {
			continue;
		}
		if (!at || (at->port == group->port &&
			    ((addr_is_any(at) &&
			      (at->family == group->family || at->family == AF_INET6)) ||
			     (at->family == group->family &&
			      memcmp(at->ip, group->ip, sizeof(at->ip)) == 0)))) {
			return flow;
		}
	}
	return NULL;
}

/* "  12: 010101EF:1388 00000000:0000 ...": words of the address as they lie in memory. */
static bool read_socket(const char *line, bool v6, struct addr *out)
{
	unsigned words[4] = {0}, port;
	int count = v6 ? sscanf(line, " %*u: %8x%8x%8x%8x:%4x", &words[0], &words[1], &words[2],
				&words[3], &port)
		       : sscanf(line, " %*u: %8x:%4x", &words[0], &port);

	*out = (struct addr){.family = v6 ? AF_INET6 : AF_INET};
	if (count != (v6 ? 5 : 2)) {
		return false;
	}
	for (unsigned i = 0; i < 4; i++) {
		uint32_t word = words[i];

		memcpy(&out->ip[i * sizeof(word)], &word, sizeof(word));
	}
	out->port = (uint16_t)port;
	return true;
}
