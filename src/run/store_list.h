/* store_list.h - the flows whose sockets can outlive the process, and what each is called.
 *
 * A flow that several shards serve by its outputs has a socket on each, and each of these has in
 * its queue what its own outputs still lack; so they are told apart by their outputs. The shares of
 * a flow that is divided by source or CPU are told apart by what they take. Control thread.
 */
#pragma once

#include <stdint.h>

struct supervisor;

struct store_flow {
	uint64_t id;
	uint32_t shard, index; /* in its table; of places: the place */
};

/* Those of the tables that are about to be opened, or those that have a socket, in the order of
 * their ids. 0 with `out' to be freed, or -ENOMEM. The shards have no message. */
int store_list_tables(const struct supervisor *sup, struct store_flow **out, uint32_t *count);
int store_list_places(const struct supervisor *sup, struct store_flow **out, uint32_t *count);
