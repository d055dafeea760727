/* report.c - the result of numacast-probe recv, as text and as JSON.
 *
 * Main thread, after the traffic. Latencies are nanoseconds inside and in JSON, microseconds in
 * text.
 */
#include "src/probe/report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/probe/print.h"

#define FAULTY_FLOWS_MAX 10 /* printed without --per-flow */

typedef unsigned long long ull; /* for printf, where uint64_t has no name of its own */

struct quantile {
	const char *name;
	uint32_t per_100000;
};

static const struct quantile quantiles[] = {
	{"p50", 50000}, {"p90", 90000}, {"p99", 99000}, {"p99.9", 99900}};

#define QUANTILE_COUNT (sizeof(quantiles) / sizeof(quantiles[0]))

struct report {
	const struct probe_opt *opt;
	const struct probe_tally *tally;
	const struct probe_kernel *kernel;
	struct probe_expect expect;
	struct probe_result result;
	struct probe_hist latency; /* of all flows */
	uint64_t drop_count;       /* of all sockets */
	uint32_t *order;           /* of the flows */
};

static void sum_up(struct report *report);
static bool print_json(const struct report *report);
static json_t *total_json(const struct report *report);
static json_t *flow_json(const struct report *report, const struct probe_flow *flow);
static json_t *missing_json(const struct report *report, const struct probe_flow *flow);
static json_t *latency_json(const struct probe_hist *hist);
static json_t *drops_json(const struct report *report);
static void put_number(json_t *object, const char *key, uint64_t value);
static void put(json_t *object, const char *key, json_t *value);
static void append(json_t *array, json_t *value);
static char *in_utf8(char *text);
static void print_text(const struct report *report);
static double seconds_of(const struct report *report);
static void print_count(const char *label, uint64_t count, const char *what);
static void print_flows(const struct report *report);
static bool flow_faulty(const struct report *report, const struct probe_flow *flow);
static void print_flow(const struct report *report, const struct probe_flow *flow);
static uint64_t flow_lost(const struct report *report, const struct probe_flow *flow);
static void print_missing(const struct report *report, const struct probe_flow *flow);
static void print_latency(const struct probe_hist *hist);

/* Whether all members that were made are where they belong. */
static bool is_whole;

int probe_report(const struct probe_opt *opt, const struct probe_tally *tally,
		 const struct probe_kernel *kernel)
{
	struct report report = {
		.opt = opt,
		.tally = tally,
		.kernel = kernel,
		.expect = {opt->expect, opt->expect_per_flow, opt->expect_flows, opt->late_start},
	};

	report.order = calloc((size_t)tally->flow_count + 1, sizeof(report.order[0]));
	if (report.order == NULL || probe_tally_order(tally, report.order) != 0) {
		log_error("numacast-probe: out of memory: there is no result");
		free(report.order);
		return 1;
	}
	sum_up(&report);
	if (opt->json) {
		report.result.ok = print_json(&report) && report.result.ok;
	} else {
		print_text(&report);
	}
	probe_hist_free(&report.latency);
	free(report.order);
	return report.result.ok ? 0 : 1;
}

static void sum_up(struct report *report)
{
	const struct probe_tally *tally = report->tally;

	probe_tally_sum(tally, &report->expect, &report->result);
	for (uint32_t i = 0; i < report->opt->targets.count; i++) {
		report->drop_count += report->kernel->drops[i];
	}
	for (uint32_t i = 0; i < tally->flow_count; i++) {
		if (probe_hist_merge(&report->latency, &tally->flows[i].latency) != 0) {
			log_error("numacast-probe: out of memory: the total latency misses some "
				  "flows");
			report->result.ok = false;
		}
	}
	if (report->kernel->ctrunc_count > 0) {
		report->result.ok = false;
	}
}

/* Whole or not at all: false. */
static bool print_json(const struct report *report)
{
	json_t *root = json_object();
	json_t *flows = json_array();

	is_whole = true;
	put(root, "command", json_string("recv"));
	put(root, "ok", json_boolean(report->result.ok));
	put(root, "total", total_json(report));
	for (uint32_t i = 0; i < report->tally->flow_count; i++) {
		append(flows, flow_json(report, &report->tally->flows[report->order[i]]));
	}
	put(root, "flows", flows);
	put(root, "socket_drops", drops_json(report));
	is_whole =
		probe_print_json(is_whole ? root : NULL, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	json_decref(root);
	return is_whole;
}

static json_t *total_json(const struct report *report)
{
	const struct probe_tally *tally = report->tally;
	const struct probe_result *sum = &report->result;
	double seconds = seconds_of(report);
	json_t *total = json_object();

	put_number(total, "received", tally->received_count);
	put_number(total, "bytes", tally->bytes);
	put(total, "seconds", json_real(seconds));
	put(total, "datagrams_per_s",
	    json_real(seconds > 0 ? (double)tally->received_count / seconds : 0.0));
	put(total, "bits_per_s", json_real(seconds > 0 ? (double)tally->bytes * 8 / seconds : 0.0));
	put_number(total, "flows", sum->flows);
	put_number(total, "unique", sum->unique);
	put_number(total, "lost", sum->lost);
	put_number(total, "lost_unattributed", sum->unattributed);
	put_number(total, "lost_short", sum->short_lost);
	put_number(total, "duplicated", sum->duplicated);
	put_number(total, "reordered", sum->reordered);
	put_number(total, "reordered_by", sum->extent);
	put_number(total, "corrupt", sum->corrupt);
	put_number(total, "cut", sum->cut);
	put_number(total, "surplus", sum->surplus);
	put_number(total, "flows_missing", sum->flows_missing);
	put_number(total, "flows_surplus", sum->flows_surplus);
	put_number(total, "short", tally->short_count);
	put_number(total, "foreign", tally->foreign_count);
	put_number(total, "untracked", tally->untracked_count);
	put_number(total, "untimed", tally->untimed_count);
	put_number(total, "end_markers", tally->marker_count);
	put_number(total, "trains", report->kernel->train_count);
	put_number(total, "control_truncated", report->kernel->ctrunc_count);
	put_number(total, "socket_drops", report->drop_count);
	put(total, "latency_ns", latency_json(&report->latency));
	return total;
}

static json_t *flow_json(const struct report *report, const struct probe_flow *flow)
{
	json_t *object = json_object();
	char text[ENDPOINT_TEXT_MAX];

	put_number(object, "session", flow->session);
	put_number(object, "flow", flow->flow);
	endpoint_format(&report->opt->targets.list[flow->sock_idx].at, text);
	put(object, "target", json_string(in_utf8(text)));
	put(object, "source", json_string(addr_format(&flow->source, text)));
	put_number(object, "received", flow->seq.unique_count + flow->seq.duplicate_count);
	put_number(object, "bytes", flow->bytes);
	put_number(object, "unique", flow->seq.unique_count);
	put_number(object, "lost", flow_lost(report, flow));
	put_number(object, "duplicated", flow->seq.duplicate_count);
	put_number(object, "reordered", flow->seq.reordered_count);
	put_number(object, "reordered_by", flow->seq.reordered_extent);
	put_number(object, "corrupt", flow->corrupt_count);
	put_number(object, "cut", flow->cut_count);
	put(object, "sent",
	    flow->end_seqs == PROBE_UNKNOWN ? json_null()
					    : json_integer((json_int_t)flow->end_seqs));
	put(object, "missing", missing_json(report, flow));
	put(object, "latency_ns", latency_json(&flow->latency));
	return object;
}

static json_t *missing_json(const struct report *report, const struct probe_flow *flow)
{
	json_t *list = json_array();
	struct probe_range gap = {0};
	uint64_t from;
	uint64_t until;

	probe_flow_span(flow, &report->expect, &from, &until);
	for (uint64_t i = 0; i < report->opt->missing; i++) {
		json_t *pair;

		if (!probe_seq_gap(&flow->seq, from, until, &gap)) {
			break;
		}
		pair = json_array();
		append(pair, json_integer((json_int_t)gap.first));
		append(pair, json_integer((json_int_t)gap.last));
		append(list, pair);
		from = gap.last + 1;
	}
	return list;
}

/* null without samples. */
static json_t *latency_json(const struct probe_hist *hist)
{
	json_t *object;

	if (hist->count == 0) {
		return json_null();
	}
	object = json_object();
	put_number(object, "samples", hist->count);
	put_number(object, "min", hist->min_ns);
	put(object, "mean", json_real(probe_hist_mean(hist)));
	for (size_t i = 0; i < QUANTILE_COUNT; i++) {
		put_number(object, quantiles[i].name,
			   probe_hist_quantile(hist, quantiles[i].per_100000));
	}
	put_number(object, "max", hist->max_ns);
	return object;
}

static json_t *drops_json(const struct report *report)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < report->opt->targets.count; i++) {
		char text[ENDPOINT_TEXT_MAX];

		if (report->kernel->drops[i] > 0) {
			endpoint_format(&report->opt->targets.list[i].at, text);
			put_number(object, in_utf8(text), report->kernel->drops[i]);
		}
	}
	return object;
}

static void put_number(json_t *object, const char *key, uint64_t value)
{
	put(object, key, json_integer((json_int_t)value));
}

static void put(json_t *object, const char *key, json_t *value)
{
	is_whole = json_object_set_new(object, key, value) == 0 && is_whole;
}

static void append(json_t *array, json_t *value)
{
	is_whole = json_array_append_new(array, value) == 0 && is_whole;
}

/* The kernel takes nearly any bytes for an interface's name, and JSON does not. */
static char *in_utf8(char *text)
{
	json_t *taken = json_string(text);

	for (char *at = text; !taken && *at; at++) {
		*at = (signed char)*at < 0 ? '?' : *at;
	}
	json_decref(taken);
	return text;
}

static void print_text(const struct report *report)
{
	const struct probe_tally *tally = report->tally;
	const struct probe_result *sum = &report->result;
	double seconds = seconds_of(report);

	printf("received    %llu datagrams, %llu bytes, in %.3f s: %.0f/s, %.3f Mbit/s\n",
	       (ull)tally->received_count, (ull)tally->bytes, seconds,
	       seconds > 0 ? (double)tally->received_count / seconds : 0.0,
	       seconds > 0 ? (double)tally->bytes * 8 / seconds / 1e6 : 0.0);
	printf("flows       %llu\n", (ull)sum->flows);
	printf("lost        %llu\n", (ull)sum->lost);
	print_count("  of these", sum->unattributed, "of no flow that was seen");
	print_count("  of these", sum->short_lost, "short ones");
	printf("duplicated  %llu\n", (ull)sum->duplicated);
	printf("reordered   %llu", (ull)sum->reordered);
	if (sum->reordered > 0) {
		printf(", by %llu at most", (ull)sum->extent);
	}
	printf("\ncorrupt     %llu\n", (ull)sum->corrupt);
	print_count("cut", sum->cut, "not of the size they were sent with");
	print_count("surplus", sum->surplus, "more than were sent");
	print_count("missing", sum->flows_missing, "flows");
	print_count("surplus", sum->flows_surplus, "flows more than expected");
	print_count("short", tally->short_count, "too small for a number");
	print_count("trains", report->kernel->train_count, "received whole");
	print_count("foreign", tally->foreign_count, "not from numacast-probe");
	print_count("untracked", tally->untracked_count, "beyond the limits of the receiver");
	print_count("untimed", tally->untimed_count,
		    "without a latency: another host or boot, or clocks apart");
	print_count("truncated", report->kernel->ctrunc_count,
		    "control messages cut by the kernel");
	print_count(
		"dropped", report->drop_count,
		"by the kernel at this receiver's sockets, trains counting once; raise --rcvbuf");
	print_latency(&report->latency);
	print_flows(report);
	printf("result      %s\n", sum->nothing ? "nothing received" : sum->ok ? "ok" : "faults");
}

static double seconds_of(const struct report *report)
{
	return (double)(report->tally->last_ns - report->tally->first_ns) / (double)NS_PER_S;
}

/* Prints a line only when there is something to say. */
static void print_count(const char *label, uint64_t count, const char *what)
{
	if (count > 0) {
		printf("%-11s %llu %s\n", label, (ull)count, what);
	}
}

static void print_flows(const struct report *report)
{
	uint32_t printed = 0;
	uint32_t faulty = 0;

	for (uint32_t i = 0; i < report->tally->flow_count; i++) {
		const struct probe_flow *flow = &report->tally->flows[report->order[i]];
		bool bad = flow_faulty(report, flow);

		faulty += bad;
		if (report->opt->per_flow || (bad && printed < FAULTY_FLOWS_MAX)) {
			print_flow(report, flow);
			printed++;
			if (report->opt->per_flow) {
				print_latency(&flow->latency);
			}
		}
	}
	if (faulty > printed) {
		printf("%u more flows with faults; --per-flow prints them\n", faulty - printed);
	}
}

static bool flow_faulty(const struct report *report, const struct probe_flow *flow)
{
	return flow_lost(report, flow) != 0 || flow->seq.duplicate_count != 0 ||
	       flow->seq.reordered_count != 0 || flow->corrupt_count != 0 || flow->cut_count != 0;
}

static void print_flow(const struct report *report, const struct probe_flow *flow)
{
	char at[ENDPOINT_TEXT_MAX];
	char source[ADDR_TEXT_MAX];
	uint64_t lost = flow_lost(report, flow);

	printf("flow %08x/%u  %s from %s: %llu received, %llu lost, %llu duplicated, %llu "
	       "reordered, %llu corrupt, %llu cut",
	       flow->session, flow->flow,
	       endpoint_format(&report->opt->targets.list[flow->sock_idx].at, at),
	       addr_format(&flow->source, source), (ull)flow->seq.unique_count, (ull)lost,
	       (ull)flow->seq.duplicate_count, (ull)flow->seq.reordered_count,
	       (ull)flow->corrupt_count, (ull)flow->cut_count);
	if (lost > 0) {
		printf("; missing");
		print_missing(report, flow);
	}
	putchar('\n');
}

static uint64_t flow_lost(const struct report *report, const struct probe_flow *flow)
{
	uint64_t from;
	uint64_t until;

	probe_flow_span(flow, &report->expect, &from, &until);
	return until - from - flow->seq.unique_count;
}

/* " 17 20-25 ...": the first of the missing numbers. */
static void print_missing(const struct report *report, const struct probe_flow *flow)
{
	struct probe_range gap = {0};
	uint64_t from;
	uint64_t until;

	probe_flow_span(flow, &report->expect, &from, &until);
	for (uint64_t i = 0; probe_seq_gap(&flow->seq, from, until, &gap); i++) {
		if (i == report->opt->missing) {
			printf(" ...");
			break;
		}
		if (gap.first == gap.last) {
			printf(" %llu", (ull)gap.first);
		} else {
			printf(" %llu-%llu", (ull)gap.first, (ull)gap.last);
		}
		from = gap.last + 1;
	}
}

static void print_latency(const struct probe_hist *hist)
{
	if (hist->count == 0) {
		return;
	}
	printf("latency us  min %.1f", (double)hist->min_ns / 1e3);
	for (size_t i = 0; i < QUANTILE_COUNT; i++) {
		printf("  %s %.1f", quantiles[i].name,
		       (double)probe_hist_quantile(hist, quantiles[i].per_100000) / 1e3);
	}
	printf("  max %.1f  mean %.1f\n", (double)hist->max_ns / 1e3, probe_hist_mean(hist) / 1e3);
}
