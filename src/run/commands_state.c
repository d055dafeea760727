/* commands_state.c - how the relay is, and the two orders that are about it as a whole.
 *
 * See commands.h.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shard/ring.h"
#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/run/commands.h"
#include "src/run/reasons.h"
#include "src/run/report.h"
#include "src/run/report_put.h"
#include "src/run/supervisor.h"
#include "src/run/tally.h"

static json_t *totals_of(const struct tally_row *all);
static uint64_t longest_change_ns(const struct supervisor *sup);
static void put(json_t *object, const char *key, json_t *value);
static void put_common(const struct supervisor *sup, json_t *result);
static json_t *reasons_of(struct supervisor *sup);
static void add_reason(void *context, const char *text);
static int find_level(const char *name);

enum protocol_refusal command_stats(const struct command_request *request, json_t *result,
				    struct err *err)
{
	const struct conf *conf = &request->sup->setup->opt->conf;
	struct tally tally;

	if (tally_take(request->sup, &tally) < 0) {
		tally_free(&tally);
		err_set(err, "stats: out of memory; free some and try again");
		return PROTOCOL_REFUSED_FAILED;
	}
	put_common(request->sup, result);
	put(result, "shards", json_integer(request->sup->worker_count));
	put(result, "rules", json_integer(conf->rule_count));
	put(result, "flows", json_integer(conf->flow_count));
	put(result, "outputs", json_integer(conf->output_count));
	put(result, "totals", totals_of(&tally.all));
	put(result, "consistent", json_boolean(tally.consistent));
	report_put_number(result, "longest_change_ns", longest_change_ns(request->sup));
	tally_free(&tally);
	return PROTOCOL_DONE;
}

enum protocol_refusal command_health(const struct command_request *request, json_t *result,
				     struct err *err)
{
	json_t *reasons = reasons_of(request->sup);

	put_common(request->sup, result);
	put(result, "healthy", json_boolean(json_array_size(reasons) == 0));
	put(result, "reasons", reasons);
	return PROTOCOL_DONE;
}

enum protocol_refusal command_log_level(const struct command_request *request, json_t *result,
					struct err *err)
{
	const char *wanted = commands_text(request, "level");
	int level = wanted ? find_level(wanted) : (int)log_level();
	char what[64];

	if (level < 0) {
		err_set(err,
			"log-level: unknown level: %.64s; expected error, warn, notice, info "
			"or debug; name one of them",
			wanted);
		return PROTOCOL_REFUSED_BAD_REQUEST;
	}
	if (wanted) {
		snprintf(what, sizeof(what), "log-level %s", wanted);
		log_set_level(LOG_LEVEL_DEBUG < level ? LOG_LEVEL_DEBUG : (enum log_level)level);
		commands_note(request->sup, request->peer, what, "done");
	}
	put(result, "level", report_text(log_level_names[level - LOG_LEVEL_ERROR]));
	return PROTOCOL_DONE;
}

enum protocol_refusal command_version(const struct command_request *request, json_t *result,
				      struct err *err)
{
	put(result, "version", report_text(PACKAGE_VERSION));
	put(result, "protocol", json_integer(PROTOCOL_VERSION));
	put(result, "engine", report_text(ring_engine_name(request->sup->setup->engine)));
	put(result, "pid", json_integer(getpid()));
	return PROTOCOL_DONE;
}

enum protocol_refusal command_drain(const struct command_request *request, json_t *result,
				    struct err *err)
{
	if (!request->sup->draining) {
		commands_note(request->sup, request->peer, "drain", "begun");
		request->sup->drain_asked = true;
	}
	put(result, "state", report_text("draining"));
	return PROTOCOL_DONE;
}

/* As in the exit report. */
static json_t *totals_of(const struct tally_row *all)
{
	const struct flow_stats *flows = &all->sums.flows;
	const struct output_stats *outputs = &all->sums.outputs;
	json_t *totals = json_object(), *drops = json_object();

	report_put_number(totals, "received", stat_get(&flows->received));
	report_put_number(totals, "relayed", stat_get(&flows->relayed));
	report_put_number(totals, "offered", stat_get(&outputs->offered));
	report_put_number(totals, "sent", stat_get(&outputs->sent));
	report_put_number(totals, "kernel_drops", stat_get(&flows->kernel_drops));
	report_put_family(drops, &counter_families[COUNTERS_FLOW_DROPS], flows);
	report_put_family(drops, &counter_families[COUNTERS_OUTPUT_DROPS], outputs);
	report_put(totals, "drops", drops);
	return totals;
}

/* Of all shards: the most that a change has taken of one turn. */
static uint64_t longest_change_ns(const struct supervisor *sup)
{
	uint64_t longest_ns = 0;

	for (uint32_t s = 0; s < sup->worker_count; s++) {
		uint64_t ns = stat_get(&sup->workers[s].shard->stats->ring.longest_change_ns);

		longest_ns = ns > longest_ns ? ns : longest_ns;
	}
	return longest_ns;
}

static void put(json_t *object, const char *key, json_t *value)
{
	report_stored(json_object_set_new(object, key, value));
}

static void put_common(const struct supervisor *sup, json_t *result)
{
	put(result, "state",
	    report_text(sup->draining || sup->drain_asked ? "draining" : "relaying"));
	put(result, "uptime_s", json_real((double)(clock_now_ns() - sup->started_ns) / NS_PER_S));
}

static json_t *reasons_of(struct supervisor *sup)
{
	json_t *reasons = json_array();

	(void)reasons_tell(sup, add_reason, reasons);
	return reasons;
}

static void add_reason(void *context, const char *text)
{
	report_stored(json_array_append_new(context, report_text(text)));
}

/* -1: there is none of that name. */
static int find_level(const char *name)
{
	for (int i = 0; log_level_names[i]; i++) {
		if (strcmp(log_level_names[i], name) == 0) {
			return i + LOG_LEVEL_ERROR;
		}
	}
	return -1;
}
