/* spread.c - binds, joins and judges the sockets of divided flows together. See spread.h.
 *
 * Everything is done share by share in the order of the plan, flow by flow, and each step for all
 * shares of a flow before the next step: so nothing but system calls comes between two joins.
 * Control thread; the shards wait at the gate, or go on while only filters and memberships change.
 */
#include "src/run/spread.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/run/spread_set.h"
#include "src/run/supervisor.h"

#define JUDGE_AFTER_NS (10 * NS_PER_S)
#define PASSED_NS      NS_PER_MS /* until a datagram has passed all sockets of its group */

/* One step of what makes the socket of a share ready. */
typedef int share_step(struct flow_place *place, struct err *err);

static share_step bind_share, join_share, open_share;
static int start_flow(const struct supervisor *sup, uint32_t first, struct err *err);
static int take_step(const struct supervisor *sup, uint32_t first, share_step *step,
		     struct err *err);
static void give_up(const struct supervisor *sup, uint32_t first);
static bool is_kept(const struct supervisor *sup, uint32_t first);
static void end_flow(const struct supervisor *sup, uint32_t first);
static struct spread_going *find_going(const struct spread *spread, const struct rule_ingress *in);
static void forget_going(struct spread *spread, struct spread_going *going);
static bool find_first(const struct supervisor *sup, const struct rule_ingress *in,
		       uint32_t *first);
static bool has_socket(const struct supervisor *sup, uint32_t first, bool any);
static uint64_t pieces_seen(const struct flow_place *place);
static void take_off(stat_t *counter, uint64_t lost);
static uint64_t pieces_received(const struct supervisor *sup, uint32_t first);
static void judge(const struct supervisor *sup, uint32_t first);
static void tell_alone(const struct supervisor *sup, uint32_t nth);

int spread_start(const struct supervisor *sup, struct err *err)
{
	uint32_t count = sup->setup->layout.share_count;
	int rc = 0;

	for (uint32_t at = 0; at < count && rc == 0; at += spread_share_at(sup, at)->count) {
		rc = start_flow(sup, at, err);
		if (rc < 0 && !sup->setup->opt->strict) {
			give_up(sup, at);
			rc = 0;
		}
	}
	return rc;
}

void spread_end(struct supervisor *sup)
{
	uint32_t count = sup->setup->layout.share_count;

	for (uint32_t at = 0; at < count; at += spread_share_at(sup, at)->count) {
		if (!is_kept(sup, at)) {
			end_flow(sup, at);
		}
	}
}

void spread_leave(struct supervisor *sup, const struct rule_flow *rule, bool for_good)
{
	struct spread_going *going;
	uint32_t first;

	if (!share_is_part(&rule->share) || !find_first(sup, &rule->in, &first) ||
	    spread_has_left(sup, first) || !has_socket(sup, first, false)) {
		return;
	}
	end_flow(sup, first);
	forget_going(&sup->spread, find_going(&sup->spread, &rule->in)); /* of a failure */
	going = for_good ? calloc(1, sizeof(*going)) : NULL;
	if (going) { /* else what it has lost counts as refused */
		*going = (struct spread_going){
			.next = sup->spread.going, .in = rule->in, .left = rule->share.count};
		sup->spread.going = going;
	}
}

void spread_closed(const struct supervisor *sup, const struct ingress_flow *flow)
{
	const struct share *share = &flow->rule->share;
	uint64_t seen, received, lost;
	struct flow_place *last;
	uint32_t first;

	if (!share_is_filtered(share, &flow->rule->in.at.addr) ||
	    !find_first(sup, &flow->rule->in, &first) || spread_has_left(sup, first) ||
	    has_socket(sup, first, true)) {
		return;
	}
	last = spread_place_of(sup, first + share->count - 1);
	seen = pieces_seen(last);
	received = pieces_received(sup, first);
	lost = seen > received ? seen - received : 0;
	for (uint32_t i = 0; i < share->count; i++) {
		struct flow_place *place = spread_place_of(sup, first + i);
		uint64_t more = pieces_seen(place);

		if (place == last) {
			stat_add(&place->stats.kernel_drops, lost);
			take_off(&place->stats.not_mine, lost);
		}
		place->book.outside += more > seen ? more - seen : 0;
		place->book.pieces = stat_get(&place->stats.pieces);
		place->book.not_mine = stat_get(&place->stats.not_mine);
	}
}

void spread_removed(struct supervisor *sup, struct shard_message *told)
{
	const struct rule_flow *rule = &told->flow_rule;
	const struct share_book *book = &told->flow_past.book;
	struct spread_going *going = find_going(&sup->spread, &rule->in);
	uint64_t received = stat_get(&told->flow_stats.pieces) - book->pieces, lost;

	if (!share_is_filtered(&rule->share, &rule->in.at.addr) || !going) {
		return;
	}
	going->received += received;
	if (rule->share.index == rule->share.count - 1) {
		going->seen = received + stat_get(&told->flow_stats.not_mine) - book->not_mine;
	}
	going->left--;
	if (going->left > 0) {
		return;
	}
	lost = going->seen > going->received ? going->seen - going->received : 0;
	stat_add(&sup->gone.flows.kernel_drops, lost);
	take_off(&sup->gone.flows.not_mine, lost);
	forget_going(&sup->spread, going);
}

int spread_lend_cpus(struct supervisor *sup, struct share *share)
{
	size_t bytes = share->count * sizeof(*share->cpus_os);
	struct spread_cpus *cpus = sup->spread.cpus;

	if (!share_is_part(share) || share->by != SHARE_BY_CPU) {
		share->cpus_os = NULL; /* nobody looks at them */
		return 0;
	}
	while (cpus &&
	       (cpus->count != share->count || memcmp(cpus->cpus_os, share->cpus_os, bytes) != 0)) {
		cpus = cpus->next;
	}
	if (!cpus) {
		cpus = malloc(sizeof(*cpus) + bytes);
		if (!cpus) {
			return -ENOMEM;
		}
		*cpus = (struct spread_cpus){.next = sup->spread.cpus, .count = share->count};
		memcpy(cpus->cpus_os, share->cpus_os, bytes);
		sup->spread.cpus = cpus;
	}
	share->cpus_os = cpus->cpus_os;
	return 0;
}

void spread_free(struct supervisor *sup)
{
	while (sup->spread.going) {
		forget_going(&sup->spread, sup->spread.going);
	}
	while (sup->spread.cpus) {
		struct spread_cpus *next = sup->spread.cpus->next;

		free(sup->spread.cpus);
		sup->spread.cpus = next;
	}
}

void spread_account(const struct supervisor *sup, const struct ingress_flow *flow,
		    struct spread_account *out)
{
	const struct share *share = &flow->rule->share;
	const struct share_book *book;
	const struct flow_place *last;
	uint64_t pieces = stat_get(&flow->stats->pieces), seen, all, received;
	uint32_t first;

	*out = (struct spread_account){.not_mine = stat_get(&flow->stats->not_mine),
				       .kernel_drops = stat_get(&flow->stats->kernel_drops)};
	out->pieces = pieces + out->not_mine + out->kernel_drops;
	if (!find_first(sup, &flow->rule->in, &first) || spread_has_left(sup, first)) {
		return;
	}
	book = &spread_place_of(sup, first + share->index)->book;
	last = spread_place_of(sup, first + share->count - 1);
	seen = pieces - book->pieces + out->not_mine - book->not_mine;
	all = flow == &last->flow ? seen : pieces_seen(last);
	out->outside = book->outside + ((int64_t)(seen - all) > 0 ? seen - all : 0);
	received = pieces_received(sup, first);
	/* While shards run, what one has read another may not have looked at yet. What it received
	 * itself was read first, and has not become less. */
	if (flow == &last->flow && all > received) {
		uint64_t lost = all - received;

		/* Of those that stay for the next process only what is sure. */
		lost = last->stored && lost > last->book.sure ? last->book.sure : lost;
		out->kernel_drops += lost;
		out->not_mine -= lost < out->not_mine ? lost : out->not_mine;
	}
}

void spread_settle(void)
{
	const struct timespec pause = {.tv_nsec = PASSED_NS};

	nanosleep(&pause, NULL);
}

void spread_tick(const struct supervisor *sup)
{
	uint32_t count = sup->setup->layout.share_count;

	for (uint32_t at = 0; at < count; at += spread_share_at(sup, at)->count) {
		if (!spread_has_left(sup, at) && !spread_place_of(sup, at)->book.judged) {
			judge(sup, at);
		}
	}
}

static int start_flow(const struct supervisor *sup, uint32_t first, struct err *err)
{
	static share_step *const steps[] = {bind_share, join_share, open_share};
	int rc = has_socket(sup, first, false) ? 0 : -ENODEV;

	if (rc == 0 && spread_place_of(sup, first)->flow.kept) {
		return spread_take_over(sup, first, err);
	}
	if (rc < 0) {
		err_set(err, "interface %s does not exist",
			spread_place_of(sup, first)->rule.in.at.ifname);
	}
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc == 0; i++) {
		rc = take_step(sup, first, steps[i], err);
	}
	return rc;
}

static int take_step(const struct supervisor *sup, uint32_t first, share_step *step,
		     struct err *err)
{
	uint32_t k = spread_share_at(sup, first)->count;
	struct err cause = {0};

	for (uint32_t i = 0; i < k; i++) {
		int rc = step(spread_place_of(sup, first + i), &cause);

		if (rc < 0) {
			err_set(err, "shard %u: %s", sup->setup->layout.shares[first + i].shard,
				cause.text);
			return rc;
		}
	}
	return 0;
}

/* Whoever has a socket gives it back when it goes live (shard_live). */
static void give_up(const struct supervisor *sup, uint32_t first)
{
	uint32_t k = spread_share_at(sup, first)->count;

	for (uint32_t i = 0; i < k; i++) {
		spread_place_of(sup, first + i)->flow.state = FLOW_PENDING;
	}
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

/* For who comes after us. */
static bool is_kept(const struct supervisor *sup, uint32_t first)
{
	return !spread_has_left(sup, first) && spread_place_of(sup, first)->stored;
}

/* A unicast group hands the sources of a socket that closes to those that are left, which refuse
 * them by now, or a source would end, begin again and lack what came between. Of a multicast group
 * the last that joined leaves first, and what it was shown is shown to the others before they
 * leave. Of sockets that close by themselves, because their shard ends, nothing is known. */
static void end_flow(const struct supervisor *sup, uint32_t first)
{
	const struct rule_flow *rule = &spread_place_of(sup, first)->rule;
	bool filtered = share_is_filtered(spread_share_at(sup, first), &rule->in.at.addr);
	uint32_t k = spread_share_at(sup, first)->count;
	bool closing = spread_has_left(sup, first);

	gate_keep((struct gate *)&sup->gate);
	for (uint32_t i = 0; i < k; i++) {
		closing =
			closing || sup->workers[sup->setup->layout.shares[first + i].shard].closing;
	}
	for (uint32_t i = k; i-- > 0 && !closing;) {
		const struct flow_place *place = spread_place_of(sup, first + i);

		if (!filtered) {
			sock_refuse_all(place->flow.fd);
			continue;
		}
		sock_leave(place->flow.fd, &place->rule.in, place->rule.ifindex);
		if (i == k - 1) {
			spread_settle();
		}
	}
	gate_let((struct gate *)&sup->gate);
}

static struct spread_going *find_going(const struct spread *spread, const struct rule_ingress *in)
{
	struct spread_going *going = spread->going;

	while (going && rule_compare_flows(&going->in, in) != 0) {
		going = going->next;
	}
	return going;
}

/* Accepts NULL. */
static void forget_going(struct spread *spread, struct spread_going *going)
{
	struct spread_going **link = &spread->going;

	while (*link && *link != going) {
		link = &(*link)->next;
	}
	if (*link) {
		*link = going->next;
		free(going);
	}
}

/* Where the shares of a running flow begin in the layout of now. */
static bool find_first(const struct supervisor *sup, const struct rule_ingress *in, uint32_t *first)
{
	const struct layout *layout = &sup->setup->layout;

	for (uint32_t at = 0; at < layout->share_count; at += spread_share_at(sup, at)->count) {
		const struct layout_share *one = &layout->shares[at];

		if (rule_compare_flows(&layout->tables[one->shard].flows[one->flow].in, in) == 0) {
			*first = at;
			return true;
		}
	}
	return false;
}

/* Whether any share, or each, of the flow whose shares begin at `first' has a socket. None has
 * left. */
static bool has_socket(const struct supervisor *sup, uint32_t first, bool any)
{
	uint32_t k = spread_share_at(sup, first)->count, count = 0;

	for (uint32_t i = 0; i < k; i++) {
		count += spread_place_of(sup, first + i)->flow.fd >= 0;
	}
	return any ? count > 0 : count == k;
}

/* By the socket that it has. */
static uint64_t pieces_seen(const struct flow_place *place)
{
	return stat_get(&place->stats.pieces) - place->book.pieces +
	       stat_get(&place->stats.not_mine) - place->book.not_mine;
}

/* Some of it may have been counted by a process before. */
static void take_off(stat_t *counter, uint64_t lost)
{
	uint64_t counted = stat_get(counter);

	stat_set(counter, counted > lost ? counted - lost : 0);
}

/* The same by all shares of a flow together, of those that they received. */
static uint64_t pieces_received(const struct supervisor *sup, uint32_t first)
{
	uint32_t k = spread_share_at(sup, first)->count;
	uint64_t received = 0;

	for (uint32_t i = 0; i < k; i++) {
		const struct flow_place *place = spread_place_of(sup, first + i);

		received += stat_get(&place->stats.pieces) - place->book.pieces;
	}
	return received;
}

static void judge(const struct supervisor *sup, uint32_t first)
{
	uint32_t k = spread_share_at(sup, first)->count, hearing = 0, alone = first;
	struct share_book *book = &spread_place_of(sup, first)->book;
	uint64_t now_ns = clock_now_ns();

	for (uint32_t i = 0; i < k; i++) {
		if (stat_get(&spread_place_of(sup, first + i)->flow.stats->received) > 0) {
			hearing++;
			alone = first + i;
		}
	}
	if (hearing > 0 && book->heard_ns == 0) {
		book->heard_ns = now_ns;
	}
	book->judged = hearing > 1;
	if (hearing == 1 && now_ns - book->heard_ns >= JUDGE_AFTER_NS) {
		book->judged = true;
		tell_alone(sup, alone);
	}
}

static void tell_alone(const struct supervisor *sup, uint32_t nth)
{
	const struct rule_flow *rule = &spread_place_of(sup, nth)->rule;
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
