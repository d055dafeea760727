/* egress.c - gathers datagrams into trains (step 9 of a datagram's life).
 *
 * egress_append is called once per datagram and output. It settles what the output wants changed
 * (hop limit, DSCP, source), what it may carry (rate), and then cuts what came in into pieces: a
 * train that may leave as it is stays one piece, anything else becomes single datagrams. A piece
 * joins the output's open train when nothing but the payload differs, else it starts the next one.
 * No payload byte is touched: pieces are pointers into slots, and each train holds its slots. What
 * happens to closed trains is told in egress_send.c. Shard thread only; sizes in payload bytes.
 */
#include "shard/egress.h"

#include "shard/journal.h"
#include "src/base/clock.h"
#include "src/base/must.h"

/* What is appended in one step: contiguous, equal segments but for the last. */
struct piece {
	unsigned char *payload;
	uint64_t stamp_ns; /* of its datagram */
	uint64_t end;      /* where it ends, as journal_place */
	uint32_t slot;
	uint32_t bytes;
	uint32_t segment_bytes;
	uint32_t count;
};

static void free_places(struct egress *eg, uint32_t first);
static enum output_drop drop_of_idle(const struct egress_output *o);
static bool meta_of(const struct egress_output *o, const struct datagram *d,
		    struct train_meta *out);
static bool ttl_of(const struct rule_output *rule, int16_t received, int16_t *out);
static bool rate_allows(const struct egress *eg, struct egress_output *o, uint32_t bytes);
static void refill(const struct egress *eg, struct egress_output *o, uint64_t burst);
static uint32_t segments_per_send(const struct egress *eg, const struct egress_output *o,
				  const struct datagram *d);
static bool put(struct egress *eg, uint32_t output, const struct piece *p,
		const struct train_meta *meta);
static bool fits(const struct egress *eg, const struct egress_output *o, const struct train *t,
		 const struct piece *p, const struct train_meta *meta);
static bool meta_equal(const struct train_meta *a, const struct train_meta *b);
static bool start_train(struct egress *eg, uint32_t output, const struct piece *p,
			const struct train_meta *meta);

void egress_cut(struct egress *eg, uint32_t output_count, uint32_t train_count, struct arena *arena)
{
	must(train_count > 0);
	*eg = (struct egress){.train_count = train_count, .free_first = PLACE_NONE};
	for (unsigned level = 0; level < RULE_LEVELS; level++) {
		eg->dirty[level] = PLACE_LIST_EMPTY;
	}
	eg->trains = arena_alloc(arena, train_count * sizeof(struct train), CACHE_LINE_BYTES);
	egress_add_rooms(eg, rooms_for(output_count, ROOM_OUTPUTS), arena);
}

void egress_add_rooms(struct egress *eg, uint32_t count, struct arena *arena)
{
	uint32_t before = eg->place_count / ROOM_OUTPUTS, all = before + count;
	struct output_place **rooms = arena_alloc(arena, all * sizeof(void *), CACHE_LINE_BYTES);

	for (uint32_t i = before; i < all; i++) {
		struct output_place *room =
			arena_alloc(arena, ROOM_OUTPUTS * sizeof(*room), CACHE_LINE_BYTES);

		if (rooms) {
			rooms[i] = room;
		}
	}
	if (!rooms) {
		return;
	}
	for (uint32_t i = 0; i < before; i++) {
		rooms[i] = eg->rooms[i];
	}
	eg->rooms = rooms;
	eg->place_count = all * ROOM_OUTPUTS;
	free_places(eg, before * ROOM_OUTPUTS);
}

void egress_init(struct egress *eg, uint32_t train_max, struct pool *pool)
{
	must(train_max >= 1 && train_max <= UDP_SEGMENTS_NEW_MAX);
	eg->pool = pool;
	eg->train_max = train_max;
	for (uint32_t i = 0; i < eg->train_count; i++) {
		eg->trains[i].next = i + 1 < eg->train_count ? i + 1 : TRAIN_NONE;
	}
	eg->free = 0;
}

struct output_place *egress_take_place(struct egress *eg, const struct rule_table_output *rule)
{
	struct output_place *place;

	if (eg->free_first == PLACE_NONE) {
		return NULL;
	}
	place = egress_place(eg, eg->free_first);
	must(place->output.state == OUTPUT_FREE);
	eg->free_first = place->output.next;
	place->rule = *rule;
	place->got = (struct sock_got){0};
	place->stats = (struct output_stats){0};
	asker_note(&place->asker, &(struct addr){0});
	place->output = (struct egress_output){
		.token = place->output.token,
		.sibling = PLACE_NONE,
		.after = PLACE_NONE,
		.next = PLACE_NONE,
		.rule = &place->rule,
		.stats = &place->stats,
		.fd = -1,
		.file = PLACE_NONE,
		.queue = TRAIN_QUEUE_EMPTY,
		.newest = TRAIN_NONE,
		.awaited = TRAIN_NONE,
		.state = OUTPUT_PENDING,
	};
	return place;
}

void egress_leave_place(struct egress *eg, struct egress_output *o)
{
	must(o->state != OUTPUT_FREE);
	must(egress_is_closed(o));
	*o = (struct egress_output){
		.token = place_next_token(o->token), .next = eg->free_first, .fd = -1};
	eg->free_first = place_index(o->token);
}

bool egress_append(struct egress *eg, uint32_t output, const struct datagram *d,
		   struct egress_rest *rest)
{
	struct egress_output *o = egress_output(eg, output);

	stat_add(&o->stats->offered, d->count);
	if (__builtin_expect(o->state == OUTPUT_PENDING || o->dark || o->sourceless, 0)) {
		stat_add(&o->stats->drops[drop_of_idle(o)], d->count);
		return true;
	}
	if (o->rule->out.reply) {
		asker_note_sender(&egress_place(eg, output)->asker, d->from);
	}
	if (!meta_of(o, d, &rest->meta)) {
		stat_add(&o->stats->drops[OUTPUT_DROP_TTL_EXPIRED], d->count);
		return true;
	}
	if (!rate_allows(eg, o, d->bytes)) {
		stat_add(&o->stats->drops[OUTPUT_DROP_RATE_LIMITED], d->count);
		return true;
	}
	rest->d = d;
	rest->output = output;
	rest->per_send = segments_per_send(eg, o, d);
	rest->done = 0;
	rest->at = 0;
	return egress_append_rest(eg, rest);
}

bool egress_append_rest(struct egress *eg, struct egress_rest *rest)
{
	const struct egress_output *o = egress_output(eg, rest->output);
	const struct datagram *d = rest->d;

	while (rest->done < d->count) {
		uint32_t left = d->count - rest->done;
		uint32_t n = left < rest->per_send ? left : rest->per_send;
		struct piece p = {
			.payload = d->payload + rest->at,
			.stamp_ns = d->stamp_ns,
			.slot = d->slot,
			.count = n,
			.bytes = n == left ? d->bytes - rest->at : n * d->segment_bytes,
		};

		p.segment_bytes = n > 1 ? d->segment_bytes : p.bytes;
		p.end = d->place + rest->at + p.bytes;
		if (p.segment_bytes > o->datagram_max) {
			stat_add(&o->stats->drops[OUTPUT_DROP_TOO_BIG], n);
		} else if (!put(eg, rest->output, &p, &rest->meta)) {
			return false;
		}
		rest->done += n;
		rest->at += p.bytes;
	}
	return true;
}

void egress_drop_rest(struct egress *eg, const struct egress_rest *rest)
{
	stat_add(&egress_output(eg, rest->output)->stats->drops[OUTPUT_DROP_SEND_ERROR],
		 rest->d->count - rest->done);
}

/* The places from `first' on are new; the first is taken first. */
static void free_places(struct egress *eg, uint32_t first)
{
	for (uint32_t i = eg->place_count; i-- > first;) {
		struct egress_output *o = egress_output(eg, i);

		o->token = place_token(i, 0);
		o->fd = -1;
		o->next = eg->free_first;
		eg->free_first = i;
	}
}

/* Why an output that cannot send does not. */
static enum output_drop drop_of_idle(const struct egress_output *o)
{
	if (o->cut_off || o->dark) {
		return OUTPUT_DROP_LINK_DOWN;
	}
	return o->state == OUTPUT_PENDING ? OUTPUT_DROP_PENDING : OUTPUT_DROP_NO_SOURCE;
}

/* False when the hop limit has run out. */
static bool meta_of(const struct egress_output *o, const struct datagram *d, struct train_meta *out)
{
	const struct rule_output *rule = &o->rule->out;

	*out = (struct train_meta){.ttl = -1, .tos = -1};
	if (d->ttl >= 0 && !ttl_of(rule, d->ttl, &out->ttl)) {
		return false;
	}
	if (rule->dscp == RULE_DSCP_KEEP && d->tos >= 0) {
		out->tos = (int16_t)(d->tos & ~3); /* ECN is this hop's own business (RFC 3168) */
	}
	if (rule->src_keep) {
		(void)addr_from_sockaddr(d->from, &out->src);
	} else if (o->path.name_len > 0) {
		out->src = rule->src; /* a socket that is not connected may be bound elsewhere */
	}
	return true;
}

/* The hop limit to send what came in with `received' of it; -1: the socket's. False when it has run
 * out. */
static bool ttl_of(const struct rule_output *rule, int16_t received, int16_t *out)
{
	switch ((enum rule_ttl)rule->ttl_mode) {
	case RULE_TTL_FIXED:
		return true;
	case RULE_TTL_KEEP:
		*out = received;
		return received > 0;
	case RULE_TTL_DEC:
		*out = (int16_t)(received - 1);
		return received > 1;
	case RULE_TTL_AUTO:
		break;
	}
	if (received > RULE_TTL_FRESH && received <= RULE_TTL_DEFAULT) {
		*out = (int16_t)(received - 1);
	}
	return received != RULE_TTL_FRESH + 1;
}

/* A token bucket in bits; takes what `bytes' cost, or nothing. */
static bool rate_allows(const struct egress *eg, struct egress_output *o, uint32_t bytes)
{
	uint64_t rate = o->rule->out.rate_bps;
	uint64_t cost = (uint64_t)bytes * 8;
	uint64_t burst;

	if (rate == 0) {
		return true;
	}
	burst = (uint64_t)((double)rate * RATE_BURST_NS / NS_PER_S);
	burst = burst > RATE_BURST_MIN_BITS ? burst : RATE_BURST_MIN_BITS;
	refill(eg, o, burst);
	if (o->tokens_bits < cost) {
		return false;
	}
	o->tokens_bits -= cost;
	return true;
}

/* Adds what has been gained since the last look; a bucket holds no more than a burst. */
static void refill(const struct egress *eg, struct egress_output *o, uint64_t burst)
{
	double rate = (double)o->rule->out.rate_bps;
	uint64_t elapsed = eg->now_ns - o->tokens_at_ns;
	uint64_t gained;

	if (o->tokens_at_ns == 0 || rate * (double)elapsed >= (double)burst * NS_PER_S) {
		o->tokens_bits = burst;
		o->tokens_at_ns = eg->now_ns;
		return;
	}
	gained = (uint64_t)(rate * (double)elapsed / NS_PER_S);
	/* The instant moves only with what was gained, so slow rates lose no fraction. */
	if (gained > 0) {
		o->tokens_bits += gained;
		o->tokens_at_ns += (uint64_t)((double)gained * NS_PER_S / rate);
		o->tokens_bits = o->tokens_bits < burst ? o->tokens_bits : burst;
	}
}

/* How many of its segments may travel in one send of this output. */
static uint32_t segments_per_send(const struct egress *eg, const struct egress_output *o,
				  const struct datagram *d)
{
	uint32_t by_bytes;

	if (d->count == 1 || o->gso == GSO_OFF || d->segment_bytes > o->segment_max) {
		return 1;
	}
	by_bytes = o->train_bytes_max / d->segment_bytes;
	return by_bytes < eg->train_max ? by_bytes : eg->train_max;
}

/* Appends one piece, in order, to the open train or to a new one; false when there is none. */
static bool put(struct egress *eg, uint32_t output, const struct piece *p,
		const struct train_meta *meta)
{
	struct egress_output *o = egress_output(eg, output);
	struct train *t;

	if (o->queue.open != TRAIN_NONE && !fits(eg, o, &eg->trains[o->queue.open], p, meta)) {
		train_queue_close(&o->queue, eg->trains);
	}
	if (o->queue.open == TRAIN_NONE && !start_train(eg, output, p, meta)) {
		return false;
	}
	t = &eg->trains[o->queue.open];
	must(t->iov_count < TRAIN_IOV_MAX);
	t->iov[t->iov_count] = (struct iovec){.iov_base = p->payload, .iov_len = p->bytes};
	t->slots[t->iov_count] = p->slot;
	t->ends[t->iov_count & 1] = p->end;
	journal_step();
	t->iov_count++; /* from here on it is the train's */
	journal_step();
	o->taken = p->end > o->taken ? p->end : o->taken;
	t->stamp_ns = t->stamp_ns != 0 ? t->stamp_ns : p->stamp_ns;
	t->datagrams += p->count;
	t->bytes += p->bytes;
	pool_hold(eg->pool, p->slot);
	egress_mark_dirty(eg, o);
	/* What cannot be continued goes now: a short end, a full train, one that may not grow. */
	if (o->gso == GSO_OFF || t->bytes == 0 || t->bytes % t->segment_bytes != 0 ||
	    t->datagrams >= eg->train_max || t->segment_bytes > o->segment_max) {
		train_queue_close(&o->queue, eg->trains);
	}
	return true;
}

/* Whether `p' can be the next part of train `t': same size, same treatment, room left, and
 * everything in the train so far is of full size. */
static bool fits(const struct egress *eg, const struct egress_output *o, const struct train *t,
		 const struct piece *p, const struct train_meta *meta)
{
	return p->bytes > 0 && p->segment_bytes <= t->segment_bytes &&
	       (p->segment_bytes == t->segment_bytes || p->count == 1) &&
	       t->bytes % t->segment_bytes == 0 && t->datagrams + p->count <= eg->train_max &&
	       t->iov_count < TRAIN_IOV_MAX && t->bytes + p->bytes <= o->train_bytes_max &&
	       meta_equal(&t->meta, meta);
}

static bool meta_equal(const struct train_meta *a, const struct train_meta *b)
{
	return a->ttl == b->ttl && a->tos == b->tos && addr_ip_equal(&a->src, &b->src);
}

/* False when every train is in use. */
static bool start_train(struct egress *eg, uint32_t output, const struct piece *p,
			const struct train_meta *meta)
{
	struct egress_output *o = egress_output(eg, output);
	uint32_t idx = eg->free;
	struct train *t;

	if (idx == TRAIN_NONE) {
		return false;
	}
	t = &eg->trains[idx];
	eg->free = t->next;
	/* The big arrays keep their old contents: only the counted part of them means anything. */
	t->meta = *meta;
	t->iov_count = 0;
	t->datagrams = 0;
	t->segment_bytes = p->segment_bytes;
	t->bytes = 0;
	t->output = o->token;
	t->next = TRAIN_NONE;
	t->single_at = 0;
	t->stamp_ns = 0;
	t->way = TRAIN_WHOLE;
	t->retries = 0;
	journal_step();
	train_to(t, TRAIN_OPEN);
	journal_step();
	o->queue.open = idx;
	return true;
}
