/* baton.c - see baton.h.
 *
 * The marks are found by open addressing with linear probing, never more than half full; none is
 * ever taken out. Nothing here is on the way of a datagram whose flow relays.
 */
#include "shard/baton.h"

#include <xxhash.h>

#include "src/base/addr.h"
#include "src/base/clock.h"

/* A mark is looked for so long by the kernel's stamps; then it was lost on the way here. */
#define MARK_LATE_NS (100 * NS_PER_MS)

static uint64_t sender_of(uint64_t salt, const struct datagram *d);
static struct baton_mark *take(struct baton *b, uint64_t sender);
static struct baton_mark *find(struct baton *b, uint64_t sender);
static uint64_t hash_of(uint64_t sender, const struct datagram *d, uint32_t segment);
static uint32_t wait_for_mark(struct baton *b, uint64_t sender, const struct datagram *d,
			      uint64_t stamp_ns);
static bool is_one_of(const struct baton_mark *mark, uint64_t hash);

size_t baton_bytes(uint32_t most)
{
	return sizeof(struct baton) + baton_room(most) * sizeof(struct baton_mark);
}

uint32_t baton_room(uint32_t most)
{
	uint32_t room = 2;

	while (room / 2 < most) {
		room *= 2;
	}
	return room;
}

uint64_t baton_salt(const void *text, size_t bytes, uint64_t salt)
{
	return XXH3_64bits_withSeed(text, bytes, salt);
}

bool baton_add(struct baton *b, const struct baton_mark *mark)
{
	struct baton_mark *at = mark->sender != 0 ? take(b, mark->sender) : NULL;

	if (at == NULL) {
		return false;
	}
	*at = *mark;
	return true;
}

uint32_t baton_take(struct baton *b, uint64_t salt, const struct datagram *d, uint64_t stamp_ns)
{
	uint64_t sender = sender_of(salt, d);
	struct baton_mark *mark;

	if (b->follows) {
		return wait_for_mark(b, sender, d, stamp_ns);
	}
	if (stamp_ns != 0 && stamp_ns < b->since_ns && clock_now_ns() < b->end_ns) {
		return 0;
	}
	mark = take(b, sender);
	for (uint32_t i = 0; mark != NULL && i < d->count && mark->count < BATON_FIRSTS; i++) {
		mark->firsts[mark->count++] = hash_of(sender, d, i);
	}
	return d->count;
}

static uint64_t sender_of(uint64_t salt, const struct datagram *d)
{
	struct addr from = {0};
	uint64_t sender;

	(void)addr_from_sockaddr(d->from, &from); /* nobody is somebody, too */
	sender = XXH3_64bits_withSeed(&from, sizeof(from), salt);
	return sender != 0 ? sender : 1;
}

/* Its mark, or a new one; NULL: there is no room. */
static struct baton_mark *take(struct baton *b, uint64_t sender)
{
	struct baton_mark *mark = find(b, sender);
	uint64_t at = sender;

	if (mark != NULL || b->count >= b->room / 2) {
		return mark;
	}
	while (b->marks[at & (b->room - 1)].sender != 0) {
		at++;
	}
	mark = &b->marks[at & (b->room - 1)];
	mark->sender = sender;
	b->count++;
	return mark;
}

/* NULL: it has none. */
static struct baton_mark *find(struct baton *b, uint64_t sender)
{
	for (uint64_t at = sender;; at++) {
		struct baton_mark *mark = &b->marks[at & (b->room - 1)];

		if (mark->sender == sender) {
			return mark;
		}
		if (mark->sender == 0) {
			return NULL;
		}
	}
}

static uint64_t hash_of(uint64_t sender, const struct datagram *d, uint32_t segment)
{
	uint32_t at = segment * d->segment_bytes, rest = d->bytes - at;

	return XXH3_64bits_withSeed(d->payload + at,
				    rest < d->segment_bytes ? rest : d->segment_bytes, sender);
}

static uint32_t wait_for_mark(struct baton *b, uint64_t sender, const struct datagram *d,
			      uint64_t stamp_ns)
{
	struct baton_mark *mark = find(b, sender);
	bool over = clock_now_ns() >= b->end_ns;

	if (mark == NULL) {
		return !over && stamp_ns != 0 && stamp_ns < b->since_ns ? d->count : 0;
	}
	for (uint32_t i = 0; !mark->met && i < d->count; i++) {
		if (is_one_of(mark, hash_of(sender, d, i))) {
			mark->met = true;
			stat_add(&b->met, 1);
			return i;
		}
	}
	if (!mark->met && (over || stamp_ns > b->since_ns + MARK_LATE_NS)) {
		mark->met = true;
		stat_add(&b->passed, 1);
	}
	return mark->met ? 0 : d->count;
}

static bool is_one_of(const struct baton_mark *mark, uint64_t hash)
{
	for (uint32_t i = 0; i < mark->count; i++) {
		if (mark->firsts[i] == hash) {
			return true;
		}
	}
	return false;
}
