/* rule.c - proves a rule table whole before a shard relies on it (step 8).
 *
 * The shard indexes flows and outputs straight from completions, without a check of its own. The
 * table is built by layout.c from rules that conf.c has already accepted, so whatever is
 * wrong here is a bug of ours: must(). Called once per table, before the hand-over; any thread.
 */
#include "shard/rule.h"

#include <stdio.h>
#include <string.h>

#include "src/base/must.h"

static void check_flow(const struct rule_table *table, const struct rule_flow *flow);

bool rule_output_is_valid(const struct rule_output *out)
{
	bool to_valid = (out->to.addr.family == AF_INET || out->to.addr.family == AF_INET6) &&
			out->to.addr.port != 0;
	bool src_valid =
		out->src.family == 0 || (out->src.family == out->to.addr.family && !out->src_keep);
	bool ttl_valid =
		out->ttl_mode <= RULE_TTL_AUTO && (out->ttl_mode != RULE_TTL_FIXED || out->ttl > 0);

	bool sport_valid = !out->sport_keep || (out->src_keep && out->sport == 0);

	bool reply_valid = !out->reply || !out->src_keep;

	return to_valid && src_valid && ttl_valid && sport_valid && reply_valid &&
	       out->dscp >= RULE_DSCP_KEEP && out->dscp <= RULE_DSCP_MAX &&
	       out->priority >= RULE_AUTO && out->priority <= RULE_PRIORITY_MAX &&
	       out->gso >= RULE_AUTO && out->gso <= 1 &&
	       (out->mtu == 0 ||
		out->mtu >= (out->to.addr.family == AF_INET6 ? RULE_MTU_MIN_V6 : RULE_MTU_MIN));
}

bool rule_takes_source(const struct rule_ingress *in, const struct addr *from)
{
	unsigned whole = in->source_bits / 8, rest = in->source_bits % 8;

	if (in->source.family == 0) {
		return true;
	}
	if (in->source_bits == 0) {
		return addr_ip_equal(&in->source, from);
	}
	return in->source.family == from->family && memcmp(in->source.ip, from->ip, whole) == 0 &&
	       (rest == 0 || (in->source.ip[whole] ^ from->ip[whole]) >> (8 - rest) == 0);
}

const char *rule_format_source(const struct rule_ingress *in, char *buf)
{
	addr_format(&in->source, buf);
	if (in->source_bits > 0) {
		snprintf(buf + strlen(buf), sizeof("/128"), "/%u", in->source_bits);
	}
	return buf;
}

int rule_compare_flows(const struct rule_ingress *a, const struct rule_ingress *b)
{
	int diff = memcmp(&a->at.addr, &b->at.addr, sizeof(a->at.addr));

	diff = diff != 0 ? diff : strncmp(a->at.ifname, b->at.ifname, sizeof(a->at.ifname));
	diff = diff != 0 ? diff : memcmp(&a->source, &b->source, sizeof(a->source));
	return diff != 0 ? diff : (int)a->source_bits - (int)b->source_bits;
}

bool rule_same_output(const struct rule_output *a, const struct rule_output *b)
{
	bool same = a->to.name ? a->to.addr.port == b->to.addr.port
			       : addr_equal(&a->to.addr, &b->to.addr);

	return a->to.name == b->to.name && same &&
	       strncmp(a->to.ifname, b->to.ifname, sizeof(a->to.ifname)) == 0;
}

void rule_table_check(const struct rule_table *table)
{
	uint64_t owned = 0;

	must(table->flow_count <= SHARD_FLOWS_MAX);
	must(table->flow_count == 0 || table->flows);
	must(table->output_count == 0 || table->outputs);
	for (uint32_t i = 0; i < table->flow_count; i++) {
		check_flow(table, &table->flows[i]);
		owned += table->flows[i].output_count;
	}
	/* An output has one socket, one train and one set of counters: it serves one flow. */
	must(owned == table->output_count);
	for (uint32_t i = 0; i < table->output_count; i++) {
		must(rule_output_is_valid(&table->outputs[i].out));
	}
}

bool rule_table_zerocopy(const struct rule_table *table)
{
	bool any = false;

	for (uint32_t i = 0; i < table->output_count; i++) {
		any = any || table->outputs[i].zerocopy_bytes > 0;
	}
	return any;
}

static void check_flow(const struct rule_table *table, const struct rule_flow *flow)
{
	must(flow->in.at.addr.family == AF_INET || flow->in.at.addr.family == AF_INET6);
	must(flow->in.at.addr.port != 0);
	must(flow->in.source.family == 0 || flow->in.source.family == flow->in.at.addr.family);
	must(flow->in.source_bits < (flow->in.source.family == AF_INET6 ? 128 : 32));
	must(flow->pool_class < POOL_CLASS_COUNT);
	must(flow->share.count <= SHARES_MAX);
	must(!share_is_part(&flow->share) || flow->share.index < flow->share.count);
	must(flow->output_count <= FLOW_OUTPUTS_MAX);
	must(flow->output_count <= table->output_count);
	must(flow->first_output <= table->output_count - flow->output_count);
}
