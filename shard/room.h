/* room.h - places in a shard's tables, which come in rooms and change hands (step 8).
 *
 * Flows and outputs stand in places. A place never moves while its shard lives, so a completion may
 * name it by index; the places of a kind come in rooms of a fixed size, and a table is a list of
 * rooms: for more places a room is added and nothing is copied. As a place is given to one holder
 * after the other, what is still under way for an earlier one must not reach the next: a token
 * joins the index with the number of the holder. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/limits.h"

#define PLACE_NONE UINT32_MAX

/* Places, each of which names the next. Empty: both are PLACE_NONE. */
struct place_list {
	uint32_t first, last;
};

#define PLACE_LIST_EMPTY ((struct place_list){PLACE_NONE, PLACE_NONE})

/* The first holder's token is the bare index. */
static inline uint32_t place_token(uint32_t index, uint32_t holder)
{
	return index | holder << PLACE_INDEX_BITS;
}

static inline uint32_t place_index(uint32_t token)
{
	return token & ((1U << PLACE_INDEX_BITS) - 1);
}

/* The token of the next holder of the same place. Numbers come again after PLACE_HOLDERS: nothing
 * is under way that long, since a place is given away only when its own operations are over. */
static inline uint32_t place_next_token(uint32_t token)
{
	uint32_t holder = (token >> PLACE_INDEX_BITS) + 1;

	return place_token(place_index(token), holder % PLACE_HOLDERS);
}

/* Rooms of `size' places that hold `count', and one at least. */
static inline uint32_t rooms_for(uint32_t count, uint32_t size)
{
	return count > 0 ? (count + size - 1) / size : 1;
}
