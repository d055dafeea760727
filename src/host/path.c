/* path.c - is there a narrower place behind an egress interface than the interface itself?
 *
 * A route may carry an MTU of its own, by `mtu' of ip-route(8) or because a router beyond has told
 * it; then datagrams that fit the interface are cut into fragments or refused. For each egress
 * interface the narrowest of the ways to its destinations. Pure. Units: bytes of MTU, IP header
 * included.
 */
#include "src/host/host.h"

#include <net/if.h>
#include <string.h>

#include "src/host/facts.h"

static uint32_t widest_ingress(const struct host *host, const struct host_iface *out);
static void check_path(struct host *host, const struct host_iface *out, uint32_t in_mtu);

void host_paths(struct host *host)
{
	for (uint32_t i = 0; i < host->facts->iface_count; i++) {
		const struct host_iface *out = &host->facts->ifaces[i];

		if (out->output_count > 0 && out->flags != 0) {
			check_path(host, out, widest_ingress(host, out));
		}
	}
}

/* The largest MTU of the ways in from which something leaves here; lo's says nothing. */
static uint32_t widest_ingress(const struct host *host, const struct host_iface *out)
{
	const struct conf *conf = &host->setup->opt->conf;
	uint32_t widest = 0;

	for (uint32_t f = 0; f < conf->flow_count; f++) {
		const struct conf_flow *flow = &conf->flows[f];
		const struct host_iface *in = host_facts_iface(host->facts, flow->in.at.ifname);

		for (uint32_t o = 0; in && o < flow->output_count; o++) {
			const struct rule_output *output = &conf->outputs[flow->first_output + o];

			if (strcmp(output->to.ifname, out->at->name) == 0 &&
			    !(in->flags & IFF_LOOPBACK) && in->at->mtu > widest) {
				widest = in->at->mtu;
			}
		}
	}
	return widest;
}

static void check_path(struct host *host, const struct host_iface *out, uint32_t in_mtu)
{
	bool narrow = out->path_mtu != 0 && out->path_mtu < out->at->mtu;
	char to[ADDR_TEXT_MAX];
	struct finding finding = {
		.id = "path_mtu",
		.subject = out->at->name,
		.value = "no route of its outputs is narrower than the interface",
		.why = "what is larger than the way is cut into fragments, one of which lost "
		       "loses the datagram, or is refused where fragments are not allowed",
	};

	if (narrow) {
		finding.value = host_text(host, "%u by the route to %s, %u by the interface, %u in",
					  out->path_mtu, addr_format(&out->path_to, to),
					  out->at->mtu, in_mtu);
	}
	if (narrow && out->path_mtu < in_mtu) {
		finding.level = FINDING_WARN;
		finding.advice = host_text(host,
					   "see `ip route get %s'; widen what is narrow there, or "
					   "let the senders send no more than that",
					   to);
	}
	host_add(host, &finding);
}
