/* relay_hot.c - lends more slots for trains while what comes are single datagrams (step 4), and
 * says when they are short (step 10). See relay_hot.h.
 */
#include "shard/relay_hot.h"

#include "shard/relay_band.h"

static uint32_t fitting(const struct relay *r);

void hot_start(struct relay *r, uint32_t least)
{
	r->hot = (struct relay_hot){.least = least, .most = least};
}

/* Too few receptions say nothing about what comes. */
void hot_note_starved(struct relay *r, const struct ingress_flow *flow)
{
	if (r->hot.least == 0 || flow->group != POOL_TRAIN || flow->band != BAND_COMMON ||
	    r->hot.pieces < r->hot.least) {
		return;
	}
	if (fitting(r) > r->hot.most) {
		r->hot.most = fitting(r);
	}
}

bool hot_is_short(const struct relay *r)
{
	const struct pool_class_state *state = &r->pool->classes[POOL_TRAIN];

	return r->hot.most > r->hot.least && state->free_count + state->ring_count < HOT_TURN;
}

void hot_next_window(struct relay *r)
{
	if (r->hot.pieces > 0 && fitting(r) < r->hot.most) {
		r->hot.most = fitting(r);
	}
	r->hot.pieces = 0;
	r->hot.bytes = 0;
}

/* How many slots of what has come in this window fit into the cache. */
static uint32_t fitting(const struct relay *r)
{
	uint32_t depth = ring_depth(r->ring, band_group(BAND_COMMON, POOL_TRAIN));
	uint64_t slots = r->hot.bytes > 0 ? (uint64_t)HOT_BYTES * r->hot.pieces / r->hot.bytes
					  : (uint64_t)depth;

	slots = slots < depth ? slots : depth;
	return slots > r->hot.least ? (uint32_t)slots : r->hot.least;
}
