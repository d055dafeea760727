/* present.c - see present.h.
 *
 * The names of members are the daemon's; which of them stand in a table, and under which heading,
 * is written here. A test compares them with what the daemon answers.
 */
#include "src/ctl/present.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/json_reserve.h"
#include "src/ctl/options.h"

#define NUMBER true

static int print_sections(const char *subject, const json_t *result, FILE *out);
static int print_stats(const json_t *result, FILE *out);
static void add_counters(json_t *rows, const char *prefix, const json_t *counts,
			 const json_t *rates);
static void add_longest_change(json_t *rows, const json_t *longest_ns);
static int print_uptime(const json_t *result, FILE *out);
static int print_health(const json_t *result, FILE *out);
static int print_member(const json_t *result, const char *name, FILE *out);
static int print_rebalance(const json_t *result, FILE *out);
static int print_version(const json_t *result, FILE *out);
static json_t *rates_of(const json_t *now, const json_t *before, double seconds);
static double more_than(json_int_t now, json_int_t before);

/* clang-format off */
static const struct present_section sections[] = {
	{"rules", "rules", {{"RULE", "rule", false}, {"FLOWS", "flows", NUMBER},
	 {"OUTPUTS", "outputs", NUMBER}, {"RECEIVED", "received", NUMBER},
	 {"RELAYED", "relayed", NUMBER}, {"DROPPED", "drops", NUMBER},
	 {"KERNEL DROPS", "kernel_drops", NUMBER}, {"DUTY", "duty", false},
	 {"ORDERED", "ordered", false}, {"TAKEOVERS", "takeovers", NUMBER},
	 {"TEXT", "text", false}}},
	{"rules", "disabled", {{"DISABLED RULE", "rule", false}, {"TEXT", "text", false}}},
	{"flows", "flows", {{"RULE", "rule", false}, {"SOURCE", "source", false},
	 {"INGRESS", "ingress", false}, {"SHARD", "shard", NUMBER}, {"OUTPUTS", "outputs", NUMBER},
	 {"RECEIVED", "received", NUMBER}, {"BYTES", "received_bytes", NUMBER},
	 {"RELAYED", "relayed", NUMBER}, {"DROPPED", "drops", NUMBER},
	 {"KERNEL DROPS", "kernel_drops", NUMBER}, {"STATE", "state", false},
	 {"REASON", "reason", false}}},
	{"outputs", "outputs", {{"RULE", "rule", false}, {"INGRESS", "ingress", false},
	 {"TO", "to", false}, {"SHARD", "shard", NUMBER}, {"OFFERED", "offered", NUMBER},
	 {"SENT", "sent", NUMBER}, {"BYTES", "sent_bytes", NUMBER}, {"DROPPED", "drops", NUMBER},
	 {"STATE", "state", false}, {"REASON", "reason", false}}},
	{"legs", "legs", {{"RULE", "rule", false}, {"LEG", "leg.leg", NUMBER},
	 {"INGRESS", "ingress", false}, {"SHARD", "shard", NUMBER}, {"BY", "merge.method", false},
	 {"RECEIVED", "received", NUMBER}, {"RELAYED", "relayed", NUMBER},
	 {"LOST", "leg.lost", NUMBER}, {"ONLY", "leg.only", NUMBER},
	 {"BEHIND US P50", "leg.skew_us.p50", NUMBER}, {"P99", "leg.skew_us.p99", NUMBER},
	 {"SILENT", "leg.silent", NUMBER}, {"LOST BY ALL", "merge.lost_all", NUMBER},
	 {"STATE", "state", false}}},
	{"shards", "shards", {{"SHARD", "shard", NUMBER}, {"CPU", "cpu", NUMBER},
	 {"NODE", "node", NUMBER}, {"BYTES", "arena_bytes", NUMBER}, {"PAGES", "page_size", false},
	 {"VERIFIED", "verified", false}, {"TURNS", "ring.turns", NUMBER},
	 {"SYSCALLS", "ring.syscalls", NUMBER}, {"SENDS", "ring.sends_queued", NUMBER}}},
	{"pools", "pools", {{"SHARD", "shard", NUMBER}, {"CLASS", "class", false},
	 {"PAYLOAD", "payload_bytes", NUMBER}, {"SLOTS", "slots", NUMBER}, {"FREE", "free", NUMBER},
	 {"IN RING", "in_ring", NUMBER}, {"HELD", "held", NUMBER}, {"MOST", "high_water", NUMBER},
	 {"EXHAUSTED", "exhausted", NUMBER}}},
	{"topology", "nodes", {{"NODE", "node", NUMBER}, {"SOCKET", "socket", NUMBER},
	 {"CPUS", "cpus", NUMBER}, {"BYTES", "memory_bytes", NUMBER}, {"ALLOWED", "allowed", false},
	 {"SHARDS", "shards", NUMBER}, {"FLOWS", "flows", NUMBER}}},
	{"topology", "interfaces", {{"INTERFACE", "interface", false}, {"NODE", "node", NUMBER},
	 {"FOUND BY", "found_by", false}}},
	{"plan", "shards", {{"SHARD", "shard", NUMBER}, {"CPU", "cpu", NUMBER},
	 {"SOCKET", "socket", NUMBER}, {"NODE", "node", NUMBER}, {"FLOWS", "flows", NUMBER},
	 {"LOAD", "load", NUMBER}}},
	{"plan", "flows", {{"RULE", "name", false}, {"INGRESS", "ingress", false},
	 {"NODE", "node", NUMBER}, {"WEIGHT", "weight", NUMBER}, {"OUTPUTS", "outputs", NUMBER},
	 {"SHARD", "owners.shard", NUMBER}, {"WHY", "owners.why", false}}},
	{"changes", "changes", {{"NUMBER", "number", NUMBER}, {"TIME", "time", false},
	 {"WHO", "who", false}, {"WHAT", "what", false}, {"RESULT", "result", false}}},
};

static const struct table_column load_columns[] = {
	{"SHARD", "shard", NUMBER}, {"LOAD", "load", NUMBER}, {"LOAD THEN", "load_then", NUMBER},
	{NULL}};
static const struct table_column move_columns[] = {
	{"RULE", "rule", false}, {"INGRESS", "ingress", false}, {"FROM", "from", NUMBER},
	{"TO", "to", NUMBER}, {"LOAD", "load", NUMBER}, {"RECEIVED/S", "received_per_s", NUMBER},
	{"SENT/S", "sent_per_s", NUMBER}, {"WHY", "why", false}, {NULL}};
static const struct table_column stats_columns[] = {
	{"COUNTER", "name", false}, {"TOTAL", "total", NUMBER}, {NULL}};
static const struct table_column rates_columns[] = {
	{"COUNTER", "name", false}, {"TOTAL", "total", NUMBER}, {"PER SECOND", "rate", NUMBER},
	{NULL}};
/* clang-format on */

const struct present_section *present_section_at(size_t number)
{
	return number < sizeof(sections) / sizeof(sections[0]) ? &sections[number] : NULL;
}

int present_print(const struct ctl_opt *opt, const json_t *result, FILE *out)
{
	switch (opt->command->id) {
	case PROTOCOL_COMMAND_SHOW:
		return print_sections(opt->operands[0], result, out);
	case PROTOCOL_COMMAND_STATS:
		return print_stats(result, out);
	case PROTOCOL_COMMAND_HEALTH:
		return print_health(result, out);
	case PROTOCOL_COMMAND_LOG_LEVEL:
		return print_member(result, "level", out);
	case PROTOCOL_COMMAND_VERSION:
		return print_version(result, out);
	case PROTOCOL_COMMAND_DRAIN:
		return print_member(result, "state", out);
	case PROTOCOL_COMMAND_REBALANCE:
		return print_rebalance(result, out);
	default:
		return print_member(result, "done", out);
	}
}

void present_add_rates(json_t *result, const json_t *before)
{
	double seconds = json_real_value(json_object_get(result, "uptime_s")) -
			 json_real_value(json_object_get(before, "uptime_s"));

	(void)json_object_set_new(result, "rates",
				  rates_of(json_object_get(result, "totals"),
					   json_object_get(before, "totals"),
					   seconds > 0 ? seconds : 1));
}

static int print_sections(const char *subject, const json_t *result, FILE *out)
{
	bool second = false;
	int rc = 0;

	const struct present_section *section;

	for (size_t i = 0; rc == 0 && (section = present_section_at(i)) != NULL; i++) {
		if (strcmp(section->subject, subject) != 0) {
			continue;
		}
		if (second && json_array_size(json_object_get(result, section->rows)) == 0) {
			continue;
		}
		if (second) {
			fputc('\n', out);
		}
		second = true;
		rc = table_print(section->columns, json_object_get(result, section->rows), out);
	}
	return rc;
}

static int print_stats(const json_t *result, FILE *out)
{
	const json_t *rates = json_object_get(result, "rates");
	const json_t *totals = json_object_get(result, "totals");
	json_t *rows = json_array();
	int rc = print_uptime(result, out);

	fprintf(out,
		", %" JSON_INTEGER_FORMAT " shards, %" JSON_INTEGER_FORMAT
		" rules, %" JSON_INTEGER_FORMAT " flows, %" JSON_INTEGER_FORMAT " outputs%s\n",
		json_integer_value(json_object_get(result, "shards")),
		json_integer_value(json_object_get(result, "rules")),
		json_integer_value(json_object_get(result, "flows")),
		json_integer_value(json_object_get(result, "outputs")),
		json_is_false(json_object_get(result, "consistent"))
			? "; sums differ at this moment"
			: "");
	add_counters(rows, "", totals, rates);
	add_counters(rows, "drop: ", json_object_get(totals, "drops"),
		     json_object_get(rates, "drops"));
	add_longest_change(rows, json_object_get(result, "longest_change_ns"));
	rc = json_reserve_was_short() ? -ENOMEM : rc;
	if (rc == 0) {
		rc = table_print(rates ? rates_columns : stats_columns, rows, out);
	}
	json_decref(rows);
	return rc;
}

/* Of the drops only those that there were. */
static void add_counters(json_t *rows, const char *prefix, const json_t *counts,
			 const json_t *rates)
{
	const char *name;
	json_t *count;

	json_object_foreach((json_t *)counts, name, count)
	{
		char shown[80];

		if (!json_is_integer(count) || (prefix[0] && json_integer_value(count) == 0)) {
			continue;
		}
		snprintf(shown, sizeof(shown), "%s%s", prefix, name);
		(void)json_array_append_new(rows,
					    json_pack("{s:s, s:O, s:O*}", "name", shown, "total",
						      count, "rate", json_object_get(rates, name)));
	}
}

/* Once there was a change. */
static void add_longest_change(json_t *rows, const json_t *longest_ns)
{
	if (json_integer_value(longest_ns) > 0) {
		(void)json_array_append_new(
			rows,
			json_pack("{s:s, s:O}", "name", "longest_change_ns", "total", longest_ns));
	}
}

static int print_uptime(const json_t *result, FILE *out)
{
	char *state = table_cell(result, "state");
	long up_s = (long)json_real_value(json_object_get(result, "uptime_s"));

	fprintf(out, "%s for %ld d %02ld:%02ld:%02ld", state ? state : "", up_s / 86400,
		up_s / 3600 % 24, up_s / 60 % 60, up_s % 60);
	free(state);
	return state ? 0 : -ENOMEM;
}

static int print_health(const json_t *result, FILE *out)
{
	const json_t *reasons = json_object_get(result, "reasons");
	int rc = print_uptime(result, out);

	fprintf(out, ", %s\n",
		json_is_true(json_object_get(result, "healthy")) ? "healthy" : "not healthy");
	for (size_t i = 0; i < json_array_size(reasons); i++) {
		char *reason = table_cell(json_array_get(reasons, i), "");

		fprintf(out, "%s\n", reason ? reason : "");
		rc = reason ? rc : -ENOMEM;
		free(reason);
	}
	return rc;
}

static int print_member(const json_t *result, const char *name, FILE *out)
{
	char *text = table_cell(result, name);

	if (!text) {
		return -ENOMEM;
	}
	fprintf(out, "%s\n", text);
	free(text);
	return 0;
}

/* What is found, and then what became of it. */
static int print_rebalance(const json_t *result, FILE *out)
{
	const json_t *moves = json_object_get(result, "moves");
	int rc = table_print(load_columns, json_object_get(result, "shards"), out);

	fputc('\n', out);
	if (rc == 0 && json_array_size(moves) > 0) {
		rc = table_print(move_columns, moves, out);
		fputc('\n', out);
	}
	return rc == 0 ? print_member(result, "done", out) : rc;
}

static int print_version(const json_t *result, FILE *out)
{
	char *version = table_cell(result, "version"), *engine = table_cell(result, "engine");
	int rc = version && engine ? 0 : -ENOMEM;

	if (rc == 0) {
		fprintf(out,
			"numacastd %s, protocol %" JSON_INTEGER_FORMAT
			", engine %s, process %" JSON_INTEGER_FORMAT "\n",
			version, json_integer_value(json_object_get(result, "protocol")), engine,
			json_integer_value(json_object_get(result, "pid")));
	}
	free(version);
	free(engine);
	return rc;
}

static json_t *rates_of(const json_t *now, const json_t *before, double seconds)
{
	json_t *rates = json_object();
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)now, name, value)
	{
		const json_t *old = json_object_get(before, name);
		json_t *rate = json_is_object(value) ? rates_of(value, old, seconds) : NULL;

		if (json_is_integer(value)) {
			rate = json_real(
				more_than(json_integer_value(value), json_integer_value(old)) /
				seconds);
		}
		if (rate) {
			(void)json_object_set_new(rates, name, rate);
		}
	}
	return rates;
}

/* Exact as far as the difference is a number of its type: what is no daemon of ours may say any
 * two. */
static double more_than(json_int_t now, json_int_t before)
{
	json_int_t more;

	return __builtin_sub_overflow(now, before, &more) ? (double)now - (double)before
							  : (double)more;
}
