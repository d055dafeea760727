/* firewall.c - does a packet filter of this host drop what the rules relay?
 *
 * For each interface and family: the datagrams of each flow that comes in there, those of each
 * output that leaves there, and the queries and reports by which the network learns of our groups,
 * are walked through nftables' rules (nft_rules.c; iptables' are among them where iptables is the
 * nft one). Older iptables tables are only seen to exist. Pure but for files below root.
 */
#include "src/host/host.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "src/host/nft_rules.h"

#define LOOK_MAX  4096 /* datagrams walked for one finding */
#define PORTS_MAX 16   /* named in a cure; beyond, all of UDP is meant */

/* What came of all the datagrams of one interface, family and direction. */
struct look {
	bool out;
	int family;
	const char *ifname;
	uint32_t count;
	uint32_t passed_over; /* beyond LOOK_MAX */
	enum nft_verdict worst;
	struct nft_answers answers; /* of the first with that verdict */
	struct addr first;
	uint16_t ports[PORTS_MAX]; /* of those not passed */
	uint32_t port_count;       /* PORTS_MAX + 1: more */
	uint32_t stopped;          /* datagrams not passed */
};

static const char why_data[] = "what the packet filter drops never reaches a socket, and nothing "
			       "else counts it";

static void check_legacy(struct host *host);
static void check_unknown(struct host *host, int rc);
static void check_iface(struct host *host, struct nft_rules *rules, const struct host_iface *iface);
static void check_data(struct host *host, struct nft_rules *rules, const char *ifname, bool out,
		       int family);
static void look_at_all(struct host *host, struct nft_rules *rules, struct look *look);
static void look_at(struct look *look, struct nft_rules *rules, const struct addr *from,
		    const struct addr *to);
static void look_note_port(struct look *look, uint16_t port);
static enum finding_level level_of(enum nft_verdict verdict);
static const char *data_match(struct host *host, const struct look *look);
static const char *port_words(struct host *host, const struct look *look);
static void check_talk(struct host *host, struct nft_rules *rules, const char *ifname, int family);
static const char *subject_of(struct host *host, const char *ifname, int family);
static const char *cure_words(struct host *host, const struct nft_answers *answers,
			      const char *match);
static const char *who_stops(struct host *host, const struct nft_answers *answers);
static void note_endless(struct host *host, const struct nft_answers *answers,
			 struct finding *finding);

void host_firewall(struct host *host)
{
	const struct host_facts *facts = host->facts;
	struct nft_rules *rules = NULL;
	int rc = facts->ruleset ? nft_rules_parse(facts->ruleset, &rules) : facts->ruleset_rc;

	check_legacy(host);
	if (rc < 0) {
		check_unknown(host, rc);
		return;
	}
	if (nft_rules_chains(rules) == 0) {
		host_add(host, &(struct finding){
				       .id = "firewall",
				       .value = "nftables has no chain that could drop anything",
				       .why = why_data,
			       });
	}
	for (uint32_t i = 0; nft_rules_chains(rules) > 0 && i < facts->iface_count; i++) {
		if (facts->ifaces[i].flags != 0) {
			check_iface(host, rules, &facts->ifaces[i]);
		}
	}
	nft_rules_free(rules);
}

/* Tables of the iptables from before nftables: their rules are not looked at. */
static void check_legacy(struct host *host)
{
	const char *tables = host_line(host, "/proc/net/ip_tables_names");
	const char *tables6 = host_line(host, "/proc/net/ip6_tables_names");

	if (!tables && !tables6 && !host_exists(host, "/proc/net")) {
		host_add(host, &(struct finding){
				       .level = FINDING_UNKNOWN,
				       .id = "firewall_legacy",
				       .value = "not known: no /proc/net",
				       .why = why_data,
			       });
		return;
	}
	if ((!tables || !*tables) && (!tables6 || !*tables6)) {
		return;
	}
	host_add(host, &(struct finding){
			       .level = FINDING_WARN,
			       .id = "firewall_legacy",
			       .value = "this kernel has tables of the older iptables, which nft "
					"does not show",
			       .why = why_data,
			       .advice = "look at them yourself: iptables-legacy -S; "
					 "ip6tables-legacy -S",
		       });
}

static void check_unknown(struct host *host, int rc)
{
	struct finding finding = {
		.level = FINDING_WARN,
		.id = "firewall",
		.value = host_text(host, "not known: nft: %s", strerror(-rc)),
		.why = why_data,
	};

	if (rc == -ENOENT) {
		finding.value = "not known: nft is not installed";
		finding.cure = "apt-get install nftables";
	} else if (rc == -EPERM) {
		finding.value = "not known: only root may list the packet filter's rules";
		finding.advice = "run --check-host as root";
	} else {
		finding.advice = "look at the rules yourself: nft list ruleset";
	}
	host_add(host, &finding);
}

static void check_iface(struct host *host, struct nft_rules *rules, const struct host_iface *iface)
{
	const char *name = iface->at->name;

	check_data(host, rules, name, false, AF_INET);
	check_data(host, rules, name, false, AF_INET6);
	if (iface->in_group_v4) {
		check_talk(host, rules, name, AF_INET);
	}
	if (iface->in_group_v6) {
		check_talk(host, rules, name, AF_INET6);
	}
	check_data(host, rules, name, true, AF_INET);
	check_data(host, rules, name, true, AF_INET6);
}

static void check_data(struct host *host, struct nft_rules *rules, const char *ifname, bool out,
		       int family)
{
	struct look look = {.out = out, .family = family, .ifname = ifname};
	struct finding finding = {
		.id = out ? "firewall_out" : "firewall_in",
		.subject = subject_of(host, ifname, family),
		.why = why_data,
	};
	char to[ADDR_TEXT_MAX];

	look_at_all(host, rules, &look);
	if (look.count == 0) {
		return;
	}
	finding.level = level_of(look.worst);
	if (look.worst == NFT_PASS) {
		finding.value = host_text(
			host, "nothing drops what the rules relay here (%u destinations%s)",
			look.count, look.passed_over ? ", the first 4096 looked at" : "");
	} else if (look.worst == NFT_UNKNOWN) {
		note_endless(host, &look.answers, &finding);
	} else {
		finding.value = host_text(host, "%s%s: %s", addr_format(&look.first, to),
					  look.stopped > 1 ? " and others" : "",
					  who_stops(host, &look.answers));
		finding.cure = cure_words(host, &look.answers, data_match(host, &look));
	}
	host_add(host, &finding);
}

static void look_at_all(struct host *host, struct nft_rules *rules, struct look *look)
{
	const struct conf *conf = &host->setup->opt->conf;

	for (uint32_t i = 0; !look->out && i < conf->flow_count; i++) {
		const struct rule_ingress *in = &conf->flows[i].in;

		if (strcmp(in->at.ifname, look->ifname) == 0) {
			look_at(look, rules, &in->source, &in->at.addr);
		}
	}
	for (uint32_t i = 0; look->out && i < conf->output_count; i++) {
		const struct rule_output *out = &conf->outputs[i];

		if (strcmp(out->to.ifname, look->ifname) == 0 && endpoint_is_known(&out->to)) {
			look_at(look, rules, &out->src, &out->to.addr);
		}
	}
}

static void look_at(struct look *look, struct nft_rules *rules, const struct addr *from,
		    const struct addr *to)
{
	struct nft_packet packet = {.out = look->out,
				    .ifname = look->ifname,
				    .from = *from,
				    .to = *to,
				    .protocol = IPPROTO_UDP};
	struct nft_answers answers;

	if (to->family != look->family) {
		return;
	}
	if (++look->count > LOOK_MAX) {
		look->passed_over++;
		return;
	}
	nft_rules_judge(rules, &packet, &answers);
	if (answers.verdict == NFT_PASS) {
		return;
	}
	look->stopped++;
	look_note_port(look, to->port);
	if (answers.verdict > look->worst) {
		look->worst = answers.verdict;
		look->answers = answers;
		look->first = *to;
	}
}

static void look_note_port(struct look *look, uint16_t port)
{
	for (uint32_t i = 0; i < look->port_count && i < PORTS_MAX; i++) {
		if (look->ports[i] == port) {
			return;
		}
	}
	if (look->port_count < PORTS_MAX) {
		look->ports[look->port_count] = port;
	}
	look->port_count += look->port_count <= PORTS_MAX;
}

static enum finding_level level_of(enum nft_verdict verdict)
{
	switch (verdict) {
	case NFT_DROP:
		return FINDING_FAIL;
	case NFT_UNKNOWN:
		return FINDING_UNKNOWN;
	default:
		return verdict == NFT_MAYBE ? FINDING_WARN : FINDING_OK;
	}
}

static const char *data_match(struct host *host, const struct look *look)
{
	const char *ip = look->family == AF_INET6 ? "ip6" : "ip";
	const char *all = look->family == AF_INET6 ? "ff00::/8" : "224.0.0.0/4";
	const char *way = look->out ? "oifname" : "iifname";
	struct addr bare = look->first;
	char to[ADDR_TEXT_MAX];

	bare.port = 0;
	if (look->stopped == 1) {
		return host_text(host, "%s \"%s\" %s daddr %s %s", way, look->ifname, ip,
				 addr_format(&bare, to), port_words(host, look));
	}
	if (addr_is_multicast(&look->first)) {
		return host_text(host, "%s \"%s\" %s daddr %s %s", way, look->ifname, ip, all,
				 port_words(host, look));
	}
	return host_text(host, "%s \"%s\" %s", way, look->ifname, port_words(host, look));
}

/* "udp dport 5000", "udp dport { 5000, 5001 }" */
static const char *port_words(struct host *host, const struct look *look)
{
	const char *list = "";

	if (look->port_count > PORTS_MAX) {
		return "meta l4proto udp";
	}
	if (look->port_count == 1) {
		return host_text(host, "udp dport %u", look->ports[0]);
	}
	for (uint32_t i = 0; i < look->port_count; i++) {
		list = host_text(host, "%s%s%u", list, i ? ", " : "", look->ports[i]);
	}
	return host_text(host, "udp dport { %s }", list);
}

/* The query that reaches us and the report that we send, as IGMP or MLD. */
static void check_talk(struct host *host, struct nft_rules *rules, const char *ifname, int family)
{
	bool v6 = family == AF_INET6;
	struct nft_packet query = {.ifname = ifname,
				   .protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_IGMP,
				   .type = v6 ? "mld-listener-query" : "membership-query"};
	struct nft_packet report = query;
	struct nft_answers in, out;
	const char *match = v6 ? "meta l4proto ipv6-icmp" : "meta l4proto igmp";
	struct finding finding = {
		.id = "firewall_membership",
		.subject = subject_of(host, ifname, family),
		.value = v6 ? "MLD queries and reports pass" : "IGMP queries and reports pass",
		.why = "without queries and reports the network forgets after about 260 s that "
		       "this host wants its groups",
	};

	report.out = true;
	report.type = v6 ? "mld2-listener-report" : NULL;
	(void)addr_parse_ip(v6 ? "ff02::1" : "224.0.0.1", &query.to);
	(void)addr_parse_ip(v6 ? "ff02::16" : "224.0.0.22", &report.to);
	nft_rules_judge(rules, &query, &in);
	nft_rules_judge(rules, &report, &out);
	if (in.verdict == NFT_UNKNOWN || out.verdict == NFT_UNKNOWN) {
		finding.level = FINDING_UNKNOWN;
		note_endless(host, in.verdict == NFT_UNKNOWN ? &in : &out, &finding);
	} else if (in.verdict != NFT_PASS || out.verdict != NFT_PASS) {
		const char *first = cure_words(host, &in, match);
		const char *second = cure_words(host, &out, match);

		finding.level = FINDING_WARN; /* networks without snooping do not mind */
		finding.value = host_text(host, "%s %s", in.count ? "a query:" : "a report:",
					  who_stops(host, in.count ? &in : &out));
		finding.cure =
			host_text(host, "%s%s%s", first, *first && *second ? "; " : "", second);
	}
	host_add(host, &finding);
}

static const char *subject_of(struct host *host, const char *ifname, int family)
{
	return family == AF_INET6 ? host_text(host, "%s IPv6", ifname) : ifname;
}

/* A rule at the head of every chain that stands in the way. */
static const char *cure_words(struct host *host, const struct nft_answers *answers,
			      const char *match)
{
	const char *cure = "";

	for (uint32_t i = 0; i < answers->count; i++) {
		cure = host_text(host, "%s%snft 'insert rule %s %s accept'", cure,
				 *cure ? "; " : "", answers->list[i].chain, match);
	}
	return cure;
}

static const char *who_stops(struct host *host, const struct nft_answers *answers)
{
	const struct nft_answer *first = &answers->list[0];
	const char *verb = answers->verdict == NFT_DROP ? "dropped" : "perhaps dropped";

	if (first->handle == 0) {
		return host_text(host, "%s by the policy of chain %s", verb, first->chain);
	}
	return host_text(host, "%s in chain %s (rule handle %" PRId64 ")", verb, first->chain,
			 first->handle);
}

static void note_endless(struct host *host, const struct nft_answers *answers,
			 struct finding *finding)
{
	const char *chain = "";

	for (uint32_t i = 0; i < answers->count; i++) {
		if (answers->list[i].verdict == NFT_UNKNOWN) {
			chain = answers->list[i].chain;
			break;
		}
	}
	finding->value = host_text(
		host, "not known: the rules from chain %s on branch too often to be followed",
		chain);
	finding->advice = "look at them yourself: nft list ruleset";
}
