/* reasons.h - what is so now and should not be, in words: `numacastctl health', /readyz.
 *
 * Shards that have failed come first, then what is wrong with where shards are, then each flow and
 * output that is not live. Those beyond a bound are left out, but for one that says so. Control
 * thread, between messages to shards.
 */
#pragma once

#include <stdint.h>

#define REASONS_MAX 100

struct supervisor;

/* Tells `take' each; at most REASONS_MAX + 1. Returns how many of them, the first, are failures of
 * shards. */
uint32_t reasons_tell(const struct supervisor *sup, void (*take)(void *context, const char *text),
		      void *context);
