/* egress_send.c - sends trains and settles what became of them (steps 10 and 11).
 *
 * egress_flush turns each closed train into one sendmsg, output after output, so that an engine
 * may batch the sends of one socket, and those with the highest priority= first. egress_done takes
 * the answer each send gets. Four outcomes: sent; refused as a zero-copy send, which is sent again
 * by copying; refused as a train, which starts the datagram by datagram resend with the output's
 * later trains waiting behind it; or dropped under exactly one counter. What has been overtaken is
 * never sent again.
 *
 * An ICMP error fails the next send of its socket, whatever that carries, and anybody can forge
 * one. So a failure that ICMP could have caused is first looked up in the socket's error queue.
 * When it is there, the failure says nothing of this train, neither that it cannot leave nor that
 * the path refuses trains: it is sent again, a few times at most, and for a while nothing of that
 * output follows a send before it is answered, so that no further one is overtaken and lost.
 *
 * A zero-copy send that succeeded is counted at once, like any other; only its train, and the slots
 * in it, are kept until the device has read them. Shard thread only.
 */
#include "shard/egress_send.h"

#include <errno.h>

#include "shard/journal.h"
#include "shard/send_errno.h"
#include "shard/sock.h"
#include "src/base/clock.h"
#include "src/base/must.h"

static void flush_level(struct egress *eg, unsigned level);
static bool flush_output(struct egress *eg, struct egress_output *o);
static void look_at_clock(struct egress_output *o);
static uint32_t look_at_mtu(struct egress_output *o);
static void resend_singly(struct egress_output *o, struct train *t);
static void queue_train(struct egress *eg, struct egress_output *o, uint32_t idx);
static void count_latency(struct egress *eg, struct egress_output *o, struct train *t);
static bool goes_uncopied(const struct egress *eg, const struct egress_output *o,
			  const struct train *t);
static bool is_awaited(const struct egress_output *o, const struct train *t);
static void queue_uncopied(struct egress *eg, struct egress_output *o, uint32_t idx);
static bool answered(struct egress *eg, struct egress_output *o, uint32_t idx,
		     const struct ring_sent *sent);
static bool copy_instead(struct egress *eg, struct egress_output *o, uint32_t idx, int err);
static void send_again(struct egress *eg, struct egress_output *o, uint32_t idx);
static void count_sent(struct egress_output *o, uint32_t datagrams, uint32_t bytes);
static bool send_failed(struct egress *eg, struct egress_output *o, uint32_t idx, int err);
static void count_lost(struct egress_output *o, uint32_t datagrams, int err);
static bool has_shrunk(struct egress_output *o, const struct train *t, int err);
static void give_up_trains(struct egress_output *o, int err);
static bool is_from_icmp(struct egress_output *o, const struct train *t, int err);
static bool icmp_failed(struct egress *eg, struct egress_output *o, uint32_t idx);
static void let_go(struct egress *eg, struct egress_output *o, uint32_t idx,
		   const struct ring_sent *sent);
static void free_train(struct egress *eg, uint32_t idx);

void egress_flush(struct egress *eg)
{
	uint32_t levels = eg->dirty_levels;

	eg->dirty_levels = 0;
	eg->flush_wall_ns = 0;
	while (levels != 0) {
		unsigned level = 31 - (unsigned)__builtin_clz(levels);

		levels &= ~(1U << level);
		flush_level(eg, level);
	}
}

void egress_done(struct egress *eg, const struct ring_sent *sent)
{
	struct train *t = &eg->trains[sent->token];
	struct egress_output *o = egress_output(eg, place_index(t->output));

	if (t->state == TRAIN_HELD || !answered(eg, o, sent->token, sent)) {
		let_go(eg, o, sent->token, sent);
	}
}

void egress_abandon(struct egress *eg)
{
	for (uint32_t i = 0; i < eg->train_count; i++) {
		const struct train *t = &eg->trains[i];

		if (t->state != TRAIN_FREE && t->state != TRAIN_HELD) {
			const struct egress_output *o = egress_output(eg, place_index(t->output));

			stat_add(&o->stats->drops[OUTPUT_DROP_SEND_ERROR],
				 t->datagrams - t->single_at);
			free_train(eg, i);
		}
	}
	for (uint32_t i = 0; i < eg->place_count; i++) {
		struct egress_output *o = egress_output(eg, i);

		o->queue = TRAIN_QUEUE_EMPTY;
		o->newest = o->awaited = TRAIN_NONE;
		o->in_flight = 0;
		o->dirty = false;
	}
	eg->in_flight = 0;
	for (unsigned level = 0; level < RULE_LEVELS; level++) {
		eg->dirty[level] = PLACE_LIST_EMPTY;
	}
	eg->dirty_levels = 0;
	eg->dirty_count = 0;
}

/* What cannot go now is dirty again, for the next flush; or for this one, if it has a lower level
 * by now. */
static void flush_level(struct egress *eg, unsigned level)
{
	uint32_t next = eg->dirty[level].first;

	eg->dirty[level] = PLACE_LIST_EMPTY;
	while (next != PLACE_NONE) {
		struct egress_output *o = egress_output(eg, next);
		bool done = flush_output(eg, o);

		next = o->next;
		o->dirty = false;
		eg->dirty_count--;
		if (!done) {
			egress_mark_dirty(eg, o);
		}
	}
}

static bool flush_output(struct egress *eg, struct egress_output *o)
{
	if (o->wary_until_ns != 0 || o->gso_again_ns != 0 || o->mtu_again_ns != 0) {
		look_at_clock(o);
	}
	train_queue_close(&o->queue, eg->trains);
	if (o->after != PLACE_NONE && egress_output(eg, place_index(o->after))->token == o->after &&
	    !egress_is_closed(egress_output(eg, place_index(o->after)))) {
		return false; /* nobody overtakes what it replaces */
	}
	while (o->queue.first != TRAIN_NONE) {
		struct train *t;
		uint32_t idx;

		if (o->awaited != TRAIN_NONE) {
			return false;
		}
		idx = train_queue_take(&o->queue, eg->trains);
		t = &eg->trains[idx];
		if (o->gso == GSO_OFF && t->datagrams > 1) {
			resend_singly(o, t); /* gathered before trains were given up */
		}
		queue_train(eg, o, idx);
	}
	return true;
}

/* What an output does differently for a while ends. */
static void look_at_clock(struct egress_output *o)
{
	uint64_t now_ns = clock_now_ns();

	if (o->wary_until_ns != 0 && now_ns >= o->wary_until_ns) {
		o->wary_until_ns = 0;
	}
	if (o->gso_again_ns != 0 && now_ns >= o->gso_again_ns) {
		o->gso_again_ns = 0;
		o->gso = GSO_UNPROVEN;
	}
	if (o->mtu_again_ns != 0 && now_ns >= o->mtu_again_ns) {
		look_at_mtu(o);
	}
}

/* Returns the path's MTU now, 0 when nobody knows. Narrower than at the start, it is looked at
 * again later. */
static uint32_t look_at_mtu(struct egress_output *o)
{
	uint32_t mtu = o->connected ? sock_path_mtu(o->fd, o->path.family)
				    : sock_device_mtu(o->fd, o->path.ifindex);

	o->mtu_again_ns = 0;
	if (mtu > 0) {
		egress_set_mtu(o, mtu < o->mtu ? mtu : o->mtu);
		o->mtu_again_ns = mtu < o->mtu ? clock_now_ns() + GSO_WAIT_MIN_NS : 0;
	}
	return mtu;
}

static void resend_singly(struct egress_output *o, struct train *t)
{
	if (t->way != TRAIN_SINGLES) {
		train_go(t, TRAIN_SINGLES);
		stat_add(&o->stats->resent, t->datagrams);
	}
}

static void queue_train(struct egress *eg, struct egress_output *o, uint32_t idx)
{
	struct train *t = &eg->trains[idx];

	if (goes_uncopied(eg, o, t)) {
		train_go(t, TRAIN_UNCOPIED);
	}
	train_build_message(t, &o->path);
	stat_add(&o->stats->sends, 1);
	o->in_flight++;
	o->newest = idx;
	if (is_awaited(o, t)) {
		o->awaited = idx;
	}
	eg->in_flight++;
	eg->queued++;
	stat_add(&eg->batches->trains[batch_bucket(train_send_datagrams(t))], 1);
	if (__builtin_expect(t->stamp_ns != 0, 0)) {
		count_latency(eg, o, t);
	}
	if (t->way == TRAIN_UNCOPIED) {
		queue_uncopied(eg, o, idx);
	} else {
		ring_queue_send(eg->ring, o->file, &t->msg, idx);
	}
	/* Only now: what is in flight and no send of the ring's is answered (journal.h). */
	journal_step();
	train_to(t, TRAIN_IN_FLIGHT);
	journal_step();
}

/* Of its first send, which the turn that follows makes; the clock is read once a flush. */
static void count_latency(struct egress *eg, struct egress_output *o, struct train *t)
{
	if (eg->flush_wall_ns == 0) {
		eg->flush_wall_ns = clock_wall_ns();
	}
	/* A clock that was set back in between tells nothing. */
	if (eg->flush_wall_ns >= t->stamp_ns) {
		output_count_latency(o->stats, eg->flush_wall_ns - t->stamp_ns);
	}
	t->stamp_ns = 0;
}

/* Not while the path is unproven, or a refusal would have two possible causes. */
static bool goes_uncopied(const struct egress *eg, const struct egress_output *o,
			  const struct train *t)
{
	return o->zerocopy.min_bytes > 0 && t->way == TRAIN_WHOLE &&
	       (t->datagrams == 1 || o->gso == GSO_PROVEN) &&
	       zerocopy_takes(&eg->zerocopy, &o->zerocopy, t->slots, t->iov_count, t->bytes);
}

/* Whether what follows it must wait for its answer, since it may be sent again: anything while ICMP
 * errors come in, a first train, a zero-copy send of a shape that was not taken yet, and the copy
 * in its place. Singles are sent again in any case, until the last. */
static bool is_awaited(const struct egress_output *o, const struct train *t)
{
	if (o->wary_until_ns != 0) {
		return true;
	}
	switch ((enum train_way)t->way) {
	case TRAIN_WHOLE:
		return t->datagrams > 1 && o->gso == GSO_UNPROVEN;
	case TRAIN_UNCOPIED:
		return !zerocopy_is_sure(&o->zerocopy, t->iov_count, t->bytes);
	case TRAIN_COPIED:
	case TRAIN_SINGLES:
		return true;
	}
	return true;
}

static void queue_uncopied(struct egress *eg, struct egress_output *o, uint32_t idx)
{
	struct train *t = &eg->trains[idx];

	zerocopy_out(&eg->zerocopy, t->slots, t->iov_count);
	ring_queue_send_zc(eg->ring, o->file, &t->msg, idx,
			   regbuf_area_of(&eg->zerocopy.areas, t->slots, t->iov_count));
}

/* Takes the answer of train `idx'. True when it goes on living: queued again, or held. */
static bool answered(struct egress *eg, struct egress_output *o, uint32_t idx,
		     const struct ring_sent *sent)
{
	struct train *t = &eg->trains[idx];
	bool icmp = sent->res < 0 && is_from_icmp(o, t, -sent->res);

	must(o->in_flight > 0);
	o->in_flight--;
	eg->in_flight--;
	if (o->awaited == idx) {
		o->awaited = TRAIN_NONE;
	}
	if (t->way == TRAIN_UNCOPIED && sent->res < 0) {
		bool refused = !icmp && zerocopy_is_refusal(-sent->res);

		zerocopy_back(&eg->zerocopy, t->slots, t->iov_count);
		train_go(t, refused ? TRAIN_COPIED : TRAIN_WHOLE);
		if (refused) {
			return copy_instead(eg, o, idx, -sent->res);
		}
	}
	if (t->way == TRAIN_UNCOPIED) {
		zerocopy_taken(&o->zerocopy, t->iov_count, t->bytes);
	}
	if (sent->res >= 0) {
		count_sent(o, train_send_datagrams(t), train_send_bytes(t));
	} else if (icmp ? icmp_failed(eg, o, idx) : send_failed(eg, o, idx, -sent->res)) {
		return true;
	}
	if (t->way == TRAIN_SINGLES && ++t->single_at < t->datagrams) {
		t->retries = 0;
		send_again(eg, o, idx);
		return true;
	}
	if (sent->held) {
		train_to(t, TRAIN_HELD);
		eg->held++;
	}
	return sent->held;
}

/* A zero-copy send that the kernel would not make: the same train by copying, which keeps its place
 * because nothing has followed it. True when it goes on living. Where others have followed, because
 * such sends were taken before, order comes before repetition. */
static bool copy_instead(struct egress *eg, struct egress_output *o, uint32_t idx, int err)
{
	struct train *t = &eg->trains[idx];

	zerocopy_count_refused(&o->zerocopy, o->stats, err);
	if (o->newest != idx) {
		count_lost(o, t->datagrams, err);
		return false;
	}
	send_again(eg, o, idx);
	return true;
}

static void send_again(struct egress *eg, struct egress_output *o, uint32_t idx)
{
	train_queue_return(&o->queue, eg->trains, idx);
	egress_mark_dirty(eg, o);
}

static void count_sent(struct egress_output *o, uint32_t datagrams, uint32_t bytes)
{
	stat_add(&o->stats->sent, datagrams);
	stat_add(&o->stats->sent_bytes, bytes);
	if (datagrams > 1) {
		stat_add(&o->stats->trains, 1);
		if (o->gso == GSO_UNPROVEN) {
			o->gso = GSO_PROVEN;
			stat_set(&o->stats->gso_off, 0);
		}
	}
}

/* True when train `idx' goes on living: it was queued again. Nothing is sent again once a younger
 * train of its output has been queued: order comes before repetition, and the loss is counted. */
static bool send_failed(struct egress *eg, struct egress_output *o, uint32_t idx, int err)
{
	struct train *t = &eg->trains[idx];
	uint32_t datagrams = train_send_datagrams(t);

	if (datagrams > 1 && send_errno_refuses_train(err)) {
		if (!has_shrunk(o, t, err)) {
			give_up_trains(o, err);
		}
		if (o->newest == idx) {
			resend_singly(o, t);
			send_again(eg, o, idx);
			return true;
		}
	}
	count_lost(o, datagrams, err);
	return false;
}

/* Without its interface, or while that is down, the kernel finds no route or no address; nor does
 * it where an address that went has not been told of yet. */
static void count_lost(struct egress_output *o, uint32_t datagrams, int err)
{
	enum output_drop drop = send_errno_drop(err);

	if (drop == OUTPUT_DROP_UNREACHABLE && o->path.ifindex != 0 && o->fd >= 0 &&
	    !sock_device_is_up(o->fd, o->path.ifindex)) {
		drop = OUTPUT_DROP_LINK_DOWN;
	} else if ((drop == OUTPUT_DROP_UNREACHABLE || err == EINVAL) &&
		   sock_lacks_source(&o->rule->out, o->path.ifindex)) {
		drop = OUTPUT_DROP_NO_SOURCE;
	}
	stat_set(&o->stats->send_errno, (uint64_t)err);
	stat_add(&o->stats->drops[drop], datagrams);
}

/* Whether the path has become too narrow for this train, and not for trains. Then later ones carry
 * less. */
static bool has_shrunk(struct egress_output *o, const struct train *t, int err)
{
	return (err == EMSGSIZE || err == EINVAL) && look_at_mtu(o) > 0 &&
	       t->segment_bytes > o->segment_max;
}

/* For a while; longer each time that the first train tried again is refused too. */
static void give_up_trains(struct egress_output *o, int err)
{
	stat_set(&o->stats->gso_off, (uint64_t)err);
	if (o->gso == GSO_OFF) {
		return;
	}
	o->gso_wait_ns =
		o->gso == GSO_PROVEN || o->gso_wait_ns == 0 ? GSO_WAIT_MIN_NS : 2 * o->gso_wait_ns;
	if (o->gso_wait_ns > GSO_WAIT_MAX_NS) {
		o->gso_wait_ns = GSO_WAIT_MAX_NS;
	}
	o->gso = GSO_OFF;
	o->gso_again_ns = clock_now_ns() + o->gso_wait_ns;
}

/* Whether the failure of a send is the doing of an ICMP error. As a rule the error queue then holds
 * it. But another send that failed may have been answered first; or the error came while the queue
 * was read, since the kernel queues it before it fails a send by it; or it quotes so much that the
 * queue had no room. So while errors come in, and where ICMP can reach the socket at all, a failure
 * of which the queue says nothing is believed only when it repeats itself. */
static bool is_from_icmp(struct egress_output *o, const struct train *t, int err)
{
	struct sock_errors seen;

	if (!send_errno_may_be_icmp(err)) {
		return false;
	}
	seen = sock_drain_errors(o->fd);
	if (seen.icmp == 0 &&
	    ((!o->connected && o->wary_until_ns == 0) || t->retries >= SEND_DOUBTS_MAX)) {
		return false;
	}
	stat_add(&o->stats->icmp_errors, seen.icmp);
	o->wary_until_ns = clock_now_ns() + WARY_NS;
	return true;
}

/* An ICMP error was handed to this send. True when it is queued again; as in send_failed, not once
 * it has been overtaken. */
static bool icmp_failed(struct egress *eg, struct egress_output *o, uint32_t idx)
{
	struct train *t = &eg->trains[idx];

	if (o->newest != idx || t->retries >= SEND_RETRIES_MAX) {
		stat_add(&o->stats->drops[OUTPUT_DROP_UNREACHABLE], train_send_datagrams(t));
		return false;
	}
	t->retries++;
	send_again(eg, o, idx);
	return true;
}

/* A send is over, and nobody reads its slots any more. */
static void let_go(struct egress *eg, struct egress_output *o, uint32_t idx,
		   const struct ring_sent *sent)
{
	struct train *t = &eg->trains[idx];
	/* A device may read a train for longer than its output is there. Who stands in that place
	 * now has no part in it. */
	bool here = o->token == t->output;

	eg->held -= t->state == TRAIN_HELD;
	if (t->way == TRAIN_UNCOPIED) {
		zerocopy_back(&eg->zerocopy, t->slots, t->iov_count);
	}
	if (here && t->way == TRAIN_UNCOPIED) {
		zerocopy_count_done(&o->zerocopy, o->stats, sent->copied);
	} else if (here && t->way == TRAIN_COPIED && sent->res >= 0) {
		zerocopy_count_made_good(&o->zerocopy, o->stats);
	}
	free_train(eg, idx);
}

static void free_train(struct egress *eg, uint32_t idx)
{
	struct train *t = &eg->trains[idx];

	for (uint32_t i = 0; i < t->iov_count; i++) {
		(void)pool_drop(eg->pool, t->slots[i]);
	}
	train_to(t, TRAIN_FREE);
	t->next = eg->free;
	eg->free = idx;
}
