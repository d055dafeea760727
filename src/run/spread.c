/* spread.c - binds, joins and judges the sockets of divided flows together. See spread.h.
 *
 * Everything is done share by share in the order of the plan, flow by flow, and each step for all
 * shares of a flow before the next step: so nothing but system calls comes between two joins.
 * Control thread; the shards wait at the gate, or go on while only filters and memberships change.
 */
#include "src/run/spread.h"

#include <inttypes.h>
#include <stdlib.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/run/supervisor.h"

#define JUDGE_AFTER_NS (10 * NS_PER_S)

/* One step of what makes the socket of a share ready. */
typedef int share_step(struct flow_place *place, struct err *err);

static share_step bind_share, join_share, open_share;
static int take_step(const struct supervisor *sup, uint32_t first, share_step *step,
		     struct err *err);
static bool find_first(const struct supervisor *sup, const struct ingress_flow *flow,
		       uint32_t *first);
static const struct share *share_at(const struct supervisor *sup, uint32_t first);
static struct flow_place *place_of(const struct supervisor *sup, uint32_t nth);
static bool holds(const struct flow_place *place, const struct rule_flow *rule);
static bool has_left(const struct supervisor *sup, uint32_t first);
static uint64_t pieces_seen(const struct ingress_flow *flow);
static void judge(const struct supervisor *sup, uint32_t first, struct spread_watch *watch);
static void tell_alone(const struct supervisor *sup, uint32_t nth);

int spread_start(const struct supervisor *sup, struct err *err)
{
	static share_step *const steps[] = {bind_share, join_share, open_share};
	uint32_t count = sup->setup->layout.share_count;
	int rc = 0;

	for (uint32_t at = 0; at < count && rc == 0; at += share_at(sup, at)->count) {
		for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc == 0; i++) {
			rc = take_step(sup, at, steps[i], err);
		}
	}
	return rc;
}

void spread_end(const struct supervisor *sup)
{
	uint32_t count = sup->setup->layout.share_count, k;

	for (uint32_t at = 0; at < count; at += k) {
		bool multicast;

		k = share_at(sup, at)->count;
		if (has_left(sup, at)) {
			continue;
		}
		multicast = addr_is_multicast(&place_of(sup, at)->rule.in.at.addr);
		for (uint32_t i = 0; i < k; i++) {
			sock_refuse_all(place_of(sup, at + i)->flow.fd);
		}
		/* A unicast group hands the sources of a socket that closes to those that are left,
		 * which refuse them by now, or a source would end, begin again and lack what came
		 * between. */
		for (uint32_t i = k;
		     multicast && i-- > 0;) { /* the last that joined is the first to leave */
			const struct flow_place *place = place_of(sup, at + i);

			sock_leave(place->flow.fd, &place->rule.in, place->rule.ifindex);
		}
	}
}

void spread_account(const struct supervisor *sup, const struct ingress_flow *flow,
		    struct spread_account *out)
{
	const struct share *share = &flow->rule->share;
	const struct ingress_flow *last;
	uint64_t all, received = 0;
	uint32_t first;

	*out = (struct spread_account){.not_mine = stat_get(&flow->stats->not_mine)};
	out->pieces = stat_get(&flow->stats->pieces) + out->not_mine;
	if (!find_first(sup, flow, &first) || has_left(sup, first)) {
		return;
	}
	last = &place_of(sup, first + share->count - 1)->flow;
	all = flow == last ? out->pieces : pieces_seen(last);
	out->outside = out->pieces > all ? out->pieces - all : 0;
	for (uint32_t i = 0; i < share->count; i++) {
		received += stat_get(&place_of(sup, first + i)->flow.stats->pieces);
	}
	/* While shards run, what one has read another may not have looked at yet. What it received
	 * itself was read first, and has not become less. */
	if (flow == last && all > received) {
		out->kernel_drops = all - received;
		must(out->kernel_drops <= out->not_mine);
		out->not_mine -= out->kernel_drops;
	}
}

struct spread_watch *spread_watches(const struct supervisor *sup)
{
	return calloc(sup->setup->layout.share_count + 1UL, sizeof(struct spread_watch));
}

void spread_tick(const struct supervisor *sup, struct spread_watch *watches)
{
	uint32_t count = sup->setup->layout.share_count;

	for (uint32_t at = 0; at < count; at += share_at(sup, at)->count, watches++) {
		if (!watches->judged && !has_left(sup, at)) {
			judge(sup, at, watches);
		}
	}
}

static int take_step(const struct supervisor *sup, uint32_t first, share_step *step,
		     struct err *err)
{
	uint32_t k = share_at(sup, first)->count;
	struct err cause = {0};

	for (uint32_t i = 0; i < k; i++) {
		int rc = step(place_of(sup, first + i), &cause);

		if (rc < 0) {
			err_set(err, "shard %u: %s", sup->setup->layout.shares[first + i].shard,
				cause.text);
			return rc;
		}
	}
	return 0;
}

static int bind_share(struct flow_place *place, struct err *err)
{
	return sock_share_bind(place->flow.fd, &place->rule.in, place->rule.ifindex,
			       &place->rule.share, &place->got, err);
}

static int join_share(struct flow_place *place, struct err *err)
{
	return sock_join(place->flow.fd, &place->rule.in, place->rule.ifindex, err);
}

/* What a unicast socket refused before is not lost: the flow begins here. */
static int open_share(struct flow_place *place, struct err *err)
{
	if (!share_is_filtered(&place->rule.share, &place->rule.in.at.addr)) {
		place->flow.drops_seen = sock_kernel_drops(place->flow.fd);
	}
	return sock_share_open(place->flow.fd, &place->rule.in, &place->rule.share, err);
}

/* Where the shares of a running flow begin in the layout of now. */
static bool find_first(const struct supervisor *sup, const struct ingress_flow *flow,
		       uint32_t *first)
{
	const struct layout *layout = &sup->setup->layout;

	for (uint32_t at = 0; at < layout->share_count; at += share_at(sup, at)->count) {
		const struct layout_share *one = &layout->shares[at];

		if (rule_compare_flows(&layout->tables[one->shard].flows[one->flow].in,
				       &flow->rule->in) == 0) {
			*first = at;
			return true;
		}
	}
	return false;
}

static const struct share *share_at(const struct supervisor *sup, uint32_t first)
{
	const struct layout_share *at = &sup->setup->layout.shares[first];

	return &sup->setup->layout.tables[at->shard].flows[at->flow].share;
}

/* At start flow `i' of a table stands in place `i'; after a reload it may stand in another one.
 * NULL: it has left. */
static struct flow_place *place_of(const struct supervisor *sup, uint32_t nth)
{
	const struct layout_share *at = &sup->setup->layout.shares[nth];
	const struct rule_flow *rule = &sup->setup->layout.tables[at->shard].flows[at->flow];
	const struct relay *relay = &sup->workers[at->shard].shard->relay;

	if (at->flow < relay->place_count && holds(relay_place(relay, at->flow), rule)) {
		return relay_place(relay, at->flow);
	}
	for (uint32_t i = 0; i < relay->place_count; i++) {
		if (holds(relay_place(relay, i), rule)) {
			return relay_place(relay, i);
		}
	}
	return NULL;
}

/* The CPUs are not compared: those of the flow that runs are known to who opened it only. */
static bool holds(const struct flow_place *place, const struct rule_flow *rule)
{
	const struct share *has = &place->rule.share, *wants = &rule->share;

	return place->flow.rule && has->by == wants->by && has->index == wants->index &&
	       has->count == wants->count && rule_compare_flows(&place->rule.in, &rule->in) == 0;
}

/* Whether any share of the flow whose shares begin at `first' is gone: then so are the others, now
 * or soon. */
static bool has_left(const struct supervisor *sup, uint32_t first)
{
	uint32_t k = share_at(sup, first)->count;
	bool left = false;

	for (uint32_t i = 0; i < k; i++) {
		left = left || place_of(sup, first + i) == NULL;
	}
	return left;
}

static uint64_t pieces_seen(const struct ingress_flow *flow)
{
	return stat_get(&flow->stats->pieces) + stat_get(&flow->stats->not_mine);
}

static void judge(const struct supervisor *sup, uint32_t first, struct spread_watch *watch)
{
	uint32_t k = share_at(sup, first)->count, hearing = 0, alone = first;
	uint64_t now_ns = clock_now_ns();

	for (uint32_t i = 0; i < k; i++) {
		if (stat_get(&place_of(sup, first + i)->flow.stats->received) > 0) {
			hearing++;
			alone = first + i;
		}
	}
	if (hearing > 0 && watch->heard_ns == 0) {
		watch->heard_ns = now_ns;
	}
	watch->judged = hearing > 1;
	if (hearing == 1 && now_ns - watch->heard_ns >= JUDGE_AFTER_NS) {
		watch->judged = true;
		tell_alone(sup, alone);
	}
}

static void tell_alone(const struct supervisor *sup, uint32_t nth)
{
	const struct rule_flow *rule = &place_of(sup, nth)->rule;
	char at[ENDPOINT_TEXT_MAX];

	endpoint_format(&rule->in.at, at);
	if (rule->share.by == SHARE_BY_SOURCE) {
		log_warn("flow %s: one share of %u has everything after 10 s of traffic (shard "
			 "%u): one source only? by=source divides senders; a flow of one needs one "
			 "shard",
			 at, rule->share.count, sup->setup->layout.shares[nth].shard);
	} else {
		log_warn("flow %s: one share of %u has everything after 10 s of traffic (shard "
			 "%u): one CPU receives it; by=cpu divides what the queues of the "
			 "interface bring to several CPUs; see `ethtool -x' and "
			 "/proc/interrupts",
			 at, rule->share.count, sup->setup->layout.shares[nth].shard);
	}
}
