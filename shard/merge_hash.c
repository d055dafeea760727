/* merge_hash.c - tells copies by their payloads (step 7). See merge_hash.h.
 *
 * The index is open addressing with linear probing, never more than half full, and closes the gap
 * of what is removed. Times are in nanoseconds. Shard thread.
 */
#include "shard/merge_hash.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <xxhash.h>

#include "shard/slot.h"
#include "src/base/must.h"

#define SECRET_BYTES 192 /* as many as XXH3 has of its own */
#define CHANCE_BYTES 16  /* of AT_RANDOM */
#define NOWHERE      UINT32_MAX

/* One payload, of which `alive' copies are remembered. */
struct payload {
	uint64_t hash;
	uint64_t heard_ns; /* the newest copy */
	uint32_t alive;
	uint32_t next;      /* that is free */
	uint32_t to_come[]; /* for each leg: copies that it has not brought; for all that have left,
			     * if any: that none of them has */
};

/* A payload that was relayed. */
struct copy {
	uint64_t heard_ns;
	uint32_t payload;
};

struct merge_hash {
	unsigned char secret[SECRET_BYTES];
	unsigned char *payloads; /* as many as copies, payload_bytes each */
	struct copy *copies;     /* a ring */
	uint32_t *index;         /* of payloads by hash, or NOWHERE */
	uint32_t payload_bytes;
	uint32_t window;                   /* copies; a power of two */
	uint32_t first_free;               /* of the payloads */
	uint64_t oldest, newest;           /* of the ring: the next to go, the next to come */
	uint64_t first_ns[MERGE_LEGS_MAX]; /* when a leg's first was heard, by any; 0: not yet */
};

static void draw_secret(unsigned char *secret);
static struct payload *payload_at(const struct merge_hash *h, uint32_t at);
static uint32_t find(const struct merge_hash *h, uint64_t hash);
static uint32_t slots_of(uint32_t window);
static bool bring_again(struct merge *m, struct payload *p, unsigned leg, uint64_t now_ns);
static void bring_first(struct merge *m, uint32_t slot, unsigned leg, uint64_t hash,
			uint64_t now_ns);
static struct payload *take_payload(struct merge_hash *h, uint32_t slot, uint64_t hash);
static void forget_oldest(struct merge *m);
static void count(struct merge *m, const struct copy *copy, const struct payload *p);
static void remove_slot(struct merge_hash *h, uint32_t slot);
static void carry_payload(const struct merge *to, struct payload *p, const struct merge *from,
			  const struct payload *old, const uint8_t legs[MERGE_LEGS_MAX]);

struct merge_hash *merge_hash_cut(const struct merge_rule *rule, bool heir, struct arena *arena)
{
	struct merge_hash *h = arena_alloc(arena, sizeof(*h), CACHE_LINE_BYTES);
	struct merge_hash cut = {
		.payload_bytes =
			(uint32_t)(sizeof(struct payload) +
				   (rule->leg_count + heir + 1U) / 2 * 2 * sizeof(uint32_t)),
		.window = rule->window,
	};

	cut.payloads = arena_alloc(arena, (size_t)cut.window * cut.payload_bytes, CACHE_LINE_BYTES);
	cut.copies = arena_alloc(arena, cut.window * sizeof(struct copy), CACHE_LINE_BYTES);
	cut.index = arena_alloc(arena, slots_of(cut.window) * sizeof(uint32_t), CACHE_LINE_BYTES);
	if (!h) {
		return NULL;
	}
	draw_secret(cut.secret);
	*h = cut;
	for (uint32_t i = 0; i < slots_of(h->window); i++) {
		h->index[i] = NOWHERE;
	}
	for (uint32_t i = 0; i < h->window; i++) {
		payload_at(h, i)->next = i + 1;
	}
	return h;
}

uint64_t merge_hash_of(const struct merge_hash *h, const unsigned char *payload, uint32_t bytes)
{
	return XXH3_64bits_withSecret(payload, bytes, h->secret, sizeof(h->secret));
}

enum merge_verdict merge_hash_judge(struct merge *m, unsigned leg, uint64_t hash, uint64_t now_ns)
{
	struct merge_hash *h = m->hash;
	uint32_t slot;

	merge_hash_settle(m, now_ns, false);
	slot = find(h, hash);
	m->legs[leg].accepted_ns = now_ns;
	m->accepted_ns = now_ns;
	if (h->index[slot] != NOWHERE &&
	    bring_again(m, payload_at(h, h->index[slot]), leg, now_ns)) {
		return MERGE_DUPLICATE;
	}
	if (h->newest - h->oldest == h->window) {
		stat_add(&m->stats->crowded, 1);
		forget_oldest(m);
		slot = find(h, hash);
	}
	bring_first(m, slot, leg, hash, now_ns);
	return MERGE_RELAY;
}

void merge_hash_carry(struct merge *to, struct merge *from, const uint8_t legs[MERGE_LEGS_MAX])
{
	struct merge_hash *h = to->hash;
	const struct merge_hash *old = from->hash;

	memcpy(h->secret, old->secret, sizeof(h->secret));
	while (old->newest - old->oldest > h->window) {
		forget_oldest(from);
	}
	for (uint64_t i = old->oldest; i != old->newest; i++) {
		const struct copy *copy = &old->copies[i % old->window];
		const struct payload *before = payload_at(old, copy->payload);
		uint32_t slot = find(h, before->hash);

		if (h->index[slot] == NOWHERE) {
			carry_payload(to, take_payload(h, slot, before->hash), from, before, legs);
		}
		payload_at(h, h->index[slot])->alive++;
		h->copies[h->newest++ % h->window] = (struct copy){copy->heard_ns, h->index[slot]};
	}
	for (unsigned leg = 0; leg < from->rule.leg_count; leg++) {
		if (legs[leg] != MERGE_LEG_LEFT) {
			h->first_ns[legs[leg]] = old->first_ns[leg];
		}
	}
}

void merge_hash_settle(struct merge *m, uint64_t now_ns, bool all)
{
	const struct merge_hash *h = m->hash;

	while (h->oldest != h->newest &&
	       (all || now_ns - h->copies[h->oldest % h->window].heard_ns > m->skew_ns)) {
		forget_oldest(m);
	}
}

/* Where a filter of system calls forbids to ask, from the sixteen bytes of chance that the kernel
 * gives each program at its start: nobody learns a secret by its digests, which never leave here.
 */
static void draw_secret(unsigned char *secret)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): so the kernel tells it */
	const void *chance = (const void *)getauxval(AT_RANDOM);

	if (getrandom(secret, SECRET_BYTES, 0) == SECRET_BYTES) {
		return;
	}
	for (uint64_t i = 0; i < SECRET_BYTES / sizeof(i); i++) {
		uint64_t part = XXH3_64bits_withSeed(chance, CHANCE_BYTES, i);

		memcpy(secret + i * sizeof(part), &part, sizeof(part));
	}
}

static struct payload *payload_at(const struct merge_hash *h, uint32_t at)
{
	return (struct payload *)(void *)(h->payloads + (size_t)at * h->payload_bytes);
}

/* Where the payload stands in the index, or would stand. */
static uint32_t find(const struct merge_hash *h, uint64_t hash)
{
	uint32_t last = slots_of(h->window) - 1, slot = (uint32_t)hash & last;

	while (h->index[slot] != NOWHERE && payload_at(h, h->index[slot])->hash != hash) {
		slot = (slot + 1) & last;
	}
	return slot;
}

static uint32_t slots_of(uint32_t window)
{
	return 2 * window;
}

/* Whether another leg has brought it more often, so that this is a copy. */
static bool bring_again(struct merge *m, struct payload *p, unsigned leg, uint64_t now_ns)
{
	struct leg_stats *stats = m->legs[leg].stats;
	uint64_t us = (now_ns - p->heard_ns) / 1000;

	if (p->to_come[leg] == 0) {
		return false;
	}
	p->to_come[leg]--;
	if (m->hash->first_ns[leg] == 0) {
		m->hash->first_ns[leg] = p->heard_ns;
	}
	m->matched |= 1U << leg;
	if (p->hash >> 58 == 0) { /* one in 64 */
		stat_add(&stats->skew[counter_bucket_of(us, LATENCY_BUCKETS)], 1);
		if (us > stat_get(&stats->skew_max_us)) {
			stat_set(&stats->skew_max_us, us);
		}
	}
	return true;
}

/* There is room. */
static void bring_first(struct merge *m, uint32_t slot, unsigned leg, uint64_t hash,
			uint64_t now_ns)
{
	struct merge_hash *h = m->hash;
	struct payload *p;

	if (h->index[slot] == NOWHERE) {
		p = take_payload(h, slot, hash);
		for (unsigned i = 0; i < m->lanes; i++) {
			p->to_come[i] = 0;
		}
	}
	p = payload_at(h, h->index[slot]);
	p->alive++;
	p->heard_ns = now_ns;
	for (unsigned i = 0; i < m->lanes; i++) {
		p->to_come[i] += i != leg;
	}
	h->copies[h->newest++ % h->window] = (struct copy){now_ns, h->index[slot]};
	if (h->first_ns[leg] == 0) {
		h->first_ns[leg] = now_ns;
	}
}

static struct payload *take_payload(struct merge_hash *h, uint32_t slot, uint64_t hash)
{
	struct payload *p = payload_at(h, h->first_free);

	h->index[slot] = h->first_free;
	h->first_free = p->next;
	p->hash = hash;
	p->alive = 0;
	return p;
}

static void forget_oldest(struct merge *m)
{
	struct merge_hash *h = m->hash;
	const struct copy *copy = &h->copies[h->oldest++ % h->window];
	struct payload *p = payload_at(h, copy->payload);

	count(m, copy, p);
	p->alive--;
	for (unsigned i = 0; i < m->lanes; i++) {
		p->to_come[i] = p->to_come[i] < p->alive ? p->to_come[i] : p->alive;
	}
	if (p->alive == 0) {
		remove_slot(h, find(h, p->hash));
		p->next = h->first_free;
		h->first_free = copy->payload;
	}
}

/* Of several copies each leg brings the oldest first. */
static void count(struct merge *m, const struct copy *copy, const struct payload *p)
{
	bool left = m->lanes > m->rule.leg_count && p->to_come[m->rule.leg_count] < p->alive;
	stat_t *only = left ? &m->stats->only_left : NULL;
	unsigned brought = left;

	for (unsigned i = 0; i < m->rule.leg_count; i++) {
		struct leg_stats *stats = m->legs[i].stats;
		uint64_t first_ns = m->hash->first_ns[i];

		if (p->to_come[i] < p->alive) {
			stat_add(&stats->seen, 1);
			only = &stats->only;
			brought++;
		} else if (first_ns == 0 || copy->heard_ns < first_ns) {
			stat_add(&stats->before, 1);
		} else {
			stat_add(&stats->lost, 1);
		}
	}
	must(only != NULL);
	stat_add(brought > 1 ? &m->stats->shared : only, 1);
	stat_add(&m->stats->numbers, 1);
	stat_add(&m->stats->delivered, 1);
}

/* Those behind that would be looked for in vain move up. */
static void remove_slot(struct merge_hash *h, uint32_t slot)
{
	uint32_t last = slots_of(h->window) - 1;

	for (uint32_t next = (slot + 1) & last; h->index[next] != NOWHERE;
	     next = (next + 1) & last) {
		uint32_t home = (uint32_t)payload_at(h, h->index[next])->hash & last;

		if (((next - home) & last) >= ((next - slot) & last)) {
			h->index[slot] = h->index[next];
			slot = next;
		}
	}
	h->index[slot] = NOWHERE;
}

/* A leg that is new has brought no copy. */
static void carry_payload(const struct merge *to, struct payload *p, const struct merge *from,
			  const struct payload *old, const uint8_t legs[MERGE_LEGS_MAX])
{
	p->heard_ns = old->heard_ns;
	for (unsigned lane = 0; lane < to->lanes; lane++) {
		p->to_come[lane] = old->alive;
	}
	for (unsigned lane = 0; lane < from->lanes; lane++) {
		bool stays = lane < from->rule.leg_count && legs[lane] != MERGE_LEG_LEFT;
		uint32_t *to_come = &p->to_come[stays ? legs[lane] : to->rule.leg_count];

		if (*to_come > old->to_come[lane]) {
			*to_come = old->to_come[lane];
		}
	}
}
