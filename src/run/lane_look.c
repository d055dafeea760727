/* lane_look.c - from places in shards to what the program is to carry. See lane_look.h.
 *
 * The configuration says what a flow is to be, the place what it is by now: whether it and all its
 * outputs have sockets, which addresses these send from, which of our own senders could be heard.
 * Interfaces and next hops are asked for anew each time. Control thread.
 */
#include "src/run/lane_look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shard/shard.h"
#include "shard/sock.h"
#include "src/base/clock.h"
#include "src/fastpath/wire.h"
#include "src/rules/index.h"
#include "src/run/lane_order.h"
#include "src/run/lane_weigh.h"
#include "src/run/supervisor.h"

/* Of the flow that is looked at. */
struct flow_look {
	struct device outs[FAST_OUTPUTS_MAX];
	struct hop hops[FAST_OUTPUTS_MAX];
	struct fast_wanted_output outputs[FAST_OUTPUTS_MAX];
	uint32_t first_hop; /* in the look's */
};

/* One look. */
struct look {
	struct supervisor *sup;
	struct conf_index index;
	struct lane_verdict *verdicts;
	struct lane_device *devices;
	uint32_t device_count, device_room;
	struct lane_hop_list hops;
	struct flow_look *flow;
	bool lacked; /* something was short for a flow: another look may find it carried */
};

static void leave_all(struct lane *lane);
static int begin(struct look *look, struct supervisor *sup);
static void carry_on(struct lane_verdict *verdict, const struct lane_verdict *before);
static void end(struct look *look);
static void look_at_worker(struct look *look, const struct worker *w);
static enum fast_reason look_at_flow(struct look *look, const struct worker *w,
				     const struct ingress_flow *flow,
				     const struct conf_flow *known);
static enum fast_reason carry(struct look *look, const struct worker *w,
			      const struct ingress_flow *flow, const struct device *in);
static enum fast_reason take_over(struct look *look, const struct shard *shard,
				  const struct ingress_flow *flow,
				  const struct fast_wanted *wanted);
static void say_refused(struct lane *lane, const struct rule_ingress *in, const struct err *err);
static enum fast_reason fill_output(struct look *look, const struct output_place *place,
				    struct fast_wanted_output *out, uint32_t *mtu);
static bool source_of(struct look *look, const struct output_place *place, struct addr *local);
static void note_lack(struct look *look, int rc);
static struct device device_of(struct look *look, const char *ifname);
static bool hop_of(struct look *look, const struct rule_output *rule, struct hop *hop);
static struct device device_of_output(struct look *look, const struct rule_output *rule,
				      const struct hop *hop);
static struct lane_verdict *verdict_for(const struct look *look, const struct rule_ingress *in);
static void say(struct supervisor *sup);
static bool is_for_rules(enum fast_reason reason);
static int compare_verdicts(const void *left, const void *right);

void lane_look(struct supervisor *sup)
{
	struct lane *lane = &sup->lane;
	struct look look = {0};

	lane->due = false;
	lane->look_ns = clock_now_ns();
	lane_order_look(sup);
	if (begin(&look, sup) < 0) {
		leave_all(lane);
		return;
	}
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		look_at_worker(&look, &sup->workers[s]);
	}
	fast_settle(&lane->fast);
	end(&look);
	say(sup);
}

int lane_check_all(const struct supervisor *sup, struct err *err)
{
	const struct conf *conf = &sup->setup->opt->conf;

	for (uint32_t f = 0; f < conf->flow_count; f++) {
		enum fast_reason reason = lane_reason(sup, &conf->flows[f].in);
		char at[ENDPOINT_TEXT_MAX];

		if (is_for_rules(reason)) {
			err_set(err,
				"--fastpath require: flow %s (%s) cannot be relayed in the kernel: "
				"%s; --fastpath auto relays it by its socket, as does fast=off on "
				"the rule",
				endpoint_format(&conf->flows[f].in.at, at),
				conf->rules[conf->flows[f].rule].where, fast_reason_text(reason));
			return -EINVAL;
		}
	}
	return 0;
}

struct lane_verdict *lane_verdict_of(const struct lane *lane, const struct rule_ingress *in)
{
	struct lane_verdict key = {.in = *in};

	return lane->verdicts ? bsearch(&key, lane->verdicts, lane->verdict_count,
					sizeof(*lane->verdicts), compare_verdicts)
			      : NULL;
}

/* Nobody knows who may be carried. What is known of flows stays but for that. */
static void leave_all(struct lane *lane)
{
	if (!lane->unseen) {
		log_warn("fast path: out of memory; all flows go by their sockets until there is "
			 "some");
	}
	lane->unseen = true;
	fast_drop_all(&lane->fast);
	fast_settle(&lane->fast);
	for (uint32_t i = 0; i < lane->verdict_count; i++) {
		if (lane->verdicts[i].reason == FAST_REASON_NONE) {
			lane->verdicts[i].reason = FAST_REASON_REFUSED;
		}
	}
	lane->carried = 0;
}

/* One verdict for each configured flow, in the index's order; those that have no place stay
 * pending. */
static int begin(struct look *look, struct supervisor *sup)
{
	const struct conf *conf = &sup->setup->opt->conf;
	int rc = conf_index_build(conf, &look->index);

	look->sup = sup;
	look->verdicts = calloc(conf->flow_count + 1UL, sizeof(*look->verdicts));
	look->flow = calloc(1, sizeof(*look->flow));
	if (rc < 0 || !look->verdicts || !look->flow) {
		conf_index_free(&look->index);
		free(look->verdicts);
		free(look->flow);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < conf->flow_count; i++) {
		const struct rule_ingress *in = &conf->flows[look->index.order[i]].in;
		const struct lane_verdict *before = lane_verdict_of(&sup->lane, in);

		look->verdicts[i] = (struct lane_verdict){.in = *in, .reason = FAST_REASON_PENDING};
		if (before) {
			carry_on(&look->verdicts[i], before);
		}
		lane_weigh_ask(sup->setup->opt, &conf->flows[look->index.order[i]],
			       &look->verdicts[i]);
	}
	return 0;
}

/* What a look before has found of the flow, and holds. */
static void carry_on(struct lane_verdict *verdict, const struct lane_verdict *before)
{
	verdict->queued_ns = before->queued_ns;
	verdict->weigh = before->weigh;
	verdict->so_far = before->so_far;
	if (before->hold_ns > clock_now_ns()) {
		*verdict = *before;
	}
}

/* What was found is what holds. */
static void end(struct look *look)
{
	struct lane *lane = &look->sup->lane;

	free(lane->verdicts);
	free(lane->devices);
	lane->unseen = look->lacked;
	lane->verdicts = look->verdicts;
	lane->verdict_count = look->sup->setup->opt->conf.flow_count;
	lane->devices = look->devices;
	lane->device_count = look->device_count;
	lane_hops_take(&lane->hops, &look->hops);
	lane->carried = 0;
	for (uint32_t i = 0; i < lane->verdict_count; i++) {
		lane->carried += lane->verdicts[i].reason == FAST_REASON_NONE;
	}
	conf_index_free(&look->index);
	free(look->flow);
}

static void look_at_worker(struct look *look, const struct worker *w)
{
	for (uint32_t i = 0; i < w->shard->relay.place_count; i++) {
		const struct ingress_flow *flow = &shard_flow(w->shard, i)->flow;
		const struct conf_flow *known =
			flow->rule ? conf_index_find(&look->index, &flow->rule->in) : NULL;
		struct lane_verdict *verdict = known ? verdict_for(look, &known->in) : NULL;

		if (verdict && verdict->hold_ns == 0) {
			verdict->reason = look_at_flow(look, w, flow, known);
		}
		if (verdict && verdict->reason != FAST_REASON_NONE) {
			fast_drop(&look->sup->lane.fast, &known->in);
		}
	}
}

static enum fast_reason look_at_flow(struct look *look, const struct worker *w,
				     const struct ingress_flow *flow, const struct conf_flow *known)
{
	const struct opt *opt = look->sup->setup->opt;
	const struct conf_flow *lead = conf_lead(known);
	struct fast_question question = {.conf = &opt->conf,
					 .flow = known,
					 .wanted = opt->fastpath != OPT_FASTPATH_OFF,
					 .trains = opt->gso != OPT_OFF,
					 .outs = look->flow->outs,
					 .hops = look->flow->hops};
	enum fast_reason reason;

	if (!fast_is_wanted(&opt->conf.rules[known->rule], question.wanted)) {
		return FAST_REASON_UNWANTED;
	}
	look->flow->first_hop = look->hops.count;
	question.in = device_of(look, known->in.at.ifname);
	for (uint32_t i = 0; i < lead->output_count && i < FAST_OUTPUTS_MAX; i++) {
		const struct rule_output *rule = &opt->conf.outputs[lead->first_output + i];

		if (!endpoint_is_known(&rule->to)) {
			return FAST_REASON_PENDING;
		}
		(void)hop_of(look, rule, &look->flow->hops[i]);
		look->flow->outs[i] = device_of_output(look, rule, &look->flow->hops[i]);
	}
	reason = fast_eligible(&question);
	return reason == FAST_REASON_NONE ? carry(look, w, flow, &question.in) : reason;
}

/* It could be carried: is it ready? */
static enum fast_reason carry(struct look *look, const struct worker *w,
			      const struct ingress_flow *flow, const struct device *in)
{
	struct fast_wanted_output *outputs = look->flow->outputs;
	struct fast_wanted wanted = {.in = flow->rule->in,
				     .ifindex = in->ifindex,
				     .mtu = UINT32_MAX,
				     .outputs = outputs};
	enum fast_reason reason = FAST_REASON_NONE;

	if (flow->fd < 0 || flow->going || flow->rule->ifindex != in->ifindex ||
	    flow->first_output == PLACE_NONE) {
		return FAST_REASON_PENDING;
	}
	if (flow->rule->standby || flow->held) {
		return FAST_REASON_STANDBY;
	}
	if (flow->echo_count > FAST_ECHOES_MAX) {
		return FAST_REASON_ECHOES;
	}
	for (; wanted.echo_count < flow->echo_count; wanted.echo_count++) {
		wanted.echoes[wanted.echo_count] = wire_echo(&flow->echoes[wanted.echo_count]);
	}
	for (uint32_t o = flow->first_output; o != PLACE_NONE && reason == FAST_REASON_NONE;) {
		const struct output_place *place = shard_output(w->shard, o);

		reason = wanted.output_count < FAST_OUTPUTS_MAX
				 ? fill_output(look, place, &outputs[wanted.output_count++],
					       &wanted.mtu)
				 : FAST_REASON_OUTPUTS;
		o = place->output.sibling;
	}
	return reason == FAST_REASON_NONE ? take_over(look, w->shard, flow, &wanted) : reason;
}

static enum fast_reason take_over(struct look *look, const struct shard *shard,
				  const struct ingress_flow *flow, const struct fast_wanted *wanted)
{
	struct lane *lane = &look->sup->lane;
	const struct fast_record *record = fast_find(&lane->fast, &wanted->in);
	bool is_carried = record && record->image != FAST_NONE;
	uint64_t base = lane_order_base(shard, flow);
	struct err err;
	int rc = fast_prepare(&lane->fast, wanted, &err);

	if (rc == 0 && lane_order_waits(lane, flow, verdict_for(look, &wanted->in))) {
		return FAST_REASON_QUEUED;
	}
	if (rc == 0) {
		rc = fast_put(&lane->fast, wanted, &err);
	}
	if (rc < 0) {
		note_lack(look, rc);
		say_refused(lane, &wanted->in, &err);
		return FAST_REASON_REFUSED;
	}
	if (!is_carried) {
		lane_order_begin(lane, shard, flow, base);
	}
	return FAST_REASON_NONE;
}

/* Once: where there is no more room it would be said of thousands, at each look. */
static void say_refused(struct lane *lane, const struct rule_ingress *in, const struct err *err)
{
	char at[ENDPOINT_TEXT_MAX];

	if (!(lane->told & 1ULL << FAST_REASON_REFUSED)) {
		lane->told |= 1ULL << FAST_REASON_REFUSED;
		log_warn("fast path: flow %s, and others perhaps, go by their sockets: %s",
			 endpoint_format(&in->at, at), err->text);
	}
}

static enum fast_reason fill_output(struct look *look, const struct output_place *place,
				    struct fast_wanted_output *out, uint32_t *mtu)
{
	const struct rule_output *rule = &place->output.rule->out;
	struct hop hop;
	bool hops = hop_of(look, rule, &hop);
	struct device device = device_of_output(look, rule, &hop);
	uint32_t most = fast_output_mtu(rule, &device, hops ? &hop : NULL);
	struct addr local;

	if (place->output.state == OUTPUT_PENDING || place->output.fd < 0 ||
	    (rule->to.ifname[0] && place->output.rule->ifindex != device.ifindex)) {
		return FAST_REASON_PENDING;
	}
	if (hops && !lane_hops_knows(&look->sup->lane.hops, &hop)) {
		return FAST_REASON_NEIGHBOUR;
	}
	if (sources_lacks(&look->sup->links.sources, place->output.rule) ||
	    !source_of(look, place, &local)) {
		return FAST_REASON_SOURCE;
	}
	*mtu = most < *mtu ? most : *mtu;
	out->to = rule->to;
	wire_fill(rule, &device, &local, place->output.dark, &out->wire);
	if (hops) {
		memcpy(out->wire.to_mac, hop.mac, sizeof(out->wire.to_mac));
	}
	return FAST_REASON_NONE;
}

/* The address and port that its socket sends from now. Once addresses have changed, what was found
 * out when the socket was opened may be no longer so: then a socket of a moment tells. */
static bool source_of(struct look *look, const struct output_place *place, struct addr *local)
{
	struct rule_output trial = place->output.rule->out;
	struct sock_want want = {0};
	struct sock_got got;
	struct err ignored;
	int fd;

	*local = place->got.local;
	if (trial.src_keep) {
		return true;
	}
	if (look->sup->lane.probes && trial.src.family == 0) {
		trial.sport = 0;
		fd = sock_open_egress(&trial, place->output.rule->ifindex, &want, &got, &ignored);
		if (fd < 0) {
			note_lack(look, fd);
			return false;
		}
		close(fd);
		memcpy(local->ip, got.local.ip, sizeof(local->ip));
	}
	return local->family != 0 && !addr_is_any(local);
}

/* What is refused for another reason is so the next time, too. */
static void note_lack(struct look *look, int rc)
{
	look->lacked |=
		rc == -ENOMEM || rc == -ENOBUFS || rc == -EMFILE || rc == -ENFILE || rc == -EAGAIN;
}

/* Asked once a look. */
static struct device device_of(struct look *look, const char *ifname)
{
	struct lane_device found = {0};

	for (uint32_t i = 0; i < look->device_count; i++) {
		if (strcmp(look->devices[i].name, ifname) == 0) {
			return look->devices[i].device;
		}
	}
	if (look->device_count == look->device_room) {
		uint32_t room = 2 * look->device_room + 8;
		struct lane_device *devices = realloc(look->devices, room * sizeof(*devices));

		if (!devices) {
			note_lack(look, -ENOMEM);
			return found.device;
		}
		look->devices = devices;
		look->device_room = room;
	}
	memcpy(found.name, ifname, strnlen(ifname, sizeof(found.name) - 1));
	device_read(ifname, &found.device);
	look->devices[look->device_count++] = found;
	return found.device;
}

/* By which neighbour an output is reached; false: it is a group. */
static bool hop_of(struct look *look, const struct rule_output *rule, struct hop *hop)
{
	struct lane_hop key = {.to = rule->to.addr};

	*hop = (struct hop){0};
	if (addr_is_multicast(&rule->to.addr)) {
		return false;
	}
	key.ifindex = rule->to.ifname[0] ? device_of(look, rule->to.ifname).ifindex : 0;
	if (key.ifindex != 0 || !rule->to.ifname[0]) {
		note_lack(look, lane_hops_find(&look->sup->lane.hops, &look->hops,
					       look->flow->first_hop, &key, hop));
	}
	return true;
}

/* Where it leaves: by the interface that the rule names, or by that of the route. */
static struct device device_of_output(struct look *look, const struct rule_output *rule,
				      const struct hop *hop)
{
	char name[IF_NAMESIZE] = "";

	if (hop->ifindex == 0 || addr_is_multicast(&rule->to.addr)) {
		return device_of(look, rule->to.ifname);
	}
	if (!if_indextoname(hop->ifindex, name)) {
		return (struct device){0};
	}
	return device_of(look, name);
}

/* NULL: it is not configured. */
static struct lane_verdict *verdict_for(const struct look *look, const struct rule_ingress *in)
{
	struct lane_verdict key = {.in = *in};

	return bsearch(&key, look->verdicts, look->sup->setup->opt->conf.flow_count, sizeof(key),
		       compare_verdicts);
}

/* Of each reason once; and how many are carried, when that is another number. */
static void say(struct supervisor *sup)
{
	struct lane *lane = &sup->lane;

	for (uint32_t i = 0; i < lane->verdict_count; i++) {
		const struct lane_verdict *verdict = &lane->verdicts[i];
		char at[ENDPOINT_TEXT_MAX];

		if (is_for_rules(verdict->reason) && !(lane->told & 1ULL << verdict->reason)) {
			lane->told |= 1ULL << verdict->reason;
			log_notice(
				"fast path: flow %s, and others perhaps, go by their sockets: %s",
				endpoint_format(&verdict->in.at, at),
				fast_reason_text(verdict->reason));
		}
	}
	log_debug("fast path: %u of %u flows are relayed in the kernel", lane->carried,
		  lane->verdict_count);
}

/* Whether it is said of rules and interfaces as they are, and not of what may come by itself. */
static bool is_for_rules(enum fast_reason reason)
{
	return reason != FAST_REASON_NONE && reason != FAST_REASON_UNWANTED &&
	       reason != FAST_REASON_INGRESS_IFACE && reason != FAST_REASON_IFACE &&
	       (reason < FAST_REASON_FRAGMENT || reason == FAST_REASON_ECHOES ||
		reason == FAST_REASON_REFUSED);
}

static int compare_verdicts(const void *left, const void *right)
{
	const struct lane_verdict *a = left, *b = right;

	return rule_compare_flows(&a->in, &b->in);
}
