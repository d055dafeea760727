/* facts.c - asks the kernel about interfaces, routes and the packet filter.
 *
 * Nothing is judged here; a question without an answer leaves its fact marked as unknown. Control
 * thread.
 */
#include "src/host/facts.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "src/fastpath/program.h"
#include "src/host/asked.h"
#include "src/host/nft.h"
#include "src/host/tries.h"

#define PATHS_MAX 4096

static void facts_ask_ifaces(struct host_facts *facts);
static void facts_ask_iface(int fd, struct host_iface *iface);
static void facts_ask_routes(struct host_facts *facts);
static void facts_ask_unrouted(struct host_facts *facts);
static void facts_ask_paths(const struct setup *setup, struct host_facts *facts);
static void facts_count_ingress(struct host_iface *iface, const struct rule_ingress *in);
static void facts_count_egress(struct host_iface *iface, const struct rule_output *out);
static void facts_unique_sources(struct host_facts *facts);
static int facts_compare_source(const void *a, const void *b);
static struct host_iface *facts_find(const struct host_facts *facts, const char *ifname);
static void try_fastpath(const struct setup *setup, struct host_facts *facts);

int host_facts_gather(const struct setup *setup, struct host_facts *out)
{
	struct host_facts facts;
	int rc = host_facts_count(setup, &facts);

	if (rc < 0) {
		return rc;
	}
	facts_ask_ifaces(&facts);
	facts_ask_routes(&facts);
	facts_ask_unrouted(&facts);
	facts_ask_paths(setup, &facts);
	rc = asked_names(setup, &facts);
	if (rc < 0) {
		host_facts_free(&facts);
		return rc;
	}
	host_try(setup, &facts);
	try_fastpath(setup, &facts);
	facts.ruleset_rc = nft_list(&facts.ruleset);
	*out = facts;
	return 0;
}

int host_facts_count(const struct setup *setup, struct host_facts *out)
{
	const struct conf *conf = &setup->opt->conf;
	struct host_facts facts = {.iface_count = setup->ifaces.count, .ruleset_rc = -ENOENT};

	facts.ifaces = calloc((size_t)facts.iface_count + 1, sizeof(*facts.ifaces));
	facts.sources = calloc((size_t)conf->flow_count + 1, sizeof(*facts.sources));
	if (!facts.ifaces || !facts.sources) {
		host_facts_free(&facts);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < facts.iface_count; i++) {
		facts.ifaces[i].at = &setup->ifaces.list[i];
	}
	for (uint32_t i = 0; i < conf->flow_count; i++) {
		const struct rule_ingress *in = &conf->flows[i].in;
		struct host_iface *iface = facts_find(&facts, in->at.ifname);

		if (iface) {
			facts_count_ingress(iface, in);
		}
		if (in->source.family == AF_INET) {
			facts.sources[facts.source_count].addr = in->source;
			facts.sources[facts.source_count++].addr.port = 0;
		}
	}
	for (uint32_t i = 0; i < conf->output_count; i++) {
		struct host_iface *iface = facts_find(&facts, conf->outputs[i].to.ifname);

		if (iface) {
			facts_count_egress(iface, &conf->outputs[i]);
		}
	}
	facts_unique_sources(&facts);
	*out = facts;
	return 0;
}

const struct host_iface *host_facts_iface(const struct host_facts *facts, const char *ifname)
{
	return facts_find(facts, ifname);
}

void host_facts_free(struct host_facts *facts)
{
	free(facts->ifaces);
	free(facts->sources);
	free(facts->names);
	free(facts->ruleset);
	*facts = (struct host_facts){0};
}

static void facts_ask_ifaces(struct host_facts *facts)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (uint32_t i = 0; fd >= 0 && i < facts->iface_count; i++) {
		facts_ask_iface(fd, &facts->ifaces[i]);
	}
	if (fd >= 0) {
		close(fd);
	}
}

static void facts_ask_iface(int fd, struct host_iface *iface)
{
	struct ifreq req = {0};

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", iface->at->name);
	if (ioctl(fd, SIOCGIFFLAGS, &req) == 0) {
		iface->flags = (unsigned short)req.ifr_flags;
	}
	req.ifr_addr.sa_family = AF_INET;
	iface->has_ipv4 = ioctl(fd, SIOCGIFADDR, &req) == 0;
	(void)ethtool_read(iface->at->name, &iface->features);
}

static void facts_ask_routes(struct host_facts *facts)
{
	for (uint32_t i = 0; i < facts->source_count; i++) {
		struct host_source *source = &facts->sources[i];
		int rc = route_ask(&source->addr, &source->route);

		if (rc < 0) {
			source->route = (struct route){.error = rc};
		}
	}
}

/* Only of interfaces without an address, where it matters: there may be a million routes. */
static void facts_ask_unrouted(struct host_facts *facts)
{
	for (uint32_t i = 0; i < facts->iface_count; i++) {
		struct host_iface *iface = &facts->ifaces[i];

		if (iface->in_v4 && !iface->has_ipv4 && iface->at->ifindex != 0) {
			iface->unrouted = route_count_by(iface->at->ifindex) == 0;
		}
	}
}

/* Of the first so many outputs, since each is a question to the kernel. */
static void facts_ask_paths(const struct setup *setup, struct host_facts *facts)
{
	const struct conf *conf = &setup->opt->conf;

	for (uint32_t i = 0; i < conf->output_count && i < PATHS_MAX; i++) {
		const struct endpoint *to = &conf->outputs[i].to;
		struct host_iface *iface = facts_find(facts, to->ifname);
		bool asked = iface && iface->at->ifindex && endpoint_is_known(to);
		int mtu = asked ? route_mtu(&to->addr, iface->at->ifindex) : 0;

		if (mtu > 0 && (iface->path_mtu == 0 || (uint32_t)mtu < iface->path_mtu)) {
			iface->path_mtu = (uint32_t)mtu;
			iface->path_to = to->addr;
			iface->path_to.port = 0;
		}
	}
}

static void facts_count_ingress(struct host_iface *iface, const struct rule_ingress *in)
{
	bool v6 = in->at.addr.family == AF_INET6;
	bool group = addr_is_multicast(&in->at.addr);
	bool ssm = group && in->source.family != 0;

	iface->flow_count++;
	iface->in_v4 |= !v6;
	iface->in_v6 |= v6;
	iface->in_group_v4 |= group && !v6;
	iface->in_group_v6 |= group && v6;
	iface->ssm_v4 |= ssm && !v6;
	iface->ssm_v6 |= ssm && v6;
	iface->ssm_range_v4 |= ssm && !v6 && in->at.addr.ip[0] == 232;
	iface->ssm_range_v6 |= ssm && v6 && (in->at.addr.ip[1] & 0xf0) == 0x30 &&
			       in->at.addr.ip[2] == 0 && in->at.addr.ip[3] == 0;
}

static void facts_count_egress(struct host_iface *iface, const struct rule_output *out)
{
	bool v6 = out->to.addr.family == AF_INET6;

	iface->output_count++;
	iface->out_v4 |= !v6;
	iface->out_v6 |= v6;
	iface->out_v4_any |= !v6 && out->src.family == 0 && !out->src_keep;
	iface->out_group |= addr_is_multicast(&out->to.addr);
}

/* Each IPv4 source once, sorted. */
static void facts_unique_sources(struct host_facts *facts)
{
	uint32_t kept = 0;

	qsort(facts->sources, facts->source_count, sizeof(*facts->sources), facts_compare_source);
	for (uint32_t i = 0; i < facts->source_count; i++) {
		if (kept == 0 ||
		    facts_compare_source(&facts->sources[kept - 1], &facts->sources[i]) != 0) {
			facts->sources[kept++] = facts->sources[i];
		}
	}
	facts->source_count = kept;
}

static int facts_compare_source(const void *a, const void *b)
{
	return memcmp(((const struct host_source *)a)->addr.ip,
		      ((const struct host_source *)b)->addr.ip, 4);
}

static struct host_iface *facts_find(const struct host_facts *facts, const char *ifname)
{
	uint32_t low = 0, high = facts->iface_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(ifname, facts->ifaces[middle].at->name);

		if (order == 0) {
			return &facts->ifaces[middle];
		}
		if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return NULL;
}

/* For a moment, and with as little room as there can be. */
static void try_fastpath(const struct setup *setup, struct host_facts *facts)
{
	const struct program_sizes sizes = {.ways = 2, .images = 2, .outputs = 2};
	struct program program = {0};

	facts->fast_tried = options_want_fastpath(setup->opt);
	if (facts->fast_tried) {
		facts->fast_rc = program_load(&sizes, &program, &facts->fast_error);
		program_unload(&program);
	}
}
