/* relay_breaker.h - examines flows that may circle, and breaks circles (steps 7 and 8).
 *
 * Once a second the busiest flow that nobody has looked at lately is examined (breaker.h), if it is
 * busy enough to be worth it; a flow that is not, and is not broken, costs nothing but one
 * comparison of a byte. What is kept out counts as `circled'. A flow with breaker=strict is not
 * examined: while it is busy, all that comes again at once from the same sender is kept out. Legs
 * of a merge know copies by themselves. Shard thread.
 */
#pragma once

#include "shard/relay.h"
#include "src/base/arena.h"

#define CIRCLE_RATE         1000          /* datagrams a second: less circles at little cost */
#define CIRCLE_STRICT_RATE  100           /* with breaker=strict: less is no storm */
#define CIRCLE_AGAIN_NS     4000000000ULL /* until one that was found innocent is examined again */
#define CIRCLE_QUIET_NS     3000000000ULL /* nothing to keep out for so long: it is over */
#define CIRCLE_PURGE_MAX_NS 500000000ULL
#define CIRCLE_CONVICTIONS  2    /* in a row, until it is believed */
#define CIRCLE_TRIALS_MAX   5    /* of one that is not convicted, unless its rate has doubled */
#define CIRCLE_KEPT_MIN     16   /* with breaker=strict: fewer were repeated by their sender */
#define CIRCLE_LOOK_MAX     1024 /* flows whose rate is looked at in one second */

/* What a shard's breaker has, cut off its arena. */
void relay_breaker_cut(struct relay *r, struct arena *arena);

/* Relays of `d', whose flow is ASIDE_EXAMINED or ASIDE_BROKEN, what may pass, and counts the rest.
 */
void relay_take_examined(struct relay *r, struct ingress_flow *flow, const struct datagram *d);

/* Once a second: begins and ends what time begins and ends. */
void relay_breaker_look(struct relay *r);

/* The flow leaves: nothing of it is examined or kept out any more. */
void relay_breaker_forget(struct relay *r, struct ingress_flow *flow);

/* The flow has another breaker=, `mode', and begins anew by it; nothing happens if it has that. */
void relay_breaker_set(struct relay *r, struct ingress_flow *flow, int8_t mode);
