/* zerocopy.c - see zerocopy.h. A few additions per send; no system call, no memory of its own but
 * the counters per slot, which lie in the shard's arena.
 */
#include "shard/zerocopy.h"

#include <errno.h>

#include "src/base/must.h"

static bool has_room(const struct zerocopy *zc, const uint32_t *slots, uint32_t count);
static uint16_t *holds_of(const struct zerocopy *zc, uint32_t slot);
static void stop_trying(struct zerocopy_output *out, struct output_stats *stats,
			enum zerocopy_off why);

void zerocopy_cut(struct zerocopy *zc, const struct pool_counts *counts, uint32_t train_count,
		  struct arena *arena)
{
	*zc = (struct zerocopy){.trains_max = train_count / 2};
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		zc->slots[cls] = counts->count[cls];
		zc->holds[cls] =
			arena_alloc(arena, counts->count[cls] * sizeof(uint16_t), CACHE_LINE_BYTES);
	}
}

bool zerocopy_takes(const struct zerocopy *zc, const struct zerocopy_output *out,
		    const uint32_t *slots, uint32_t count, uint32_t bytes)
{
	return out->min_bytes > 0 && bytes >= out->min_bytes && count <= ZEROCOPY_IOV_MAX &&
	       has_room(zc, slots, count);
}

bool zerocopy_is_sure(const struct zerocopy_output *out, uint32_t count, uint32_t bytes)
{
	return count == 1 && bytes <= out->sure_bytes;
}

void zerocopy_taken(struct zerocopy_output *out, uint32_t count, uint32_t bytes)
{
	if (count == 1 && bytes > out->sure_bytes) {
		out->sure_bytes = bytes;
	}
}

void zerocopy_out(struct zerocopy *zc, const uint32_t *slots, uint32_t count)
{
	zc->trains_out++;
	for (uint32_t i = 0; i < count; i++) {
		uint16_t *holds = holds_of(zc, slots[i]);

		zc->slots_out[pool_slot_class(slots[i])] += *holds == 0;
		(*holds)++;
	}
}

void zerocopy_back(struct zerocopy *zc, const uint32_t *slots, uint32_t count)
{
	must(zc->trains_out > 0);
	zc->trains_out--;
	for (uint32_t i = 0; i < count; i++) {
		uint16_t *holds = holds_of(zc, slots[i]);

		must(*holds > 0);
		(*holds)--;
		zc->slots_out[pool_slot_class(slots[i])] -= *holds == 0;
	}
}

bool zerocopy_is_refusal(int err)
{
	switch (err) {
	case EMSGSIZE:   /* more fragments than a packet takes, or than the MTU allows */
	case EOPNOTSUPP: /* the socket or the device's path cannot */
	case EINVAL:
	case EIO:
	case EFAULT:  /* the registered area does not fit */
	case ENOMEM:  /* locked memory */
	case ENOBUFS: /* optmem_max; or the queue is full, which copying will tell */
		return true;
	default:
		return false;
	}
}

void zerocopy_count_done(struct zerocopy_output *out, struct output_stats *stats, bool copied)
{
	stat_add(copied ? &stats->zc_copied : &stats->zc_sent, 1);
	out->refused = 0;
	out->copied = copied ? out->copied + 1 : 0;
	if (out->copied >= ZEROCOPY_COPIED_MAX) {
		stop_trying(out, stats, ZEROCOPY_OFF_COPIED);
	}
}

void zerocopy_count_refused(struct zerocopy_output *out, struct output_stats *stats, int err)
{
	out->sure_bytes = 0;
	stat_add(&stats->zc_refused, 1);
	stat_set(&stats->zc_errno, (uint64_t)err);
}

void zerocopy_count_made_good(struct zerocopy_output *out, struct output_stats *stats)
{
	out->refused++;
	if (out->refused >= ZEROCOPY_REFUSED_MAX) {
		stop_trying(out, stats, ZEROCOPY_OFF_REFUSED);
	}
}

/* Whether these slots may be out too. One that is out already costs nothing more. */
static bool has_room(const struct zerocopy *zc, const uint32_t *slots, uint32_t count)
{
	uint32_t more[POOL_CLASS_COUNT] = {0};

	for (uint32_t i = 0; i < count; i++) {
		enum pool_class cls = pool_slot_class(slots[i]);

		more[cls] += *holds_of(zc, slots[i]) == 0;
		if (2 * (zc->slots_out[cls] + more[cls]) > zc->slots[cls]) {
			return false;
		}
	}
	return zc->trains_out < zc->trains_max;
}

static uint16_t *holds_of(const struct zerocopy *zc, uint32_t slot)
{
	enum pool_class cls = pool_slot_class(slot);

	must(pool_slot_index(slot) < zc->slots[cls]);
	return &zc->holds[cls][pool_slot_index(slot)];
}

static void stop_trying(struct zerocopy_output *out, struct output_stats *stats,
			enum zerocopy_off why)
{
	if (out->min_bytes > 0) {
		out->min_bytes = 0;
		stat_set(&stats->zc_off, why);
	}
}
