/* watch.h - what the control thread tells the operator about running shards.
 *
 * Shards do not log; they count. Once at start, and then every second, the control thread looks at
 * what they opened and counted, and says each thing once. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct supervisor;

/* What an output had counted when it was looked at last. */
struct watch_output {
	uint64_t sent;
	uint64_t lost;      /* for want of a way out, not by a limit of its rule */
	uint64_t losing_ns; /* since when it has lost everything; 0: it has not */
	bool told;          /* that it loses everything */
};

struct watch {
	const struct supervisor *sup;
	unsigned char *told;          /* one per output, then one per flow, of all shards in turn;
				       * of a flow, one bit per kind of news */
	struct watch_output *outputs; /* one per output, of all shards in turn */
	size_t output_count;          /* as many as there were at the start */
};

/* 0 or -ENOMEM. All shards are live. */
int watch_init(struct watch *watch, const struct supervisor *sup);
void watch_free(struct watch *watch);

/* One line per shard (cpu, node, memory, flows, ring), and warnings for clamped buffers. */
void watch_log_start(const struct supervisor *sup);

/* Looks for what has changed since the last call. */
void watch_tick(struct watch *watch);
