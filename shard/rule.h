/* rule.h - what a shard is told to relay: flows by index, each with its outputs (step 8).
 *
 * The configuration and the shard share these structs: src/rules/conf.c fills rule_ingress and
 * rule_output from the text of a rule, src/setup/layout.c copies those that a shard owns into one
 * rule_table, and the shard gives each a place (room.h), whose token comes back with each
 * completion. A table is immutable once a shard has it; what changes later comes by message.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/limits.h"
#include "shard/merge_rule.h"
#include "shard/share.h"
#include "src/base/addr.h"

#define RULE_SOURCE_TEXT_MAX (ADDR_TEXT_MAX + 4) /* "/128" */

#define RULE_MTU_MIN    576  /* what each host takes (RFC 1122) */
#define RULE_MTU_MIN_V6 1280 /* what each link carries (RFC 8200) */
#define RULE_AUTO       (-1) /* an option the rule does not set */

enum rule_ttl {
	RULE_TTL_FIXED, /* `ttl' */
	RULE_TTL_KEEP,  /* as received */
	RULE_TTL_DEC,   /* as received, less one; zero is dropped and counted */
	RULE_TTL_AUTO,  /* the rule says nothing: see RULE_TTL_DEFAULT */
};

/* What is done about datagrams that come back by way of other hosts; see relay_breaker.h. */
enum rule_breaker {
	RULE_BREAKER_OFF,
	RULE_BREAKER_ON,     /* they are kept out once it is sure that they circle */
	RULE_BREAKER_STRICT, /* what its sender repeats at once is kept out as well */
};

struct rule_ingress {
	struct endpoint at;  /* group or own address, interface, port */
	struct addr source;  /* SSM source or unicast sender allowed; family 0: any */
	uint8_t source_bits; /* of a prefix of senders; 0: the whole address counts */
	bool shared;         /* other flows have this unicast address, port and interface, too */
	int8_t gro;          /* 1, 0, RULE_AUTO */
	int8_t pool_class;   /* class=, or RULE_AUTO */
	int8_t breaker;      /* enum rule_breaker, or RULE_AUTO until the rule is read */
	uint32_t max_age_ms; /* max-age=: what has waited longer is dropped; 0: nothing is */
};

struct rule_output {
	struct endpoint to;
	struct addr src;   /* src=ADDR; family 0: the kernel chooses */
	uint64_t rate_bps; /* rate=, bits of UDP payload a second; 0: unlimited */
	uint16_t sport;    /* sport=, 0: the kernel chooses */
	uint8_t ttl_mode;  /* enum rule_ttl */
	uint8_t ttl;       /* hop limit sent when RULE_TTL_FIXED; when RULE_TTL_AUTO of what
			    * comes from its sender, 0: RULE_TTL_DEFAULT, or 1 in a broadcast */
	int8_t dscp;       /* 0..63, RULE_AUTO: 0 is sent, RULE_DSCP_KEEP */
	int8_t priority;   /* SO_PRIORITY 0..7, RULE_AUTO */
	int8_t gso;        /* 1, 0, RULE_AUTO */
	bool src_keep;     /* src=keep: sender's address (needs CAP_NET_RAW) */
	bool sport_keep;   /* sport=keep: sender's port; only with src_keep */
	int8_t df;         /* 1: df=on, never in fragments; 0 */
	uint16_t mtu;      /* mtu=: of the path, headers included; 0: what the kernel knows */
	bool reply;        /* reply=yes: what comes back to its port goes to who asked last */
	bool local;        /* local=yes: this host's members of the group hear it, too */
};

/* The hop limit of an output that names none (RULE_TTL_AUTO). It counts the relays that a datagram
 * passes, so that two hosts that relay to each other do not make one datagram circle for ever, and
 * lets those pass that their sender gave the least there is, which is what senders do unless told
 * otherwise:
 *
 *     received 1 or 2     a sender's own choice: no output sends so few by default   sent as 16
 *     received 3          the last relay of a circle sent it                         dropped
 *     received 4 or more                                                             less 1, at
 * most 16
 *
 * What has no received hop limit to count on is sent as 16. A broadcast is sent with 1 in place of
 * 16, since no hop is to forward it, unless it comes of one: then it must count. */
#define RULE_TTL_DEFAULT  16
#define RULE_TTL_FRESH    2 /* received: so few, or fewer, come from a sender */
#define RULE_DSCP_KEEP    (-2)
#define RULE_DSCP_MAX     63
#define RULE_PRIORITY_MAX 7
#define RULE_MAX_AGE_MS   3600000 /* an hour */

/* Of which no option is set. */
#define RULE_INGRESS_UNSET                                                      \
	{                                                                       \
		.gro = RULE_AUTO, .pool_class = RULE_AUTO, .breaker = RULE_AUTO \
	}
#define RULE_OUTPUT_UNSET                                                            \
	{                                                                            \
		.ttl_mode = RULE_TTL_AUTO, .dscp = RULE_AUTO, .priority = RULE_AUTO, \
		.gso = RULE_AUTO                                                     \
	}

/* Levels of service within a shard: 0, of outputs without priority=, is the least. */
#define RULE_LEVELS (RULE_PRIORITY_MAX + 1)

static inline uint8_t rule_level(const struct rule_output *out)
{
	return out->priority > 0 ? (uint8_t)out->priority : 0;
}

/* Whether a shard can send by `out': addresses of a family, each option within its bounds. */
bool rule_output_is_valid(const struct rule_output *out);

/* Whether `from' is a sender that the flow takes; the port does not matter. */
bool rule_takes_source(const struct rule_ingress *in, const struct addr *from);

/* The flow's SOURCE as a rule writes it, without brackets; `buf' has RULE_SOURCE_TEXT_MAX bytes. */
const char *rule_format_source(const struct rule_ingress *in, char *buf);

/* Orders flows by what they are: where they are heard, and from whom. 0: the same flow, however it
 * is received and wherever it stands in a table. Positions are nobody's name. */
int rule_compare_flows(const struct rule_ingress *a, const struct rule_ingress *b);

/* Whether two outputs of one flow are the same: where they send to. That of a name is the same
 * whatever address it has. */
bool rule_same_output(const struct rule_output *a, const struct rule_output *b);

/* The copies of a feed that become one (merge.h). Known by its first leg and how it merges. */
struct rule_merge {
	struct merge_rule rule;
	struct rule_ingress lead;
};

/* One flow as its shard sees it. */
struct rule_flow {
	struct rule_ingress in;
	uint32_t first_output; /* of this flow, in the table's outputs */
	uint32_t output_count;
	unsigned ifindex;   /* of in.at.ifname; 0: any */
	uint8_t pool_class; /* where it starts */
	bool gro;           /* wanted */
	bool standby;       /* received and counted, and not relayed */
	struct share share; /* which part of the flow is this shard's; all zero: the whole */
	const struct rule_merge *merge; /* that it is a leg of, in its table; NULL: none. Only the
					 * first leg has outputs, which are all legs' */
	uint8_t leg;                    /* counted from 0 */
};

struct rule_table_output {
	struct rule_output out;
	unsigned ifindex;        /* of out.to.ifname; 0: by route */
	uint32_t mtu;            /* of that interface; 0: unknown */
	uint32_t zerocopy_bytes; /* sends so long are not to be copied; 0: all are */
};

struct rule_table {
	struct rule_flow *flows;
	struct rule_table_output *outputs;
	uint32_t flow_count;
	uint32_t output_count;
	struct rule_merge *merges;
	uint32_t merge_count;
};

/* Aborts by must() when an index of the table points outside it: what a shard relies on. */
void rule_table_check(const struct rule_table *table);

/* Whether any output is to send without copying. */
bool rule_table_zerocopy(const struct rule_table *table);
