/* tally.h - what has been counted so far, summed by rule, by shard and by interface.
 *
 * For what shows a running relay to people. Plain numbers, so that ten thousand rules cost some
 * milliseconds; whoever must not be away for so long adds some flows at a time. Control thread, and
 * not while a change is under way: one that comes between makes a tally worthless.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/rules/index.h"
#include "src/run/report.h"

struct ingress_flow;
struct supervisor;
struct tally_legs;

#define TALLY_LOSSES (1 + FLOW_DROP_COUNT + OUTPUT_DROP_COUNT)

/* Sums over some flows and outputs. */
struct tally_row {
	struct report_gone sums; /* kernel_drops without what the filters of shares refused */
	uint32_t flows, outputs; /* a flow that is divided counts once for each of its shards */
	uint32_t waiting_flows, waiting_outputs; /* pending */
	uint32_t degraded;                       /* flows and outputs whose interface is amiss */
	uint32_t standby_flows, standby_outputs; /* neither, and they stand by */
	uint32_t fast_flows;                     /* that the kernel relays now, */
	uint64_t fast_received, fast_sent;       /* and its part of the sums of what is there */
	const char *fast_why;    /* one that is to be and is not, a constant, or NULL */
	char *why;               /* one of all these is not live, or NULL */
	struct tally_legs *legs; /* tally_legs.h, of a rule that merges; or NULL */
};

struct tally {
	struct tally_row all;     /* with what has gone */
	struct tally_row *rules;  /* as in the configuration */
	struct tally_row *shards; /* as the workers */
	struct tally_row *ifaces; /* as setup->ifaces; one more for what no interface is named for:
				   * flows that come in there, outputs that go out there */
	uint64_t *at;             /* for each rule a set of shards, tally_is_at */
	uint32_t rule_count, shard_count, iface_count;
	bool consistent;      /* as report.h says, of the numbers that were added */
	bool short_of_memory; /* something was not kept: it is not to be shown */
	struct conf_index index;
	uint32_t worker, place; /* of the next flow that is added */
};

/* Adds everything. 0 or -ENOMEM; tally_free either way. */
int tally_take(const struct supervisor *sup, struct tally *out);

/* The same in pieces: what has gone, and then at most so many places of flows, free ones as well.
 * tally_add says whether that was the last; then short_of_memory is to be looked at. */
int tally_begin(const struct supervisor *sup, struct tally *out);
bool tally_add(const struct supervisor *sup, struct tally *tally, uint32_t most);

/* Accepts all-zero. */
void tally_free(struct tally *tally);

/* Whether `shard' has a flow of `rule'. */
bool tally_is_at(const struct tally *tally, uint32_t rule, uint32_t shard);

/* A cause of loss, below TALLY_LOSSES, by its name in the exit report, and how many a row has. */
const char *tally_loss_name(uint32_t cause);
uint64_t tally_loss(const struct tally_row *row, uint32_t cause);

/* Over all causes. */
uint64_t tally_lost(const struct tally_row *row);
