/* eligible.c - see eligible.h.
 *
 * What needs no word here, since the program does it as a shard does: ttl=, dscp=, src=, sport=,
 * df=, priority= of an output; name=, weight= and shard=, which concern the shard that stands
 * behind the program; class= and gro=, which say how a socket receives; max-age=, since nothing
 * waits on this way.
 */
#include "src/fastpath/eligible.h"

#include <assert.h>
#include <sys/socket.h>

#include "shard/limits.h"
#include "src/base/must.h"
#include "src/fastpath/abi.h"

static_assert(FAST_OUTPUTS_MAX == FLOW_OUTPUTS_MAX, "the program holds as many as a shard");

#define TEXT(id, text) [FAST_REASON_##id] = (text),

static enum fast_reason ask_rule(const struct fast_question *q, const struct conf_rule *rule);
static enum fast_reason ask_ingress(const struct fast_question *q);
static enum fast_reason ask_output(const struct fast_question *q, const struct rule_output *out,
				   uint32_t number);
static enum fast_reason ask_hop(const struct hop *hop);

const char *fast_reason_text(enum fast_reason reason)
{
	static const char *const texts[FAST_REASON_COUNT] = {FAST_REASONS(TEXT)};

	must(reason < FAST_REASON_COUNT);
	return texts[reason];
}

enum fast_reason fast_eligible(const struct fast_question *q)
{
	const struct conf_flow *lead = conf_lead(q->flow);
	const struct rule_output *outputs = &q->conf->outputs[lead->first_output];
	enum fast_reason reason = ask_rule(q, &q->conf->rules[q->flow->rule]);

	if (reason == FAST_REASON_NONE) {
		reason = ask_ingress(q);
	}
	if (reason == FAST_REASON_NONE && lead->output_count > FAST_OUTPUTS_MAX) {
		reason = FAST_REASON_OUTPUTS;
	}
	for (uint32_t i = 0; i < lead->output_count && reason == FAST_REASON_NONE; i++) {
		reason = ask_output(q, &outputs[i], i);
	}
	return reason;
}

/* An IPv4 socket without df=on knows nothing of the path, since anybody can forge that. */
uint32_t fast_output_mtu(const struct rule_output *out, const struct device *device,
			 const struct hop *hop)
{
	uint32_t mtu = device->mtu;

	if (out->mtu != 0 && out->mtu < mtu) {
		mtu = out->mtu;
	}
	if (hop && hop->mtu != 0 && hop->mtu < mtu &&
	    (out->df || out->to.addr.family == AF_INET6)) {
		mtu = hop->mtu;
	}
	return mtu;
}

bool fast_is_wanted(const struct conf_rule *rule, bool wanted)
{
	return rule->fast == RULE_AUTO ? wanted : rule->fast == 1;
}

static enum fast_reason ask_rule(const struct fast_question *q, const struct conf_rule *rule)
{
	if (!fast_is_wanted(rule, q->wanted)) {
		return FAST_REASON_UNWANTED;
	}
	if (!q->trains) {
		return FAST_REASON_GSO;
	}
	if (rule->merge.method != MERGE_OFF || rule->merge.leg_count > 1) {
		return FAST_REASON_MERGED;
	}
	return rule->spread > 1 ? FAST_REASON_DIVIDED : FAST_REASON_NONE;
}

static enum fast_reason ask_ingress(const struct fast_question *q)
{
	const struct rule_ingress *in = &q->flow->in;

	if (!addr_is_multicast(&in->at.addr)) {
		return FAST_REASON_INGRESS_UNICAST;
	}
	if (in->source_bits > 0) {
		return FAST_REASON_PREFIX;
	}
	if (in->breaker == RULE_BREAKER_STRICT) {
		return FAST_REASON_BREAKER;
	}
	if (q->in.ifindex == 0) {
		return FAST_REASON_INGRESS_IFACE;
	}
	return q->in.ethernet && !q->in.tagged ? FAST_REASON_NONE : FAST_REASON_INGRESS_KIND;
}

static enum fast_reason ask_output(const struct fast_question *q, const struct rule_output *out,
				   uint32_t number)
{
	const struct device *device = &q->outs[number];
	const struct hop *hop =
		q->hops && !addr_is_multicast(&out->to.addr) ? &q->hops[number] : NULL;
	enum fast_reason reason = hop ? ask_hop(hop) : FAST_REASON_NONE;

	if (out->to.addr.family != q->flow->in.at.addr.family) {
		return FAST_REASON_FAMILY;
	}
	if (reason != FAST_REASON_NONE) {
		return reason;
	}
	if (device->ifindex == 0) {
		return FAST_REASON_IFACE;
	}
	if (!device->ethernet) {
		return FAST_REASON_KIND;
	}
	if (fast_output_mtu(out, device, hop) < q->in.mtu) {
		return FAST_REASON_MTU;
	}
	if (out->rate_bps != 0) {
		return FAST_REASON_RATE;
	}
	if (out->reply) {
		return FAST_REASON_REPLY;
	}
	if (out->local) {
		return FAST_REASON_LOCAL;
	}
	return out->gso == 0 ? FAST_REASON_GSO : FAST_REASON_NONE;
}

static enum fast_reason ask_hop(const struct hop *hop)
{
	static const enum fast_reason reasons[] = {
		[HOP_NOWHERE] = FAST_REASON_ROUTE,   [HOP_NEIGHBOUR] = FAST_REASON_NONE,
		[HOP_HERE] = FAST_REASON_HERE,       [HOP_TUNNEL] = FAST_REASON_TUNNEL,
		[HOP_SEVERAL] = FAST_REASON_SEVERAL, [HOP_POLICY] = FAST_REASON_POLICY,
	};

	return reasons[hop->way];
}
