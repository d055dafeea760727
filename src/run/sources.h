/* sources.h - source addresses that outputs are to have (src=) and this host no longer has.
 *
 * Such an output keeps its socket, for which the kernel refuses everything until the address is
 * back; then it goes on by itself. So nothing is closed: the output is `degraded' meanwhile. An
 * IPv6 link-local address is one of the output's interface, any other may be any interface's.
 * Control thread.
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

/* Looks which of the outputs' source addresses this host has, if that is due; where the kernel does
 * not tell, or memory is short, what is not known is taken to be there. No shard has a message. */
void sources_tick(struct sources *sources, const struct supervisor *sup);

/* The same with this list of what the host has. */
void sources_compare(struct sources *sources, const struct supervisor *sup,
		     const struct ifaddrs *have);

/* Whether the source address that `rule' asks for is gone. */
bool sources_lacks(const struct sources *sources, const struct rule_table_output *rule);

void sources_free(struct sources *sources);
