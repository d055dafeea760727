/* spread_set.h - the shares of the divided flows, as the layout of now has them, and their places.
 *
 * The shares of one flow stand together in the layout, in their order, the first at `first'.
 * Private to spread.c and spread_kept.c. Control thread; no shard has a message.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/ingress.h"
#include "src/base/log.h"

struct supervisor;

/* How the flow is divided whose shares begin at `first'. */
const struct share *spread_share_at(const struct supervisor *sup, uint32_t first);

/* NULL: that share has left. */
struct flow_place *spread_place_of(const struct supervisor *sup, uint32_t nth);

/* Whether any share of the flow is gone: then so are the others, now or soon. */
bool spread_has_left(const struct supervisor *sup, uint32_t first);

/* The shards wait at the gate with sockets of a process before: goes on where that has left off. 0
 * or -errno with `err'. */
int spread_take_over(const struct supervisor *sup, uint32_t first, struct err *err);
