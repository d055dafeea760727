/* conf.h - the rules: from the operator's text to flows and outputs.
 *
 * Grammar, told at length in numacastd(8):
 *
 *     INGRESS [key=value]... [+ INGRESS [key=value]...]...
 *         -> EGRESS [key=value]... [, EGRESS [key=value]...]...
 *     INGRESS: [SOURCE@]ADDR%IFACE:PORT      EGRESS: ADDR%IFACE:PORT
 *
 * with IPv6 in brackets ([ff3e::1%eth0]:5000, [2001:db8::5]@[ff3e::1%eth0]:5000), prefixes
 * (239.1.1.0/28) and port ranges (5000-5010). A rule expands to one flow per ingress address and
 * port, and the n-th flow goes to the n-th address and port of each egress, counted in the same
 * order: the ports of the first address, then those of the next. What rules do to each other is
 * looked at by twins.c. Pure: text in, structs out, no system call but memory; the fuzz target
 * feeds conf_add_rule. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shard/rule.h"
#include "shard/share.h"
#include "src/base/log.h"

#define CONF_RULE_TEXT_MAX 65536
#define CONF_FLOWS_MAX     262144
#define CONF_OUTPUTS_MAX   1048576
#define CONF_SHARD_ANY     UINT32_MAX
#define CONF_NAME_MAX      64
#define CONF_IFNAME_MAX    128 /* of an alternative name; the kernel's bound */
#define CONF_SPREAD_MAX    64  /* shards a flow may be split over; as the planner has it */

struct conf_rule {
	char *text;                 /* as written */
	char *where;                /* "file.conf:12" or "--rule" (nth: "--rule 3") */
	char name[CONF_NAME_MAX];   /* name=, or "ruleN" counted from 1 */
	char member[CONF_NAME_MAX]; /* member=: whose its flows are; "": the hash decides */
	uint32_t weight;            /* weight=, 1 unless said */
	uint32_t spread;            /* spread=, 1 unless said */
	enum share_by by;           /* by=: what spread= divides */
	uint32_t shard;             /* shard=, or CONF_SHARD_ANY */
	bool link_local;            /* link-local=: groups that stay on their link are meant */
	int8_t fast;                /* fast=: 1, 0, RULE_AUTO */
	struct merge_rule merge;    /* seq= and the like; its leg_count is 1 at least */
	uint32_t first_flow;
	uint32_t flow_count; /* more than 1 for a range or several legs, which stand together */
	bool uneven;         /* its endpoints divide the flows otherwise into addresses and ports */
};

struct conf_flow {
	uint32_t rule; /* index */
	struct rule_ingress in;
	uint32_t first_output; /* conf_lead has them for all legs of a merge */
	uint32_t output_count;
	uint8_t leg;  /* of the rule's merge, counted from 0 */
	bool standby; /* received and counted, and not relayed: whoever makes a setup says so */
};

struct conf {
	struct conf_rule *rules;
	struct conf_flow *flows;
	struct rule_output *outputs;
	uint32_t rule_count, flow_count, output_count;
	uint32_t rule_room, flow_room, output_room; /* allocated */
	char (*long_ifnames)[CONF_IFNAME_MAX];      /* that do not fit an endpoint */
	uint32_t long_ifname_count;
};

/* The first leg of what `flow' is merged with; itself when there is no other. */
static inline const struct conf_flow *conf_lead(const struct conf_flow *flow)
{
	return flow - flow->leg;
}

/* One interface under two names. */
struct conf_ifname {
	char from[IF_NAMESIZE]; /* as the endpoints have it */
	char to[IF_NAMESIZE];   /* the kernel's */
};

/* Parses one rule and appends it. -EINVAL with `err' = "WHERE: what was wrong; what was expected;
 * what to do", and `conf' unchanged; -ENOMEM. `where' is copied. */
int conf_add_rule(struct conf *conf, const char *text, const char *where, struct err *err);

/* What only shows when all rules are known: two rules for one flow, a cycle of rules that surely
 * hear each other, duplicate names, no rule at all. 0 or -EINVAL with `err' naming both places. */
int conf_check_twins(const struct conf *conf, struct err *err);

/* rename.c: the interface of an endpoint as the rule has it: a name of more than 15 characters
 * stands in the endpoint by an alias, FIRST/NUMBER, which is no interface's name. */
const char *conf_ifname(const struct conf *conf, const char *ifname);

/* Gives every endpoint whose interface is among `names', sorted by `from', its other name, and then
 * looks again for what only shows now: two names were one interface, or the name of a host has an
 * address. 0, or -EINVAL or -ENOMEM with `err'. */
int conf_rename(struct conf *conf, const struct conf_ifname *names, uint32_t count,
		struct err *err);

/* Accepts all-zero. */
void conf_free(struct conf *conf);
