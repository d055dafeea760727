/* rates.h - what each flow has cost its shard between two looks at the counters.
 *
 * Work is counted in bytes: those that were copied in and out, and for each reception and each send
 * so many as cost about as much as that itself. A train is one reception, so a feed of trains is
 * told from as many single datagrams. Control thread.
 */
#pragma once

#include <stdint.h>

#include "shard/rule.h"

struct supervisor;
struct shard;

/* Of a flow on one shard: sums since it came, or between two looks. */
struct rate {
	struct rule_ingress in;
	uint32_t shard;
	uint64_t received, sent; /* datagrams; sent by all outputs together */
	uint64_t work;
};

struct rates {
	struct rate *list; /* by flow, then shard */
	uint32_t count;
	uint64_t at_ns;
};

#define RATE_CALL_BYTES 16384 /* measured: a train of 64 KiB costs what four datagrams do */

/* Looks at all flows; no shard has a message. 0 or -ENOMEM. */
int rates_take(const struct supervisor *sup, uint64_t now_ns, struct rates *out);

/* Makes sums into what has come since `before'; of a flow that was not there then, or is at another
 * shard now, nothing. */
void rates_since(struct rates *rates, const struct rates *before);

/* Accepts all-zero. */
void rates_free(struct rates *rates);

/* The sum of the work of all flows that a shard has, ever. It has no message. */
uint64_t rates_work_of(const struct shard *shard);
