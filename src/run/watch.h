/* watch.h - what the control thread tells the operator about running shards.
 *
 * Shards do not log; they count. Once at start, and then every second, the control thread looks at
 * what they opened and counted, and says each thing once. Control thread.
 */
#pragma once

struct supervisor;

struct watch {
	const struct supervisor *sup;
	unsigned char *told; /* one per output, then one per flow, of all shards in turn;
			      * of a flow, one bit per kind of news */
};

/* 0 or -ENOMEM. All shards are live. */
int watch_init(struct watch *watch, const struct supervisor *sup);
void watch_free(struct watch *watch);

/* One line per shard (cpu, node, memory, flows, ring), and warnings for clamped buffers. */
void watch_log_start(const struct supervisor *sup);

/* Looks for what has changed since the last call. */
void watch_tick(struct watch *watch);
