/* spread_kept.c - divided flows whose sockets outlive the process: what they have lost is told
 * once.
 *
 * What a flow of which filters take the shares has lost follows from all that its sockets have seen
 * and received since they joined (spread.h), and the process that has told of some of it notes that
 * on them: of each what it refused and received, as the next process goes on counting from there.
 * What is still queued then looks as if it were lost, to all but its own socket: so only what is
 * more than could be queued is told, and all of it is left to the next process. That part counts as
 * received once more by the first share, so that nobody tells of it again. Control thread.
 */
#include "src/run/spread.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/run/spread_set.h"
#include "src/run/supervisor.h"

#define PIECE_BYTES 512 /* of memory that the kernel counts for one that is queued, at least */

static void begin_anew(const struct supervisor *sup, uint32_t first);
static uint32_t let_go(const struct supervisor *sup, uint32_t first);
static void remember(struct supervisor *sup, uint32_t first);
static void forget(struct spread_kept *kept);
static void note(const struct supervisor *sup, const struct spread_kept *kept);
static uint64_t count_lost(const struct supervisor *sup, const struct spread_kept *kept);

uint32_t spread_hand_over(struct supervisor *sup)
{
	uint32_t count = sup->setup->layout.share_count, let = 0, k;

	for (uint32_t at = 0; at < count; at += k) {
		uint32_t stored = 0;

		k = spread_share_at(sup, at)->count;
		for (uint32_t i = 0; i < k; i++) {
			const struct flow_place *place = spread_place_of(sup, at + i);

			stored += place && place->stored;
		}
		if (stored == k) {
			remember(sup, at);
		} else {
			let += let_go(sup, at);
		}
	}
	return let;
}

void spread_note(struct supervisor *sup)
{
	while (sup->spread.kept) {
		struct spread_kept *kept = sup->spread.kept;

		if (!sup->stuck) {
			note(sup, kept);
		}
		sup->spread.kept = kept->next;
		forget(kept);
	}
}

int spread_take_over(const struct supervisor *sup, uint32_t first, struct err *err)
{
	const struct share *share = spread_share_at(sup, first);
	bool known = true;
	int rc = 0;

	for (uint32_t i = 0; i < share->count && rc == 0; i++) {
		struct flow_place *place = spread_place_of(sup, first + i);
		uint64_t refused = 0, received = 0;

		rc = sock_share_take(place->flow.fd, &place->rule.in, &place->rule.share, err);
		known = sock_noted_share(place->flow.fd, &refused, &received) && known;
		place->book.not_mine = -refused;
		place->book.pieces = -received;
		sock_forget_share(place->flow.fd);
	}
	if (rc == 0 && !known &&
	    share_is_filtered(share, &spread_place_of(sup, first)->rule.in.at.addr)) {
		begin_anew(sup, first);
	}
	return rc;
}

/* They were not left in order, so what they had received is not known, nor what was told of it. As
 * if nothing had been lost until now. */
static void begin_anew(const struct supervisor *sup, uint32_t first)
{
	uint32_t k = spread_share_at(sup, first)->count, refused = 0;

	for (uint32_t i = 0; i < k; i++) {
		struct flow_place *place = spread_place_of(sup, first + i);

		refused = sock_kernel_drops(place->flow.fd);
		place->flow.drops_seen = refused;
		place->book.not_mine = -(uint64_t)refused;
		place->book.pieces = 0;
	}
	spread_place_of(sup, first)->book.pieces = -(uint64_t)refused; /* all of the last one's */
}

/* How many of its sockets were to be kept. */
static uint32_t let_go(const struct supervisor *sup, uint32_t first)
{
	uint32_t k = spread_share_at(sup, first)->count, let = 0;

	for (uint32_t i = 0; i < k; i++) {
		struct flow_place *place = spread_place_of(sup, first + i);

		let += place && place->stored;
		if (place) {
			place->stored = false;
		}
	}
	return let;
}

/* The shards close theirs before all is counted. */
static void remember(struct supervisor *sup, uint32_t first)
{
	uint32_t k = spread_share_at(sup, first)->count;
	struct spread_kept *kept = calloc(1, sizeof(*kept));

	if (!kept) {
		return; /* the next process begins a new account */
	}
	*kept = (struct spread_kept){.next = sup->spread.kept, .first = first};
	for (; kept->count < k; kept->count++) {
		int fd = spread_place_of(sup, first + kept->count)->flow.fd;

		kept->fds[kept->count] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (kept->fds[kept->count] < 0) {
			forget(kept); /* of one that is not seen, what is queued would look lost */
			return;
		}
	}
	sup->spread.kept = kept;
}

static void forget(struct spread_kept *kept)
{
	for (uint32_t i = 0; i < kept->count; i++) {
		close(kept->fds[i]);
	}
	free(kept);
}

static void note(const struct supervisor *sup, const struct spread_kept *kept)
{
	const struct flow_place *first = spread_place_of(sup, kept->first);
	struct flow_place *last = spread_place_of(sup, kept->first + kept->count - 1);

	if (!share_is_filtered(&first->rule.share, &first->rule.in.at.addr)) {
		return; /* each socket has lost its own */
	}
	last->book.sure = count_lost(sup, kept);
	for (uint32_t i = 0; i < kept->count; i++) {
		const struct flow_place *place = spread_place_of(sup, kept->first + i);
		uint64_t received = stat_get(&place->stats.pieces) - place->book.pieces;

		sock_note_share(kept->fds[i],
				stat_get(&place->stats.not_mine) - place->book.not_mine,
				received + (i == 0 ? last->book.sure : 0));
	}
}

/* At least. */
static uint64_t count_lost(const struct supervisor *sup, const struct spread_kept *kept)
{
	const struct flow_place *last = spread_place_of(sup, kept->first + kept->count - 1);
	uint64_t seen = stat_get(&last->stats.not_mine) - last->book.not_mine +
			stat_get(&last->stats.pieces) - last->book.pieces;

	for (uint32_t i = 0; i < kept->count; i++) {
		const struct flow_place *place = spread_place_of(sup, kept->first + i);

		seen -= stat_get(&place->stats.pieces) - place->book.pieces;
		seen -= place != last ? sock_queued_bytes(kept->fds[i]) / PIECE_BYTES : 0;
	}
	return (int64_t)seen > 0 ? seen : 0;
}
