/* supervisor_rig.h - a supervisor as it is while relaying, built by hand: one worker, whose shard
 * has one flow and two outputs, with counters that the test sets. No thread, no socket, no ring.
 *
 * Also: what was logged, by putting a file in the place of standard error.
 */
#pragma once

#include "shard/relay_merge.h"
#include "src/run/commands.h"
#include "src/run/supervisor.h"

#define SUP_RIG_OUTPUTS 2

struct sup_rig {
	struct opt opt;
	struct setup setup;
	struct supervisor sup;
	struct plan_shard plan_shard;
	uint32_t echo_count;
	struct worker worker;
	struct shard shard;
	struct rule_flow flow;
	struct rule_table_output outputs[SUP_RIG_OUTPUTS];
	struct rule_table table;
	struct flow_place flow_room[ROOM_FLOWS], *flow_rooms;
	struct output_place output_room[ROOM_OUTPUTS], *output_rooms;
	struct shard_stats stats;
	struct flow_stats flow_stats;
	struct output_stats output_stats[SUP_RIG_OUTPUTS];
	struct relay_merge feed;
	struct merge merge;
	struct merge_stats merge_stats;
	struct leg_stats leg_stats;
};

/* All counters zero. */
void sup_rig_open(struct sup_rig *rig);
void sup_rig_close(struct sup_rig *rig);

/* The whole answer to a request; to be freed. */
char *sup_rig_ask(struct sup_rig *rig, const struct command_peer *peer, const char *line,
		  size_t *out_len);

/* Its flow is the first leg of a feed. */
void sup_rig_merge(struct sup_rig *rig);

/* From now on log lines go into a file; what has come so far, and then the file is empty again. */
void logged_start(void);
const char *logged(void);
