/* sources.h - source addresses that outputs are to have (src=) and this host has not.
 *
 * Such an address may be a virtual one, which goes from machine to machine: who has it sends, and
 * where it is not the output stands by. Its socket is bound to it all the same, so nothing is
 * opened or closed as it comes and goes: the shard is told (duty.h). An IPv6 link-local address is
 * one of the output's interface, any other may be any interface's. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/rule.h"

struct ifaddrs;
struct supervisor;

/* Begins as all-zero. */
struct sources {
	struct source {
		struct addr addr;
		unsigned ifindex; /* of a link-local one; 0: of any */
	} * gone;
	uint32_t count, room;
	bool due; /* addresses may have come or gone, or outputs */
};

/* Looks which of the outputs' source addresses this host has, if that is due, and again when the
 * kernel did not tell, where all stands as it did, or memory was short: then what there was none
 * for is taken to be there. Whether it has looked, and some output names one. No shard has a
 * message. */
bool sources_tick(struct sources *sources, const struct supervisor *sup);

/* The same with this list of what the host has. 0, or -ENOMEM. */
int sources_compare(struct sources *sources, const struct supervisor *sup,
		    const struct ifaddrs *have);

/* Whether the source address that `rule' asks for is gone. */
bool sources_lacks(const struct sources *sources, const struct rule_table_output *rule);

void sources_free(struct sources *sources);
