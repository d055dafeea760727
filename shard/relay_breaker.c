/* relay_breaker.c - which flow is examined, and what a verdict does to it. See relay_breaker.h.
 *
 * A datagram in a circle is known by its payload alone. With breaker=strict, where no examination
 * has shown that there is a circle, its sender counts as well: others may say the same. One
 * examination at a time for a shard, the busiest flow first, since circles are busy. Shard thread.
 */
#include "shard/relay_breaker.h"

#include "shard/breaker.h"
#include "src/base/clock.h"

struct relay_breaker {
	uint32_t examined;     /* token of the flow; PLACE_NONE: none */
	uint32_t look_at;      /* place whose rate is looked at next */
	uint64_t seed;         /* of digests, so that nobody can make equal ones */
	uint64_t drops_before; /* of the kernel, when the examination began */
	struct exam exam;
	struct breaker_memory memory;
};

static bool keeps_out(struct relay *r, struct ingress_flow *flow, uint64_t digest, uint32_t who,
		      uint64_t now_ns);
static void pass_run(struct relay *r, struct ingress_flow *flow, struct datagram *run);
static uint32_t who_sent(const struct datagram *d, struct addr *from);
static void note_kept_out(struct ingress_flow *flow, uint64_t now_ns);
static void judge(struct relay *r, struct ingress_flow *flow, uint64_t now_ns);
static void settle_verdict(struct relay *r, struct ingress_flow *flow, enum exam_verdict verdict,
			   uint64_t now_ns);
static void begin_exam(struct relay *r, struct ingress_flow *flow, uint64_t now_ns);
static void end_exam(struct relay *r, struct ingress_flow *flow);
static void begin_break(struct ingress_flow *flow, uint64_t now_ns);
static void purge(struct ingress_flow *flow, const struct exam *exam, uint64_t now_ns);
static void end_break(struct ingress_flow *flow);
static struct ingress_flow *examined_flow(const struct relay *r);
static void look_at_rate(struct ingress_flow *flow, uint64_t now_ns);
static bool is_suspect(const struct ingress_flow *flow, uint64_t now_ns);

void relay_breaker_cut(struct relay *r, struct arena *arena)
{
	r->breaker = arena_alloc(arena, sizeof(*r->breaker), CACHE_LINE_BYTES);
	if (r->breaker) {
		r->breaker->examined = PLACE_NONE;
		r->breaker->seed = clock_now_ns();
	}
}

void relay_take_examined(struct relay *r, struct ingress_flow *flow, const struct datagram *d)
{
	bool strict = flow->rule->in.breaker == RULE_BREAKER_STRICT;
	struct datagram run = {0};
	struct addr from = {0};
	uint64_t now_ns = clock_now_ns();
	uint32_t sender = who_sent(d, &from), at = 0, kept_out = 0;
	uint32_t who = sender + (uint32_t)(uint16_t)d->ttl; /* and from how far */
	uint64_t seed = r->breaker->seed ^ (strict ? (uint64_t)sender << 32 : 0) ^ flow->token;

	for (uint32_t i = 0; i < d->count; i++) {
		uint32_t bytes = i + 1 < d->count ? d->segment_bytes : d->bytes - at;
		uint64_t digest = breaker_digest(d->payload + at, bytes, seed);

		if (!keeps_out(r, flow, digest, who, now_ns)) {
			datagram_extend(&run, d, at, bytes);
		} else {
			pass_run(r, flow, &run);
			kept_out++;
		}
		at += bytes;
	}
	pass_run(r, flow, &run);
	if (kept_out > 0) {
		stat_add(&flow->stats->drops[FLOW_DROP_CIRCLED], kept_out);
		asker_note(&relay_place(r, place_index(flow->token))->circled_from, &from);
	}
	if (flow->aside & ASIDE_EXAMINED) {
		judge(r, flow, now_ns);
	}
}

void relay_breaker_look(struct relay *r)
{
	struct relay_breaker *breaker = r->breaker;
	struct ingress_flow *flow = examined_flow(r), *busiest = NULL;
	uint64_t now_ns = clock_now_ns();

	if (flow) {
		judge(r, flow, now_ns);
	}
	for (uint32_t i = 0; i < r->place_count && i < CIRCLE_LOOK_MAX; i++) {
		breaker->look_at = breaker->look_at < r->place_count ? breaker->look_at : 0;
		flow = &relay_place(r, breaker->look_at++)->flow;
		if (flow->state < FLOW_IDLE || flow->rule->in.breaker <= RULE_BREAKER_OFF ||
		    (flow->aside & ASIDE_MERGED)) {
			continue;
		}
		look_at_rate(flow, now_ns);
		if (is_suspect(flow, now_ns) &&
		    (!busiest || flow->circle.rate > busiest->circle.rate)) {
			busiest = flow;
		}
	}
	if (busiest && breaker->examined == PLACE_NONE) {
		begin_exam(r, busiest, now_ns);
	}
}

void relay_breaker_forget(struct relay *r, struct ingress_flow *flow)
{
	if (flow->aside & ASIDE_EXAMINED) {
		end_exam(r, flow);
	}
	if (flow->aside & ASIDE_BROKEN) {
		end_break(flow);
	}
	flow->circle = (struct flow_circle){0};
}

void relay_breaker_set(struct relay *r, struct ingress_flow *flow, int8_t mode)
{
	struct rule_ingress *in = &relay_place(r, place_index(flow->token))->rule.in;

	if (in->breaker != mode) {
		in->breaker = mode;
		relay_breaker_forget(r, flow);
	}
}

static bool keeps_out(struct relay *r, struct ingress_flow *flow, uint64_t digest, uint32_t who,
		      uint64_t now_ns)
{
	if (flow->aside & ASIDE_EXAMINED) {
		return exam_take(&r->breaker->exam, digest, who, now_ns);
	}
	if (!memory_knows(&r->breaker->memory, digest,
			  flow->rule->in.breaker == RULE_BREAKER_STRICT ? MEMORY_STRICT_MS
									: MEMORY_MS,
			  now_ns) &&
	    now_ns >= flow->circle.purge_until_ns) {
		return false;
	}
	note_kept_out(flow, now_ns);
	return true;
}

static void pass_run(struct relay *r, struct ingress_flow *flow, struct datagram *run)
{
	if (run->count > 0) {
		stat_add(&flow->stats->relayed, run->count);
		relay_hand_out(r, flow, run);
		run->count = 0;
	}
}

/* One number for the sender. */
static uint32_t who_sent(const struct datagram *d, struct addr *from)
{
	if (addr_from_sockaddr(d->from, from) != 0) {
		*from = (struct addr){0};
	}
	return (uint32_t)breaker_digest(from->ip, sizeof(from->ip), from->port);
}

static void note_kept_out(struct ingress_flow *flow, uint64_t now_ns)
{
	flow->circle.until_ns = now_ns + CIRCLE_QUIET_NS;
	if (++flow->circle.kept_out == CIRCLE_KEPT_MIN && stat_get(&flow->stats->circling) == 0) {
		stat_add(&flow->stats->circles, 1);
		stat_set(&flow->stats->circling, 1);
	}
}

static void judge(struct relay *r, struct ingress_flow *flow, uint64_t now_ns)
{
	struct relay_breaker *breaker = r->breaker;
	bool losing = stat_get(&flow->stats->kernel_drops) > breaker->drops_before;
	enum exam_verdict verdict = exam_judge(&breaker->exam, losing, now_ns);

	if (verdict != EXAM_GOES_ON) {
		settle_verdict(r, flow, verdict, now_ns);
	}
}

/* Trials cost a flow a few datagrams, so one that is acquitted again and again is left alone, as
 * long as it does not grow: circles do. */
static void settle_verdict(struct relay *r, struct ingress_flow *flow, enum exam_verdict verdict,
			   uint64_t now_ns)
{
	struct flow_circle *circle = &flow->circle;

	if (verdict == EXAM_CIRCLES && ++circle->convictions < CIRCLE_CONVICTIONS) {
		begin_exam(r, flow, now_ns);
		return;
	}
	end_exam(r, flow);
	circle->again_ns = now_ns + CIRCLE_AGAIN_NS;
	circle->convictions = 0;
	if (verdict == EXAM_CIRCLES) {
		begin_break(flow, now_ns);
		purge(flow, &r->breaker->exam, now_ns);
		stat_add(&flow->stats->circles, 1);
		stat_set(&flow->stats->circling, 1);
		circle->again_ns = now_ns;
	} else if (verdict != EXAM_INNOCENT) {
		circle->innocent_rate =
			circle->rate > circle->innocent_rate ? circle->rate : circle->innocent_rate;
		circle->trials++;
	}
}

static void begin_exam(struct relay *r, struct ingress_flow *flow, uint64_t now_ns)
{
	struct relay_breaker *breaker = r->breaker;

	breaker->examined = flow->token;
	breaker->drops_before = stat_get(&flow->stats->kernel_drops);
	exam_begin(&breaker->exam, flow->circle.trials, now_ns);
	flow->aside |= ASIDE_EXAMINED;
}

static void end_exam(struct relay *r, struct ingress_flow *flow)
{
	r->breaker->examined = PLACE_NONE;
	flow->aside &= (uint8_t)~ASIDE_EXAMINED;
}

static void begin_break(struct ingress_flow *flow, uint64_t now_ns)
{
	flow->aside |= ASIDE_BROKEN;
	flow->circle.until_ns = now_ns + CIRCLE_QUIET_NS;
	flow->circle.kept_out = 0;
}

/* When more goes round than the memory holds, each would be forgotten before it comes again. So
 * nothing passes for two rounds; after that little goes round. */
static void purge(struct ingress_flow *flow, const struct exam *exam, uint64_t now_ns)
{
	if (exam_population(exam) > MEMORY_SETS * MEMORY_WAYS / 2) {
		uint64_t span_ns = 2 * exam->round_ns;

		flow->circle.purge_until_ns =
			now_ns + (span_ns < CIRCLE_PURGE_MAX_NS ? span_ns : CIRCLE_PURGE_MAX_NS);
	}
}

static void end_break(struct ingress_flow *flow)
{
	flow->aside &= (uint8_t)~ASIDE_BROKEN;
	stat_set(&flow->stats->circling, 0);
}

/* NULL: none. */
static struct ingress_flow *examined_flow(const struct relay *r)
{
	uint32_t token = r->breaker->examined;

	return token == PLACE_NONE ? NULL : &relay_place(r, place_index(token))->flow;
}

static void look_at_rate(struct ingress_flow *flow, uint64_t now_ns)
{
	struct flow_circle *circle = &flow->circle;
	uint64_t received = stat_get(&flow->stats->received), passed_ns;

	passed_ns = circle->looked_ns > 0 ? now_ns - circle->looked_ns : 0;
	circle->rate = passed_ns > 0 ? (received - circle->received) * NS_PER_S / passed_ns : 0;
	circle->received = received;
	circle->looked_ns = now_ns;
	if (circle->rate >= 2 * circle->innocent_rate) {
		circle->trials = 0;
	}
	if (flow->rule->in.breaker == RULE_BREAKER_STRICT && circle->rate >= CIRCLE_STRICT_RATE) {
		if (!(flow->aside & ASIDE_BROKEN)) {
			begin_break(flow, now_ns);
		}
		circle->until_ns = now_ns + CIRCLE_QUIET_NS;
	}
	if ((flow->aside & ASIDE_BROKEN) && now_ns >= circle->until_ns) {
		end_break(flow);
	}
}

static bool is_suspect(const struct ingress_flow *flow, uint64_t now_ns)
{
	const struct flow_circle *circle = &flow->circle;

	return flow->rule->in.breaker == RULE_BREAKER_ON && flow->aside == 0 &&
	       !flow->rule->standby && circle->rate >= CIRCLE_RATE && now_ns >= circle->again_ns &&
	       circle->trials < CIRCLE_TRIALS_MAX;
}
