/* spread_rig.h - a divided flow as it is while it is relayed, built by hand: three shards with a
 * share each, in counters that the test sets. No thread, no ring, and no socket but what the test
 * puts in. One for each program that includes it.
 */
#pragma once

#include <check.h>
#include <stdint.h>
#include <string.h>

#include "src/run/supervisor.h"

#define SHARES 3

static struct setup setup_of;
static struct supervisor sup;
static struct worker workers[SHARES];
static struct shard shards[SHARES];
static struct rule_table tables[SHARES];
static struct rule_flow rules[SHARES];
static struct flow_place places[SHARES][ROOM_FLOWS];
static struct flow_place *rooms[SHARES];
static struct layout_share layout_shares[SHARES];

/* At port 5000 of `at', a group's address or a host's; nothing counted. */
static inline void spread_rig_open(const char *at)
{
	for (uint32_t i = 0; i < SHARES; i++) {
		rules[i] = (struct rule_flow){
			.share = {.by = SHARE_BY_SOURCE, .index = (uint8_t)i, .count = SHARES}};
		ck_assert_int_eq(addr_parse_ip(at, &rules[i].in.at.addr), 0);
		rules[i].in.at.addr.port = 5000;
		tables[i] = (struct rule_table){.flows = &rules[i], .flow_count = 1};
		memset(places[i], 0, sizeof(places[i]));
		places[i][0].rule = rules[i];
		places[i][0].flow = (struct ingress_flow){.rule = &places[i][0].rule,
							  .stats = &places[i][0].stats};
		rooms[i] = places[i];
		shards[i].relay.rooms = &rooms[i];
		shards[i].relay.place_count = ROOM_FLOWS;
		workers[i].shard = &shards[i];
		layout_shares[i].shard = i;
	}
	setup_of.layout = (struct layout){.tables = tables,
					  .shares = layout_shares,
					  .share_count = SHARES,
					  .shard_count = SHARES};
	sup.setup = &setup_of;
	sup.workers = workers;
	sup.worker_count = SHARES;
}
