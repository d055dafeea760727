/* layout.c - writes each shard's table from the rules and the plan (steps 2 and 3).
 *
 * First the tables are counted, then filled in, flow by flow in the order of the configuration, so
 * a table's order never depends on anything else. Then senders and listeners are matched by group
 * and port to learn which of our own datagrams could come back to us. Pure; control thread.
 */
#include "src/setup/layout.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/setup/uncopied.h"

static_assert(CONF_SPREAD_MAX == PLAN_SPREAD_MAX, "a rule may ask for what the planner can do");
static_assert(CONF_SPREAD_MAX == SHARES_MAX, "and for what shards can divide");

struct layout_sender {
	struct addr to;
	uint32_t shard, output;
};

static uint32_t weight_of_owner(const struct conf_rule *rule);
static int allocate(struct layout *layout, const struct conf *conf, const struct plan *plan,
		    struct err *err);
static bool divides_outputs(const struct conf *conf, const struct conf_flow *flow);
static int allocate_shares(struct layout *layout, const struct conf *conf, const struct plan *plan);
static int check_size(uint32_t shard, uint32_t flow_count, struct err *err);
static int add_flow(struct layout *layout, const struct conf *conf, uint32_t flow_id,
		    const struct iface_table *ifaces, const struct plan *plan,
		    const struct layout_options *options, struct err *err);
static int check_flow(const struct conf *conf, const struct conf_flow *flow, struct err *err);
static int receive_into(const struct conf *conf, const struct conf_flow *flow,
			const struct iface *iface, const struct layout_options *options,
			struct rule_flow *out, struct err *err);
static void add_leg(struct rule_table *table, const struct merge_rule *rule,
		    const struct conf_flow *flow);
static void add_share(struct layout *layout, const struct plan *plan, uint32_t shard);
static void add_outputs(struct rule_table *table, const struct conf *conf,
			const struct conf_flow *flow, const struct iface_table *ifaces,
			uint32_t part, uint32_t parts, uint32_t zerocopy);
static int match_echoes(struct layout *layout);
static bool may_match(const struct addr *at, const struct addr *to);
static bool may_hear(const struct layout *layout, const struct endpoint *at,
		     const struct layout_sender *sender);
static struct layout_sender *list_senders(const struct layout *layout, uint32_t *count);
static int compare_senders(const void *a, const void *b);
static uint32_t find_sender(const struct layout_sender *senders, uint32_t count,
			    const struct addr *to);
static int compare_addr(const struct addr *a, const struct addr *b);
static int add_echo(struct layout *layout, uint32_t shard, uint32_t flow,
		    const struct layout_sender *sender);

struct plan_flow *layout_plan_flows(const struct conf *conf, const struct iface_table *ifaces)
{
	struct plan_flow *flows = calloc((size_t)conf->flow_count + 1, sizeof(*flows));

	for (uint32_t i = 0; flows && i < conf->flow_count; i++) {
		const struct conf_rule *rule = &conf->rules[conf->flows[i].rule];
		const struct iface *iface = iface_find(ifaces, conf->flows[i].in.at.ifname);

		flows[i] = (struct plan_flow){
			.node_os = iface ? iface->node_os : TOPO_UNKNOWN,
			.weight = weight_of_owner(rule),
			.spread = rule->spread,
			.named_shard = rule->shard == CONF_SHARD_ANY ? PLAN_ANY : rule->shard,
			.prior_flow = PLAN_ANY,
			.merged_with = conf->flows[i].leg > 0 ? i - conf->flows[i].leg + 1 : 0,
			.where = rule->where,
		};
	}
	return flows;
}

uint32_t layout_shards_max(const struct conf *conf)
{
	uint64_t most = 0;

	for (uint32_t r = 0; r < conf->rule_count; r++) {
		most += (uint64_t)conf->rules[r].flow_count / conf->rules[r].merge.leg_count *
			conf->rules[r].spread;
	}
	for (uint32_t r = 0; r < conf->rule_count; r++) {
		uint32_t named = conf->rules[r].shard;

		if (named != CONF_SHARD_ANY && named >= most) {
			most = named + 1ULL;
		}
	}
	return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

int layout_build(const struct conf *conf, const struct iface_table *ifaces, const struct plan *plan,
		 const struct layout_options *options, struct layout *out, struct err *err)
{
	struct layout layout = {.shard_count = plan->shard_count};
	int rc = -ENOMEM;

	layout.tables = calloc(plan->shard_count + 1UL, sizeof(*layout.tables));
	layout.echo_counts = calloc(plan->shard_count + 1UL, sizeof(*layout.echo_counts));
	if (layout.tables && layout.echo_counts) {
		rc = allocate(&layout, conf, plan, err);
	}
	if (rc == 0) {
		rc = allocate_shares(&layout, conf, plan);
	}
	for (uint32_t i = 0; i < conf->flow_count && rc == 0; i++) {
		rc = add_flow(&layout, conf, i, ifaces, plan, options, err);
	}
	if (rc == 0) {
		rc = match_echoes(&layout);
	}
	if (rc == -ENOMEM) {
		err_set(err, "layout: out of memory");
	}
	if (rc < 0) {
		layout_free(&layout);
		return rc;
	}
	*out = layout;
	return 0;
}

void layout_free(struct layout *layout)
{
	for (uint32_t s = 0; layout->tables && s < layout->shard_count; s++) {
		free(layout->tables[s].flows);
		free(layout->tables[s].outputs);
		free(layout->tables[s].merges);
	}
	free(layout->tables);
	free(layout->echo_counts);
	free(layout->echoes);
	free(layout->shares);
	free(layout->share_cpus_os);
	*layout = (struct layout){0};
}

/* What an owner receives of a flow is a part of it, unless the outputs are divided: then it is
 * all. */
static uint32_t weight_of_owner(const struct conf_rule *rule)
{
	return rule->by == SHARE_BY_OUTPUTS ? rule->weight
					    : (rule->weight + rule->spread - 1) / rule->spread;
}

static int allocate(struct layout *layout, const struct conf *conf, const struct plan *plan,
		    struct err *err)
{
	uint32_t *flows = calloc(plan->shard_count + 1, sizeof(*flows));
	uint32_t *outputs = calloc(plan->shard_count + 1, sizeof(*outputs));
	uint32_t *merges = calloc(plan->shard_count + 1, sizeof(*merges));
	int rc = flows && outputs && merges ? 0 : -ENOMEM;

	for (uint32_t i = 0; rc == 0 && i < conf->flow_count; i++) {
		uint32_t parts = plan->first_owner[i + 1] - plan->first_owner[i];

		for (uint32_t p = 0; p < parts; p++) {
			uint32_t shard = plan->owners[plan->first_owner[i] + p].shard;

			flows[shard]++;
			merges[shard] += conf->flows[i].leg == 0;
			outputs[shard] +=
				divides_outputs(conf, &conf->flows[i])
					? (conf->flows[i].output_count + parts - 1) / parts
					: conf->flows[i].output_count;
		}
	}
	for (uint32_t s = 0; rc == 0 && s < plan->shard_count; s++) {
		rc = check_size(s, flows[s], err);
		if (rc < 0) {
			break;
		}
		layout->tables[s].flows = calloc(flows[s] + 1UL, sizeof(struct rule_flow));
		layout->tables[s].outputs =
			calloc(outputs[s] + 1UL, sizeof(struct rule_table_output));
		layout->tables[s].merges = calloc(merges[s] + 1UL, sizeof(struct rule_merge));
		if (!layout->tables[s].flows || !layout->tables[s].outputs ||
		    !layout->tables[s].merges) {
			rc = -ENOMEM;
		}
	}
	free(flows);
	free(outputs);
	free(merges);
	return rc;
}

static bool divides_outputs(const struct conf *conf, const struct conf_flow *flow)
{
	return conf->rules[flow->rule].by == SHARE_BY_OUTPUTS;
}

/* Shares are pointed to, so all have their room before the first is written. */
static int allocate_shares(struct layout *layout, const struct conf *conf, const struct plan *plan)
{
	size_t count = 1;

	for (uint32_t i = 0; i < conf->flow_count; i++) {
		if (!divides_outputs(conf, &conf->flows[i])) {
			count += plan->first_owner[i + 1] - plan->first_owner[i];
		}
	}
	layout->shares = calloc(count, sizeof(*layout->shares));
	layout->share_cpus_os = calloc(count, sizeof(*layout->share_cpus_os));
	return layout->shares && layout->share_cpus_os ? 0 : -ENOMEM;
}

/* Only few shards for very many flows come to this. */
static int check_size(uint32_t shard, uint32_t flow_count, struct err *err)
{
	if (flow_count <= SHARD_FLOWS_MAX) {
		return 0;
	}
	err_set(err,
		"shard %u: the plan gives it %u flows; expected at most %u per shard; raise "
		"--shards (with --oversubscribe where there are too few cores)",
		shard, flow_count, SHARD_FLOWS_MAX);
	return -EINVAL;
}

static int add_flow(struct layout *layout, const struct conf *conf, uint32_t flow_id,
		    const struct iface_table *ifaces, const struct plan *plan,
		    const struct layout_options *options, struct err *err)
{
	const struct conf_flow *flow = &conf->flows[flow_id];
	const struct iface *iface = iface_find(ifaces, flow->in.at.ifname);
	uint32_t first = plan->first_owner[flow_id];
	uint32_t parts = plan->first_owner[flow_id + 1] - first;
	bool shares = parts > 1 && !divides_outputs(conf, flow);
	uint32_t first_share = layout->share_count;
	int rc = check_flow(conf, flow, err);

	for (uint32_t part = 0; part < parts && rc == 0; part++) {
		struct rule_table *table = &layout->tables[plan->owners[first + part].shard];
		struct rule_flow *f;

		must(table->flows != NULL); /* allocate counted this flow */
		f = &table->flows[table->flow_count];
		*f = (struct rule_flow){
			.in = flow->in,
			.first_output = table->output_count,
			.ifindex = iface ? iface->ifindex : 0,
			.standby = flow->standby,
		};
		rc = receive_into(conf, flow, iface, options, f, err);
		if (conf->rules[flow->rule].merge.method != MERGE_OFF) {
			add_leg(table, &conf->rules[flow->rule].merge, flow);
		}
		if (shares) {
			f->share = (struct share){.by = (uint8_t)conf->rules[flow->rule].by,
						  .index = (uint8_t)part,
						  .count = (uint8_t)parts,
						  .cpus_os = layout->share_cpus_os + first_share};
			add_share(layout, plan, plan->owners[first + part].shard);
		}
		add_outputs(table, conf, flow, ifaces, shares ? 0 : part, shares ? 1 : parts,
			    options->zerocopy);
		f->output_count = table->output_count - f->first_output;
		table->flow_count++;
	}
	return rc;
}

static int check_flow(const struct conf *conf, const struct conf_flow *flow, struct err *err)
{
	const struct conf_rule *rule = &conf->rules[flow->rule];

	if (rule->by != SHARE_BY_OUTPUTS && rule->spread > 1 && flow->in.shared) {
		err_set(err,
			"%s: by=%s on an address and port that other rules have, too; expected the "
			"only rule there; remove spread and by, or the other rules",
			rule->where, share_by_name(rule->by));
		return -EINVAL;
	}
	if (rule->by != SHARE_BY_OUTPUTS) {
		return 0;
	}
	if (rule->spread > conf_lead(flow)->output_count) {
		err_set(err,
			"%s: spread=%u with %u outputs; expected at most one shard per output; "
			"lower spread or add outputs",
			rule->where, rule->spread, conf_lead(flow)->output_count);
		return -EINVAL;
	}
	if (rule->spread > 1 && !addr_is_multicast(&flow->in.at.addr)) {
		err_set(err,
			"%s: spread=%u on a unicast ingress; expected a multicast group, of which "
			"each shard can receive its own copy; remove spread, or divide the senders "
			"with by=source",
			rule->where, rule->spread);
		return -EINVAL;
	}
	return 0;
}

/* Coalescing needs slots that hold a train; a class that the rule names is taken as it is. */
static int receive_into(const struct conf *conf, const struct conf_flow *flow,
			const struct iface *iface, const struct layout_options *options,
			struct rule_flow *out, struct err *err)
{
	const struct conf_rule *rule = &conf->rules[flow->rule];
	bool v6 = flow->in.at.addr.family == AF_INET6;
	uint32_t headers = v6 ? IPV6_UDP_HEADER_BYTES : IPV4_UDP_HEADER_BYTES;
	uint32_t mtu = iface && iface->mtu > headers ? iface->mtu : 1500;
	int cls = flow->in.pool_class == RULE_AUTO ? RULE_AUTO : (uint8_t)flow->in.pool_class;

	out->gro = flow->in.gro == RULE_AUTO ? options->gro && cls == RULE_AUTO : flow->in.gro != 0;
	if (options->pool.count[POOL_TRAIN] == 0 && (cls == RULE_AUTO || cls == POOL_TRAIN)) {
		out->gro = false;
	}
	if (cls == RULE_AUTO) {
		cls = out->gro ? (int)POOL_TRAIN : pool_class_for(&options->pool, mtu - headers);
	}
	if (cls < 0 || options->pool.count[cls] == 0) {
		err_set(err,
			"%s: no buffers for this flow: --pool leaves class %s empty; expected at "
			"least one buffer there; raise it in --pool",
			rule->where, cls < 0 ? "small" : pool_class_name((enum pool_class)cls));
		return -EINVAL;
	}
	out->pool_class = (uint8_t)cls;
	return 0;
}

/* The next flow in the table is a leg; the first leg stands before the others. */
static void add_leg(struct rule_table *table, const struct merge_rule *rule,
		    const struct conf_flow *flow)
{
	struct rule_flow *f = &table->flows[table->flow_count];

	if (flow->leg == 0) {
		table->merges[table->merge_count++] =
			(struct rule_merge){.rule = *rule, .lead = flow->in};
	}
	f->merge = &table->merges[table->merge_count - 1];
	f->leg = flow->leg;
}

/* The next flow in the table of `shard' is a share. */
static void add_share(struct layout *layout, const struct plan *plan, uint32_t shard)
{
	layout->share_cpus_os[layout->share_count] = plan->shards[shard].cpu_os;
	layout->shares[layout->share_count++] =
		(struct layout_share){.shard = shard, .flow = layout->tables[shard].flow_count};
}

static void add_outputs(struct rule_table *table, const struct conf *conf,
			const struct conf_flow *flow, const struct iface_table *ifaces,
			uint32_t part, uint32_t parts, uint32_t zerocopy)
{
	for (uint32_t o = part; o < flow->output_count; o += parts) {
		const struct rule_output *out = &conf->outputs[flow->first_output + o];
		const struct iface *iface = iface_find(ifaces, out->to.ifname);
		bool v6 = out->to.addr.family == AF_INET6;

		table->outputs[table->output_count++] = (struct rule_table_output){
			.out = *out,
			.ifindex = iface ? iface->ifindex : 0,
			.mtu = iface ? iface->mtu : 0,
			.zerocopy_bytes = uncopied_min_bytes(zerocopy, iface, v6),
		};
	}
}

static int match_echoes(struct layout *layout)
{
	uint32_t count;
	struct layout_sender *senders = list_senders(layout, &count);
	int rc = senders ? 0 : -ENOMEM;

	for (uint32_t s = 0; s < layout->shard_count && rc == 0; s++) {
		for (uint32_t f = 0; f < layout->tables[s].flow_count && rc == 0; f++) {
			const struct endpoint *at = &layout->tables[s].flows[f].in.at;
			uint32_t i = find_sender(senders, count, &at->addr);

			for (; i < count && rc == 0 && may_match(&at->addr, &senders[i].to); i++) {
				if (may_hear(layout, at, &senders[i])) {
					rc = add_echo(layout, s, f, &senders[i]);
				}
			}
		}
	}
	free(senders);
	return rc;
}

/* The senders that a flow need be compared with stand together: those to its address, or for any
 * address those to its port. */
static bool may_match(const struct addr *at, const struct addr *to)
{
	return addr_is_any(at) ? at->family == to->family && at->port == to->port
			       : addr_equal(at, to);
}

/* Whether what is sent there may be heard at `at'. Of any address of an interface that is what is
 * broadcast there: what a host sends to itself otherwise passes no interface but lo. */
static bool may_hear(const struct layout *layout, const struct endpoint *at,
		     const struct layout_sender *sender)
{
	const struct rule_table *table = &layout->tables[sender->shard];
	const char *ifname = table->outputs[sender->output].out.to.ifname;

	if (!addr_is_any(&at->addr)) {
		return true;
	}
	return !addr_is_multicast(&sender->to) && (!*ifname || strcmp(ifname, at->ifname) == 0);
}

static struct layout_sender *list_senders(const struct layout *layout, uint32_t *count)
{
	struct layout_sender *senders;
	uint32_t n = 0;

	for (uint32_t s = 0; s < layout->shard_count; s++) {
		n += layout->tables[s].output_count;
	}
	senders = calloc(n + 1UL, sizeof(*senders));
	*count = 0;
	for (uint32_t s = 0; senders && s < layout->shard_count; s++) {
		for (uint32_t o = 0; o < layout->tables[s].output_count; o++) {
			senders[*count].to = layout->tables[s].outputs[o].out.to.addr;
			senders[*count].shard = s;
			senders[(*count)++].output = o;
		}
	}
	if (senders) {
		qsort(senders, *count, sizeof(*senders), compare_senders);
	}
	return senders;
}

static int compare_senders(const void *a, const void *b)
{
	return compare_addr(&((const struct layout_sender *)a)->to,
			    &((const struct layout_sender *)b)->to);
}

/* The first sender whose destination is not below `to'. */
static uint32_t find_sender(const struct layout_sender *senders, uint32_t count,
			    const struct addr *to)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (compare_addr(&senders[mid].to, to) < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static int compare_addr(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof(*a));
}

static int add_echo(struct layout *layout, uint32_t shard, uint32_t flow,
		    const struct layout_sender *sender)
{
	if ((layout->echo_count & (layout->echo_count - 1)) == 0) {
		size_t room = layout->echo_count ? layout->echo_count * 2UL : 1;
		void *grown = realloc(layout->echoes, room * sizeof(*layout->echoes));

		if (!grown) {
			return -ENOMEM;
		}
		layout->echoes = grown;
	}
	layout->echoes[layout->echo_count++] = (struct layout_echo){
		.shard = shard,
		.flow = flow,
		.from_shard = sender->shard,
		.from_output = sender->output,
	};
	layout->echo_counts[shard]++;
	return 0;
}
