/* watch.h - what the control thread tells the operator about running shards.
 *
 * Shards do not log; they count. Once at start, and then every second, the control thread looks at
 * what they opened and counted, and says each thing once. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct supervisor;

/* What an output had counted when it was looked at last. */
struct watch_output {
	uint64_t sent;
	uint64_t lost;      /* for want of a way out, not by a limit of its rule */
	uint64_t losing_ns; /* since when it has lost everything; 0: it has not */
	bool told;          /* that it loses everything */
};

/* What has been said of the holder of a place. */
struct watch_told {
	uint32_t token; /* of the holder; another one begins anew */
	unsigned char news;
	struct watch_output before; /* of an output */
	uint64_t silences;          /* of a leg, when it was looked at last */
};

/* Of one shard, by place. */
struct watch_shard {
	struct watch_told *outputs, *flows;
	uint32_t output_room, flow_room;
	int busy_poll_errno; /* 0: nothing */
};

struct watch {
	const struct supervisor *sup;
	struct watch_shard *shards;
};

/* 0 or -ENOMEM. All shards are live. */
int watch_init(struct watch *watch, const struct supervisor *sup);
void watch_free(struct watch *watch);

/* One line per shard (cpu, node, memory, flows, ring), and warnings for clamped buffers. */
void watch_log_start(const struct supervisor *sup);

/* Looks for what has changed since the last call. */
void watch_tick(struct watch *watch);
