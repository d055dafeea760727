/* eligible.h - which flows the fast path can relay with the same meaning as a shard would.
 *
 * One pure function, so that the plan, the log and what runs say the same. Whatever it does not
 * know to be the same stays with the shards: a new key of a rule needs a line in eligible.c, and a
 * test that walks all keys asks for its verdict.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/fastpath/device.h"
#include "src/fastpath/hop.h"
#include "src/rules/conf.h"

/* X(ID, "what stands in the way, as the end of a sentence"). Rows from FRAGMENT on are not what
 * rules and interfaces say, but what happens. */
#define FAST_REASONS(X)                                                                  \
	X(NONE, "nothing")                                                               \
	X(UNWANTED, "it is not asked for")                                               \
	X(INGRESS_UNICAST, "its ingress is not a multicast group")                       \
	X(INGRESS_IFACE, "its ingress interface is not there")                           \
	X(INGRESS_KIND, "its ingress is no Ethernet, or a VLAN with reorder_hdr off")    \
	X(DIVIDED, "spread= divides it")                                                 \
	X(MERGED, "copies of a feed are judged by their shard")                          \
	X(PREFIX, "it takes a prefix of senders")                                        \
	X(BREAKER, "breaker=strict looks at each datagram")                              \
	X(OUTPUTS, "it has more outputs than the program holds")                         \
	X(HERE, "an output goes to this host itself, or is a broadcast")                 \
	X(TUNNEL, "the route of an output puts something around it")                     \
	X(SEVERAL, "the route of an output has several next hops")                       \
	X(POLICY, "rules for routes may lead an output elsewhere (ip rule)")             \
	X(FAMILY, "an output is of another family than the ingress")                     \
	X(IFACE, "an egress interface is not there")                                     \
	X(KIND, "an egress interface is no Ethernet")                                    \
	X(MTU, "an egress interface or mtu= carries less than the ingress interface")    \
	X(RATE, "an output has rate=")                                                   \
	X(REPLY, "an output has reply=yes")                                              \
	X(LOCAL, "an output has local=yes")                                              \
	X(GSO, "trains are not to be sent (gso=off or --gso off)")                       \
	X(FRAGMENT, "fragments have come, which only a socket puts together")            \
	X(OPTIONS, "datagrams with IP options have come")                                \
	X(TOO_BIG, "datagrams have come that are larger than an egress interface takes") \
	X(CHEAPER, "its shard sends single datagrams of one size cheaper, in trains")    \
	X(ROUTE, "an output has no route at present")                                    \
	X(NEIGHBOUR, "the hardware address of an output's next hop is not known")        \
	X(STANDBY, "its rule stands by")                                                 \
	X(PENDING, "it or an output of it is pending")                                   \
	X(SOURCE, "an output has no source address yet")                                 \
	X(ECHOES, "too many of our own senders could be heard by it")                    \
	X(REFUSED, "the kernel refuses it")                                              \
	X(QUEUED, "its socket holds datagrams, which go first")                          \
	X(CLOSED, "nobody asked for the fast path at the start, or it could not be had")

#define FAST_REASON_ID(id, ...) FAST_REASON_##id,

enum fast_reason {
	FAST_REASONS(FAST_REASON_ID) FAST_REASON_COUNT
};

const char *fast_reason_text(enum fast_reason reason);

/* What is asked. */
struct fast_question {
	const struct conf *conf;
	const struct conf_flow *flow; /* of `conf' */
	bool wanted; /* flows whose rule does not say are to be relayed so (--fastpath) */
	bool trains; /* may be sent (--gso) */
	struct device in;
	const struct device *outs; /* one for each output, where it leaves */
	const struct hop *hops;    /* and its next hop, if it is no group's; NULL: they may be
				    * neighbours */
};

/* FAST_REASON_NONE: it can; else the first thing that stands in the way. Pure. */
enum fast_reason fast_eligible(const struct fast_question *question);

/* The largest packet that an output's way takes uncut; `hop' is NULL for groups. Pure. */
uint32_t fast_output_mtu(const struct rule_output *out, const struct device *device,
			 const struct hop *hop);

/* Whether a rule, by its fast= or for want of that by --fastpath, asks for it. */
bool fast_is_wanted(const struct conf_rule *rule, bool wanted);
