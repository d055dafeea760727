/* duty.c - see duty.h.
 *
 * What a flow has to do is told by its rule's order, or that for all, or the setup's own; the same
 * look-up serves the shards' places, the setup's tables, from which the next change goes on, and
 * what is remembered of rules. An output whose source address is not here (sources.h) stands by
 * too, whatever its rule is to do.
 */
#include "src/run/duty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/clock.h"
#include "src/rules/index.h"
#include "src/run/supervisor.h"

#define AGAIN_NS (NS_PER_S / 10) /* after which memory is asked for again */

static bool lacks_memory(struct duty *duty);
static int told(struct duty *duty);
static void log_standby(const struct duty *duty);
static int put(struct duty_orders *orders, const struct duty_order *order);
static void remove_before(struct duty_orders *orders, const char *name, uint64_t number);
static bool stands_by(const struct duty *duty, const struct conf *conf,
		      const struct conf_flow *flow);
static const struct duty_order *order_of(const struct duty *duty, const char *name);
static struct duty_order *find(const struct duty_orders *orders, const char *name);
static uint32_t list_shard(const struct duty *duty, const struct conf_index *index, uint32_t shard,
			   struct shard_duty *out);
static void note_rule(const struct duty *duty, struct duty_past *past, enum duty_state state);
static enum duty_state *states_of(const struct duty *duty);
static bool can_send(const struct duty *duty, const struct conf_flow *flow);
static int compare_names(const void *left, const void *right);
static double wall_s(void);

static const char *const state_names[] = {"absent", "standby", "active"};

void duty_init(struct duty *duty, struct supervisor *sup)
{
	*duty = (struct duty){
		.sup = sup, .relief.sup = sup, .due = true}; /* to note how the rules begin */
}

void duty_free(struct duty *duty)
{
	free(duty->now.list);
	free(duty->later.list);
	free(duty->past);
	free(duty->message);
	relief_free(&duty->relief);
	*duty = (struct duty){0};
}

int duty_say(struct duty *duty, const char *name, bool standby, uint64_t in_ns)
{
	struct duty_order order = {.standby = standby, .number = ++duty->numbered};
	struct duty_orders *orders = in_ns > 0 ? &duty->later : &duty->now;

	strncpy(order.name, name, sizeof(order.name) - 1);
	order.at_ns = in_ns > 0 ? clock_now_ns() + in_ns : 0;
	remove_before(&duty->later, name, order.number);
	if (in_ns == 0) {
		remove_before(&duty->now, name, order.number);
	}
	return put(orders, &order);
}

void duty_wake(struct duty *duty)
{
	duty->due = true;
	duty->shard = 0;
}

int duty_mark(const struct duty *duty, struct setup *setup)
{
	const struct conf *conf = &setup->opt->conf;
	struct conf_index index;
	int rc = duty->now.count > 0 ? conf_index_build(conf, &index) : 0;

	if (rc < 0 || duty->now.count == 0) {
		return rc;
	}
	for (uint32_t s = 0; s < setup->layout.shard_count; s++) {
		struct rule_table *table = &setup->layout.tables[s];

		for (uint32_t f = 0; f < table->flow_count; f++) {
			const struct conf_flow *flow = conf_index_find(&index, &table->flows[f].in);

			table->flows[f].standby = flow && stands_by(duty, conf, flow);
		}
	}
	conf_index_free(&index);
	return 0;
}

/* Rules that are new were nothing before, and rules that have gone are forgotten. */
int duty_note(struct duty *duty)
{
	const struct conf *conf = &duty->sup->setup->opt->conf;
	struct duty_past *past = calloc(conf->rule_count + 1UL, sizeof(*past));
	enum duty_state *states = states_of(duty);

	if (!past || !states) {
		free(past);
		free(states);
		return -ENOMEM;
	}
	for (uint32_t r = 0; r < conf->rule_count; r++) {
		memcpy(past[r].name, conf->rules[r].name, sizeof(past[r].name));
		note_rule(duty, &past[r], states[r]);
		past[r].ordered = order_of(duty, past[r].name) != NULL;
	}
	free(states);
	qsort(past, conf->rule_count, sizeof(*past), compare_names);
	free(duty->past);
	duty->past = past;
	duty->past_count = conf->rule_count;
	return 0;
}

void duty_tick(struct duty *duty, uint64_t now_ns)
{
	for (uint32_t i = 0; i < duty->later.count;) {
		struct duty_order order = duty->later.list[i];

		if (order.at_ns > now_ns) {
			i++;
			continue;
		}
		memmove(&duty->later.list[i], &duty->later.list[i + 1],
			(duty->later.count - i - 1) * sizeof(order));
		duty->later.count--;
		order.at_ns = 0;
		remove_before(&duty->now, order.name, order.number);
		if (put(&duty->now, &order) < 0) {
			log_error("standby: out of memory; %s goes on as it is",
				  order.name[0] ? order.name : "every rule");
		}
		duty_wake(duty);
	}
	if (relief_tick(&duty->relief, now_ns)) {
		duty_wake(duty);
	}
}

int duty_sleep_ms(const struct duty *duty, uint64_t now_ns, int most_ms)
{
	uint64_t next_ns = UINT64_MAX;

	most_ms = relief_sleep_ms(&duty->relief, now_ns, most_ms);
	for (uint32_t i = 0; i < duty->later.count; i++) {
		next_ns = duty->later.list[i].at_ns < next_ns ? duty->later.list[i].at_ns : next_ns;
	}
	if (next_ns == UINT64_MAX || next_ns > now_ns + (uint64_t)most_ms * NS_PER_MS) {
		return most_ms;
	}
	return next_ns <= now_ns ? 0 : (int)((next_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

bool duty_is_due(const struct duty *duty)
{
	return duty->due;
}

/* Shards of which nothing changes are left out, and those that have begun to close. */
bool duty_next(struct duty *duty, struct shard_message *message, uint32_t *shard)
{
	struct supervisor *sup = duty->sup;
	struct conf_index index = {0};
	uint32_t count = 0;

	if (!duty->due || duty->again_ns > clock_now_ns()) {
		return false;
	}
	if (conf_index_build(&sup->setup->opt->conf, &index) < 0) {
		return lacks_memory(duty);
	}
	while (count == 0 && duty->shard < sup->worker_count) {
		struct worker *w = &sup->workers[duty->shard];
		uint32_t places = w->shard->relay.place_count + w->shard->egress.place_count;

		free(duty->message);
		duty->message = calloc(places + 1UL, sizeof(*duty->message));
		if (!duty->message) {
			conf_index_free(&index);
			return lacks_memory(duty);
		}
		*shard = duty->shard++;
		gate_keep(w->gate);
		if (!w->closing) {
			count = list_shard(duty, &index, *shard, duty->message);
		}
		gate_let(w->gate);
	}
	conf_index_free(&index);
	*message = (struct shard_message){
		.op = SHARD_SET_DUTIES, .fd = -1, .duties = duty->message, .duty_count = count};
	if (count == 0 && told(duty) < 0) {
		return lacks_memory(duty);
	}
	duty->again_ns = 0;
	return count > 0;
}

uint64_t duty_again_ns(const struct duty *duty)
{
	return duty->due ? duty->again_ns : 0;
}

const struct duty_past *duty_past_of(const struct duty *duty, const char *rule)
{
	struct duty_past key = {0};

	strncpy(key.name, rule, sizeof(key.name) - 1);
	return duty->past_count > 0
		       ? bsearch(&key, duty->past, duty->past_count, sizeof(key), compare_names)
		       : NULL;
}

const char *duty_state_name(enum duty_state state)
{
	return state_names[state];
}

/* What was ordered is neither forgotten nor done by half: whoever waits for it waits on. Always
 * false.
 */
static bool lacks_memory(struct duty *duty)
{
	if (duty->again_ns == 0) {
		log_error("standby: out of memory; what was ordered is done as soon as there is "
			  "some");
	}
	duty->again_ns = clock_now_ns() + AGAIN_NS;
	return false;
}

/* All of them. 0, or -ENOMEM: as if none had been. */
static int told(struct duty *duty)
{
	bool first = duty->past_count == 0;
	struct json_t *result;
	int rc = duty_mark(duty, duty->sup->setup);

	rc = rc == 0 ? duty_note(duty) : rc;
	if (rc < 0) {
		return rc;
	}
	duty->due = false;
	if (first) {
		log_standby(duty);
	}
	if (relief_told(&duty->relief, &result)) {
		commands_duty_done(duty->sup, result);
	}
	duty->sup->lane.due = true;
	return 0;
}

/* How it begins: orders are those of one life, since meanwhile another machine may have taken over,
 * which only whoever ordered it knows. */
static void log_standby(const struct duty *duty)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < duty->past_count; i++) {
		count += duty->past[i].state == DUTY_STANDBY;
	}
	if (count > 0) {
		log_notice("standby: %u of %u rules stand by, as the configuration and addresses "
			   "say; orders given before the start hold no more",
			   count, duty->past_count);
	}
}

static int put(struct duty_orders *orders, const struct duty_order *order)
{
	uint32_t at = 0;

	if (orders->count == orders->room) {
		uint32_t room = orders->room ? 2 * orders->room : 8;
		void *grown = realloc(orders->list, room * sizeof(*orders->list));

		if (!grown) {
			return -ENOMEM;
		}
		orders->list = grown;
		orders->room = room;
	}
	while (at < orders->count && strcmp(orders->list[at].name, order->name) < 0) {
		at++;
	}
	memmove(&orders->list[at + 1], &orders->list[at],
		(orders->count - at) * sizeof(*orders->list));
	orders->list[at] = *order;
	orders->count++;
	return 0;
}

/* Of `name', or with "" of all rules, those that came before. */
static void remove_before(struct duty_orders *orders, const char *name, uint64_t number)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < orders->count; i++) {
		const struct duty_order *order = &orders->list[i];
		bool same = name[0] == '\0' || strcmp(order->name, name) == 0;

		if (!same || order->number > number) {
			orders->list[left++] = *order;
		}
	}
	orders->count = left;
}

static bool stands_by(const struct duty *duty, const struct conf *conf,
		      const struct conf_flow *flow)
{
	const struct duty_order *order = order_of(duty, conf->rules[flow->rule].name);

	return order ? order->standby : flow->standby;
}

/* The order that a rule goes by; NULL: the configuration. */
static const struct duty_order *order_of(const struct duty *duty, const char *name)
{
	const struct duty_order *order = find(&duty->now, name);

	return order ? order : find(&duty->now, "");
}

static struct duty_order *find(const struct duty_orders *orders, const char *name)
{
	struct duty_order key = {0};

	strncpy(key.name, name, sizeof(key.name) - 1);
	return orders->count > 0
		       ? bsearch(&key, orders->list, orders->count, sizeof(key), compare_names)
		       : NULL;
}

/* Flows and outputs that are to do something else from now on. What no rule has any more is on its
 * way out. */
static uint32_t list_shard(const struct duty *duty, const struct conf_index *index, uint32_t shard,
			   struct shard_duty *out)
{
	const struct shard *at = duty->sup->workers[shard].shard;
	uint32_t count = 0;

	for (uint32_t i = 0; i < at->relay.place_count; i++) {
		struct flow_place *place = relay_place(&duty->sup->workers[shard].shard->relay, i);
		const struct conf_flow *flow =
			place->flow.rule ? conf_index_find(index, &place->rule.in) : NULL;
		struct shard_duty wanted = {.token = place->flow.token};

		if (!flow) {
			continue;
		}
		wanted.standby = stands_by(duty, index->conf, flow);
		relief_want(&duty->relief, shard, place, flow, index->conf, &wanted);
		if (wanted.standby != place->rule.standby || wanted.hold != place->flow.held ||
		    wanted.baton != place->flow.baton) {
			out[count++] = wanted;
			if (wanted.standby || wanted.hold) {
				lane_drop(duty->sup, &place->rule.in);
			}
		}
	}
	for (uint32_t i = 0; i < at->egress.place_count; i++) {
		const struct egress_output *output = &shard_output(at, i)->output;
		bool lacks = output->rule && sources_lacks(&duty->sup->links.sources, output->rule);

		if (output->rule && output->fd >= 0 && lacks != output->sourceless) {
			out[count++] = (struct shard_duty){
				.token = output->token, .is_output = true, .standby = lacks};
			if (lacks) {
				lane_drop(duty->sup,
					  &shard_flow(at, place_index(output->flow))->rule.in);
			}
		}
	}
	lane_settle(duty->sup);
	return count;
}

static void note_rule(const struct duty *duty, struct duty_past *past, enum duty_state state)
{
	const struct duty_past *before = duty_past_of(duty, past->name);
	bool known = before != NULL;

	past->state = state;
	past->takeovers = known ? before->takeovers : 0;
	past->changed_s = known ? before->changed_s : 0;
	if (known && before->state != state) {
		past->changed_s = wall_s();
		past->takeovers += state == DUTY_ACTIVE;
	}
}

/* Of each rule, to be freed; NULL: out of memory. */
static enum duty_state *states_of(const struct duty *duty)
{
	const struct conf *conf = &duty->sup->setup->opt->conf;
	enum duty_state *states = calloc(conf->rule_count + 1UL, sizeof(*states));

	for (uint32_t f = 0; states && f < conf->flow_count; f++) {
		const struct conf_flow *flow = &conf->flows[f];
		enum duty_state state = stands_by(duty, conf, flow) || !can_send(duty, flow)
						? DUTY_STANDBY
						: DUTY_ACTIVE;
		enum duty_state *rule = &states[conf->flows[f].rule];

		*rule = state > *rule ? state : *rule;
	}
	return states;
}

/* Whether one of its outputs has an address to send from. */
static bool can_send(const struct duty *duty, const struct conf_flow *flow)
{
	const struct setup *setup = duty->sup->setup;
	const struct conf_flow *lead = conf_lead(flow);

	for (uint32_t o = 0; o < lead->output_count; o++) {
		const struct rule_output *out = &setup->opt->conf.outputs[lead->first_output + o];
		const struct iface *iface = iface_find(&setup->ifaces, out->to.ifname);
		const struct rule_table_output output = {.out = *out,
							 .ifindex = iface ? iface->ifindex : 0};

		if (!sources_lacks(&duty->sup->links.sources, &output)) {
			return true;
		}
	}
	return lead->output_count == 0;
}

/* Orders and what is remembered of rules both begin with the name. */
static int compare_names(const void *left, const void *right)
{
	return strcmp(left, right);
}

static double wall_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / NS_PER_S;
}
