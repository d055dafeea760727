/* nft_rules.h - would the packet filter let one packet pass? (for --check-host)
 *
 * Reads what `nft -j list ruleset' prints (libnftables-json(5)) and walks the base chains that a
 * packet would meet, rule by rule. What a rule asks of a packet is answered with yes, no, or
 * "cannot be known here" (its source port, a mark, a rate limit, an iptables match that nft cannot
 * print); the answer keeps that apart. Connection tracking sees each such packet as new. NAT chains
 * are left out: they do not decide. How long it walks is bounded, for one packet and for all of
 * them; beyond that the answer is that nobody knows. Pure. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/addr.h"

#define NFT_CHAIN_TEXT_MAX 256 /* "inet filter input" */
#define NFT_ANSWERS_MAX    8   /* base chains of which an answer is kept */

enum nft_verdict {
	NFT_PASS,
	NFT_MAYBE,   /* a rule that cannot be judged here decides */
	NFT_UNKNOWN, /* the rules branch too often to be followed to their end */
	NFT_DROP,
};

struct nft_packet {
	bool out; /* leaves by `ifname'; else arrives by it */
	const char *ifname;
	struct addr from; /* family 0: any */
	struct addr to;   /* with its port, for UDP */
	int protocol;     /* IPPROTO_UDP, IPPROTO_IGMP or IPPROTO_ICMPV6 */
	const char *type; /* of IGMP and ICMPv6, as nft names it: "mld-listener-query"; or NULL */
};

/* What one base chain does to the packet, when that is not letting it pass. */
struct nft_answer {
	enum nft_verdict verdict;
	int64_t handle;                 /* of the rule that decides; 0: the chain's policy */
	char chain[NFT_CHAIN_TEXT_MAX]; /* the base chain, as nft's commands name it */
};

struct nft_answers {
	enum nft_verdict verdict; /* of all chains together */
	uint32_t count;           /* of `list'; chains beyond NFT_ANSWERS_MAX count in `verdict' */
	struct nft_answer list[NFT_ANSWERS_MAX];
};

struct nft_rules; /* opaque */

/* 0; -EINVAL when `text' is not such a ruleset; -ENOMEM. */
int nft_rules_parse(const char *text, struct nft_rules **out);

/* Base chains that could drop what arrives at or leaves this host. */
uint32_t nft_rules_chains(const struct nft_rules *rules);

void nft_rules_judge(struct nft_rules *rules, const struct nft_packet *packet,
		     struct nft_answers *out);

/* Accepts NULL. */
void nft_rules_free(struct nft_rules *rules);
