/* lane_errors.h - ICMP errors about what the program has sent to hosts.
 *
 * The program sends by the address and port of an output's socket, so errors about its datagrams
 * come to that socket's error queue, as they do when the shard sends; but a shard looks there only
 * when a send of its own fails. So control looks. Whoever forges many fills the queue, and what
 * finds no room there is counted by nobody. lane.c uses it. Control thread.
 */
#pragma once

#include <stdint.h>

struct supervisor;

#define LANE_ERRORS_MOST 1000 /* outputs that are looked at once a second */

/* Who is next; all zero: the first. */
struct lane_errors {
	uint32_t worker;
	uint32_t place; /* of a flow */
};

/* Counts what there is for outputs to hosts of flows that are carried: of about so many outputs,
 * beginning behind those of the last time, and at most of all once. */
void lane_errors_count(struct supervisor *sup, uint32_t most);
