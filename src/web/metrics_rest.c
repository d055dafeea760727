/* metrics_rest.c - what is told beside the counters: the build, health, what is pending, shards.
 *
 * One row a metric, and the function that puts its lines. Sums are judged as in the exit report,
 * but for what is under way: a shard's buffers full, which one number has and the next has not.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shard/limits.h"
#include "src/base/clock.h"
#include "src/web/metrics.h"

struct rest {
	struct text *text;
	const struct snapshot *snapshot;
	const struct metrics_table *table;
	enum metrics_detail detail;
	char name[METRIC_NAME_MAX]; /* of samples */
};

typedef void put_lines(struct rest *rest);

struct rest_row {
	const char *name;
	enum metric_type type;
	const char *unit;
	const char *labels;
	put_lines *put;
	const char *help;
};

static put_lines put_build, put_engine, put_uptime, put_started, put_healthy, put_draining,
	put_consistent, put_changes, put_refused, put_rules, put_disabled, put_flows, put_outputs,
	put_pending_flows, put_pending_outputs, put_degraded_flows, put_degraded_outputs,
	put_flow_pending, put_output_pending, put_shard_info, put_failed, put_arena, put_misplaced,
	put_degraded, put_pool_slots, put_detail, put_left_out, put_rule_state, put_rule_takeovers,
	put_rule_changed, put_members, put_fast_flows, put_fast_reasons;

static const struct rest_row rows[] = {
	{"numacast_build", METRIC_INFO, NULL, "version liburing", put_build,
	 "What was built, and with what"},
	{"numacast_engine", METRIC_INFO, NULL, "engine", put_engine, "The engine that runs"},
	{"numacast_uptime_seconds", METRIC_GAUGE, "seconds", "", put_uptime, "Since the start"},
	{"numacast_start_time_seconds", METRIC_GAUGE, "seconds", "", put_started,
	 "When it was started, since 1970"},
	{"numacast_healthy", METRIC_GAUGE, NULL, "", put_healthy,
	 "1: nothing is amiss, as numacastctl health tells; 0: something is"},
	{"numacast_draining", METRIC_GAUGE, NULL, "", put_draining, "1: it was told to end"},
	{"numacast_consistent", METRIC_GAUGE, NULL, "", put_consistent,
	 "1: the sums of all counters agree, but for what is under way; 0: a defect"},
	{"numacast_changes", METRIC_COUNTER, NULL, "", put_changes,
	 "Changes of the configuration and other orders, done or refused"},
	{"numacast_refused_calls", METRIC_COUNTER, NULL, "thread", put_refused,
	 "System calls that a kind of thread was refused: a defect, or an intruder"},
	{"numacast_rules", METRIC_GAUGE, NULL, "", put_rules, "Rules that are in force"},
	{"numacast_disabled_rules", METRIC_GAUGE, NULL, "", put_disabled,
	 "Rules that are kept aside by numacastctl disable"},
	{"numacast_flows", METRIC_GAUGE, NULL, "", put_flows,
	 "Flows; one that is divided counts for each of its shards"},
	{"numacast_outputs", METRIC_GAUGE, NULL, "", put_outputs, "Outputs of these"},
	{"numacast_pending_flows", METRIC_GAUGE, NULL, "", put_pending_flows,
	 "Flows whose socket could not be opened yet"},
	{"numacast_pending_outputs", METRIC_GAUGE, NULL, "", put_pending_outputs,
	 "Outputs whose socket could not be opened yet"},
	{"numacast_degraded_flows", METRIC_GAUGE, NULL, "", put_degraded_flows,
	 "Flows whose interface has no link"},
	{"numacast_degraded_outputs", METRIC_GAUGE, NULL, "", put_degraded_outputs,
	 "Outputs whose interface has no link"},
	{"numacast_fast_flows", METRIC_GAUGE, NULL, "", put_fast_flows,
	 "Flows that the kernel relays at present (--fastpath)"},
	{"numacast_fast_reason_flows", METRIC_GAUGE, NULL, "reason", put_fast_reasons,
	 "Flows that it is asked to relay and does not, by what stands in the way"},
	{"numacast_flow_pending", METRIC_GAUGE, NULL, "rule ingress source shard", put_flow_pending,
	 "1: the flow is pending"},
	{"numacast_output_pending", METRIC_GAUGE, NULL, "rule ingress source shard to",
	 put_output_pending, "1: the output is pending"},
	{"numacast_rule_state", METRIC_GAUGE, NULL, "rule", put_rule_state,
	 "0: none of the rule is this machine's, 1: it stands by, 2: it relays"},
	{"numacast_rule_takeovers", METRIC_COUNTER, NULL, "rule", put_rule_takeovers,
	 "Times that the rule came to relay after it had not"},
	{"numacast_rule_changed_timestamp_seconds", METRIC_GAUGE, "seconds", "rule",
	 put_rule_changed, "When its state changed last, since 1970; 0: it has not"},
	{"numacast_members", METRIC_GAUGE, NULL, "member hash", put_members,
	 "Machines that share these rules, by the list whose hash is to be the same on all"},
	{"numacast_shard", METRIC_INFO, NULL, "shard cpu node page_size features", put_shard_info,
	 "Where each shard is, and how its memory and its ring are"},
	{"numacast_shard_failed", METRIC_GAUGE, NULL, "shard", put_failed,
	 "1: the shard has failed"},
	{"numacast_shard_memory_bytes", METRIC_GAUGE, "bytes", "shard", put_arena,
	 "Bytes: memory of the shard, taken at the start"},
	{"numacast_shard_misplaced_pages", METRIC_GAUGE, NULL, "shard", put_misplaced,
	 "Pages of it that were on another node at the start"},
	{"numacast_shard_huge_degraded", METRIC_GAUGE, NULL, "shard", put_degraded,
	 "1: its pages are smaller than asked for"},
	{"numacast_pool_slots", METRIC_GAUGE, "slots", "shard class", put_pool_slots,
	 "Slots: all there are"},
	{"numacast_metrics_detail", METRIC_INFO, NULL, "detail", put_detail,
	 "How fine these metrics are, --metrics-detail"},
	{"numacast_metrics_left_out", METRIC_GAUGE, NULL, "of", put_left_out,
	 "Flows and outputs that have no lines of their own, for want of detail"},
};

#define REASONS_MAX 64 /* kinds of them, more than there are */
#define ROWS        (sizeof(rows) / sizeof(rows[0]))

static void put_rule(struct rest *rest, uint32_t rule);
static void put_number(struct rest *rest, uint64_t number);
static void put_line(struct rest *rest, const struct metrics_lines *lines, uint32_t at,
		     uint64_t value);
static void put_shards(struct rest *rest, uint64_t (*value)(const struct snapshot_shard *shard));
static uint64_t failed_of(const struct snapshot_shard *shard);
static uint64_t arena_of(const struct snapshot_shard *shard);
static uint64_t misplaced_of(const struct snapshot_shard *shard);
static uint64_t degraded_of(const struct snapshot_shard *shard);
static uint32_t count_pending(const struct snapshot *snapshot, bool outputs);
static bool sums_agree(const struct snapshot *snapshot);
static bool is_near(uint64_t a, uint64_t b, uint64_t most);
static uint64_t sum_of(const stat_t *values, unsigned count);

void metrics_put_rest(struct text *text, const struct snapshot *snapshot,
		      const struct metrics_table *table, enum metrics_detail detail, bool open)
{
	struct rest rest = {.text = text, .snapshot = snapshot, .table = table, .detail = detail};

	for (size_t i = 0; i < ROWS; i++) {
		struct metric metric;

		metric_of_words(rows[i].name, rows[i].type, rows[i].unit, rows[i].help, &metric);
		metric_sample_name(&metric, rest.name);
		metric_put_head(text, &metric, open);
		rows[i].put(&rest);
	}
}

void metrics_list_rest(metrics_tell *tell, void *context)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct metric metric;

		metric_of_words(rows[i].name, rows[i].type, rows[i].unit, rows[i].help, &metric);
		tell(context, &metric, rows[i].labels);
	}
}

static void put_build(struct rest *rest)
{
	text_printf(rest->text, "%s{version=\"%s\",liburing=\"%s\"} 1\n", rest->name,
		    PACKAGE_VERSION, NC_BUILD_LIBURING);
}

static void put_engine(struct rest *rest)
{
	text_printf(rest->text, "%s{engine=\"%s\"} 1\n", rest->name, rest->snapshot->engine);
}

static void put_uptime(struct rest *rest)
{
	text_printf(rest->text, "%s %.3f\n", rest->name,
		    (double)rest->snapshot->uptime_ns / NS_PER_S);
}

static void put_started(struct rest *rest)
{
	text_printf(rest->text, "%s %.3f\n", rest->name, rest->snapshot->started_s);
}

static void put_healthy(struct rest *rest)
{
	put_number(rest, rest->snapshot->reason_count == 0);
}

static void put_draining(struct rest *rest)
{
	put_number(rest, rest->snapshot->draining);
}

static void put_consistent(struct rest *rest)
{
	put_number(rest, sums_agree(rest->snapshot));
}

static void put_changes(struct rest *rest)
{
	put_number(rest, rest->snapshot->changes);
}

static void put_refused(struct rest *rest)
{
	for (int kind = 0; kind < CONFINE_COUNT; kind++) {
		text_printf(rest->text, "%s{thread=\"%s\"} %" PRIu64 "\n", rest->name,
			    confine_name((enum confine_kind)kind), rest->snapshot->refused[kind]);
	}
}

static void put_rules(struct rest *rest)
{
	put_number(rest, rest->snapshot->rule_count);
}

static void put_disabled(struct rest *rest)
{
	put_number(rest, rest->snapshot->disabled);
}

static void put_flows(struct rest *rest)
{
	put_number(rest, rest->snapshot->flow_count);
}

static void put_outputs(struct rest *rest)
{
	put_number(rest, rest->snapshot->output_count);
}

static void put_pending_flows(struct rest *rest)
{
	put_number(rest, count_pending(rest->snapshot, false));
}

static void put_pending_outputs(struct rest *rest)
{
	put_number(rest, count_pending(rest->snapshot, true));
}

static void put_degraded_flows(struct rest *rest)
{
	uint32_t count = 0;

	for (uint32_t f = 0; f < rest->snapshot->flow_count; f++) {
		count += rest->snapshot->flows[f].degraded;
	}
	put_number(rest, count);
}

static void put_degraded_outputs(struct rest *rest)
{
	uint32_t count = 0;

	for (uint32_t o = 0; o < rest->snapshot->output_count; o++) {
		count += rest->snapshot->outputs[o].degraded;
	}
	put_number(rest, count);
}

static void put_fast_flows(struct rest *rest)
{
	uint32_t count = 0;

	for (uint32_t f = 0; f < rest->snapshot->flow_count; f++) {
		count += rest->snapshot->flows[f].carried;
	}
	put_number(rest, count);
}

/* Texts are constants, so the first flow of a reason has it told. */
static void put_fast_reasons(struct rest *rest)
{
	const struct snapshot *snapshot = rest->snapshot;
	const char *told[REASONS_MAX] = {NULL};

	for (uint32_t f = 0; f < snapshot->flow_count; f++) {
		const char *reason = snapshot->flows[f].by_shard;
		uint32_t count = 0, at = 0;

		while (reason && at < REASONS_MAX && told[at] && told[at] != reason) {
			at++;
		}
		if (!reason || at == REASONS_MAX || told[at]) {
			continue;
		}
		told[at] = reason;
		for (uint32_t other = f; other < snapshot->flow_count; other++) {
			count += snapshot->flows[other].by_shard == reason;
		}
		text_printf(rest->text, "%s{", rest->name);
		metric_put_label(rest->text, true, "reason", reason);
		text_printf(rest->text, "} %" PRIu32 "\n", count);
	}
}

/* Only where each flow has a line of its own: no sum of these says more than the one above. */
static void put_flow_pending(struct rest *rest)
{
	for (uint32_t f = 0; f < rest->snapshot->flow_count && rest->detail >= METRICS_BY_FLOW;
	     f++) {
		put_line(rest, &rest->table->flows, f, rest->snapshot->flows[f].why != NULL);
	}
}

static void put_output_pending(struct rest *rest)
{
	for (uint32_t o = 0; o < rest->snapshot->output_count && rest->detail >= METRICS_BY_OUTPUT;
	     o++) {
		put_line(rest, &rest->table->outputs, o, rest->snapshot->outputs[o].why != NULL);
	}
}

static void put_rule_state(struct rest *rest)
{
	for (uint32_t r = 0; r < rest->snapshot->rule_count; r++) {
		put_rule(rest, r);
		text_printf(rest->text, " %u\n", rest->snapshot->rules[r].state);
	}
}

static void put_rule_takeovers(struct rest *rest)
{
	for (uint32_t r = 0; r < rest->snapshot->rule_count; r++) {
		put_rule(rest, r);
		text_printf(rest->text, " %" PRIu64 "\n", rest->snapshot->rules[r].takeovers);
	}
}

static void put_rule_changed(struct rest *rest)
{
	for (uint32_t r = 0; r < rest->snapshot->rule_count; r++) {
		put_rule(rest, r);
		text_printf(rest->text, " %.3f\n", rest->snapshot->rules[r].changed_s);
	}
}

static void put_members(struct rest *rest)
{
	const struct snapshot *snapshot = rest->snapshot;
	char hash[17];

	if (snapshot->members > 0) {
		snprintf(hash, sizeof(hash), "%016" PRIx64, snapshot->members_hash);
		text_printf(rest->text, "%s{", rest->name);
		metric_put_label(rest->text, true, "member", snapshot->member);
		metric_put_label(rest->text, false, "hash", hash);
		text_printf(rest->text, "} %" PRIu32 "\n", snapshot->members);
	}
}

static void put_shard_info(struct rest *rest)
{
	for (uint32_t s = 0; s < rest->snapshot->shard_count; s++) {
		const struct snapshot_shard *shard = &rest->snapshot->shards[s];

		text_printf(rest->text, "%s{shard=\"%u\",cpu=\"%d\",node=\"%d\"", rest->name, s,
			    shard->cpu_os, shard->node_os);
		metric_put_label(rest->text, false, "page_size", shard->page_size);
		metric_put_label(rest->text, false, "features", shard->features);
		text_put(rest->text, "} 1\n");
	}
}

static void put_failed(struct rest *rest)
{
	put_shards(rest, failed_of);
}

static void put_arena(struct rest *rest)
{
	put_shards(rest, arena_of);
}

static void put_misplaced(struct rest *rest)
{
	put_shards(rest, misplaced_of);
}

static void put_degraded(struct rest *rest)
{
	put_shards(rest, degraded_of);
}

static void put_pool_slots(struct rest *rest)
{
	for (uint32_t i = 0; i < rest->table->pools.count; i++) {
		put_line(rest, &rest->table->pools, i,
			 rest->snapshot->shards[i / POOL_CLASS_COUNT]
				 .pool[i % POOL_CLASS_COUNT]
				 .slots);
	}
}

static void put_detail(struct rest *rest)
{
	static const char *const names[] = {"rule", "flow", "output"};

	text_printf(rest->text, "%s{detail=\"%s\"} 1\n", rest->name, names[rest->detail]);
}

static void put_left_out(struct rest *rest)
{
	text_printf(rest->text, "%s{of=\"flows\"} %u\n", rest->name, rest->table->flows_left_out);
	text_printf(rest->text, "%s{of=\"outputs\"} %u\n", rest->name,
		    rest->table->outputs_left_out);
}

static void put_rule(struct rest *rest, uint32_t rule)
{
	text_printf(rest->text, "%s{", rest->name);
	metric_put_label(rest->text, true, "rule", rest->snapshot->rules[rule].name);
	text_put(rest->text, "}");
}

static void put_number(struct rest *rest, uint64_t number)
{
	text_put(rest->text, rest->name);
	metric_put_value(rest->text, "", 0, "", number, 0);
}

static void put_line(struct rest *rest, const struct metrics_lines *lines, uint32_t at,
		     uint64_t value)
{
	text_put(rest->text, rest->name);
	metric_put_value(rest->text, lines->labels.at + lines->at[at].label,
			 lines->at[at].label_len, "", value, 0);
}

static void put_shards(struct rest *rest, uint64_t (*value)(const struct snapshot_shard *shard))
{
	for (uint32_t s = 0; s < rest->snapshot->shard_count; s++) {
		put_line(rest, &rest->table->rings, s, value(&rest->snapshot->shards[s]));
	}
}

static uint64_t failed_of(const struct snapshot_shard *shard)
{
	return shard->failed;
}

static uint64_t arena_of(const struct snapshot_shard *shard)
{
	return shard->arena_bytes;
}

static uint64_t misplaced_of(const struct snapshot_shard *shard)
{
	return shard->pages_misplaced;
}

static uint64_t degraded_of(const struct snapshot_shard *shard)
{
	return shard->huge_degraded;
}

static uint32_t count_pending(const struct snapshot *snapshot, bool outputs)
{
	uint32_t count = 0;

	for (uint32_t i = 0; outputs && i < snapshot->output_count; i++) {
		count += snapshot->outputs[i].why != NULL;
	}
	for (uint32_t i = 0; !outputs && i < snapshot->flow_count; i++) {
		count += snapshot->flows[i].why != NULL;
	}
	return count;
}

static bool sums_agree(const struct snapshot *snapshot)
{
	for (uint32_t f = 0; f < snapshot->flow_count; f++) {
		const struct snapshot_flow *flow = &snapshot->flows[f];
		const struct snapshot_shard *shard = &snapshot->shards[flow->shard];
		uint64_t most = 0;

		for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
			most += (uint64_t)shard->pool[c].slots * UDP_SEGMENTS_NEW_MAX;
		}
		if (!is_near(stat_get(&flow->stats.received),
			     stat_get(&flow->stats.relayed) +
				     sum_of(flow->stats.drops, FLOW_DROP_COUNT),
			     most)) {
			return false;
		}
		for (uint32_t o = 0; o < flow->output_count; o++) {
			const struct snapshot_output *output =
				&snapshot->outputs[flow->first_output + o];

			if (!is_near(stat_get(&output->stats.offered),
				     stat_get(&output->stats.sent) +
					     sum_of(output->stats.drops, OUTPUT_DROP_COUNT),
				     most)) {
				return false;
			}
		}
	}
	return true;
}

static bool is_near(uint64_t a, uint64_t b, uint64_t most)
{
	return a >= b ? a - b <= most : b - a <= most;
}

static uint64_t sum_of(const stat_t *values, unsigned count)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++) {
		sum += stat_get(&values[i]);
	}
	return sum;
}
