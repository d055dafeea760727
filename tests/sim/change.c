/* change.c - control of a simulation: begins one job at a time, and asks it of the shards.
 *
 * As src/run/changer.c does, one message is under way in all. What the answers mean is in answer.c.
 */
#include <string.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "tests/sim/trace.h"

#define PORT_FIRST 6000
#define ON_TRAINS  4 /* kind of a flow with a socket, in the class for trains, and no option */

static const struct addr echo = {.family = AF_INET, .port = 9000, .ip = {10, 0, 0, 1}};

struct egress_socket sim_egress_socket(const struct sim_world *w, uint32_t output, uint32_t sock)
{
	const struct rule_output *out = &w->outputs[output].rule.out;

	return (struct egress_socket){.fd = sim_fd(sock),
				      .gso = w->conf.train_max > 1 && out->gso != 0,
				      .connected = out->to.addr.port % 2 == 0 && !out->src_keep,
				      .mtu = w->conf.mtu,
				      .zerocopy_bytes = w->conf.zerocopy};
}

static struct rule_table_output make_rule(struct sim_world *w, uint32_t kind)
{
	static const uint8_t ttls[] = {RULE_TTL_AUTO, RULE_TTL_FIXED, RULE_TTL_KEEP, RULE_TTL_DEC};
	struct rule_table_output rule = {
		.out = RULE_OUTPUT_UNSET, .ifindex = 1, .mtu = w->conf.mtu};
	struct rule_output *out = &rule.out;
	uint32_t more = kind * 2654435761U >> 16;

	must(addr_parse_ip(kind % 4 == 0 ? "ff3e::2" : "239.2.2.2", &out->to.addr) == 0);
	out->to.addr.port = (uint16_t)(PORT_FIRST + w->ports++ % 50000);
	out->ttl_mode = ttls[kind / 4 % 4];
	out->ttl = 16;
	out->dscp = kind / 16 % 2 ? RULE_DSCP_KEEP : RULE_AUTO;
	out->priority = kind / 32 % 4 == 0 ? (int8_t)(kind / 128 % 8) : RULE_AUTO;
	out->rate_bps = kind / 1024 % 8 == 0 ? 1000000 : 0;
	out->mtu = kind / 8192 % 4 == 0 ? 1280 : 0;
	out->df = kind / 8192 % 8 == 0;
	out->src_keep = kind % 4 != 0 && more % 4 == 0;
	out->sport_keep = out->src_keep && more / 4 % 2;
	out->reply = !out->src_keep && more / 8 % 2;
	return rule;
}

/* An output of `flow' that is not there yet; SIM_NONE: there are enough. `kind' % 8 == 7: it is
 * without a socket. */
static uint32_t make_output(struct sim_world *w, uint32_t flow, uint32_t kind)
{
	for (uint32_t i = 0; i < SIM_OUTPUTS; i++) {
		struct sim_output *o = &w->outputs[i];

		if (o->used) {
			continue;
		}
		*o = (struct sim_output){.used = true,
					 .busy = true,
					 .flow = flow,
					 .sock = SIM_NONE,
					 .old_token = SIM_NONE,
					 .old_sock = SIM_NONE,
					 .mtu_told = w->conf.mtu,
					 .rule = make_rule(w, kind)};
		if (kind % 8 != 7) {
			o->sock = sim_sock_open(w, SIM_NONE, i);
		}
		return i;
	}
	return SIM_NONE;
}

static struct shard_message output_message(const struct sim_world *w, uint32_t output)
{
	const struct sim_output *o = &w->outputs[output];

	return (struct shard_message){.op = SHARD_ADD_OUTPUT,
				      .fd = -1,
				      .flow = w->flows[o->flow].token,
				      .output_rule = o->rule,
				      .socket = sim_egress_socket(w, output, o->sock)};
}

void sim_ask(struct sim_world *w, uint32_t shard)
{
	w->job.shard = shard;
	w->job.taken = false;
	must(mailbox_send(&w->shards[shard].mailbox, &w->job.message));
	sim_wake(&w->shards[shard]);
}

static void ask_list(struct sim_world *w, uint32_t shard, uint32_t count)
{
	struct sim_job *job = &w->job;

	job->message = (struct shard_message){.op = SHARD_LIST,
					      .fd = -1,
					      .flow = w->flows[job->flow].token,
					      .list = job->list,
					      .list_count = count};
	sim_ask(w, shard);
}

static void make_flow(struct sim_world *w, struct sim_flow *flow, uint32_t shard, uint32_t kind)
{
	static const int8_t breakers[] = {RULE_BREAKER_OFF, RULE_BREAKER_OFF, RULE_BREAKER_ON,
					  RULE_BREAKER_STRICT};

	*flow = (struct sim_flow){.used = true,
				  .busy = true,
				  .feed = ++w->feeds,
				  .shard = shard,
				  .token = PLACE_NONE,
				  .of_feed = SIM_NONE,
				  .circles_by = SIM_NONE,
				  .sock = SIM_NONE};
	flow->rule = (struct rule_flow){.ifindex = 1, .in = RULE_INGRESS_UNSET};
	flow->rule.in.at.addr = sim_address(2, (uint16_t)(w->feeds % 60000));
	flow->rule.in.breaker = breakers[kind * 2654435761U >> 24 & 3];
	flow->rule.pool_class = kind % 3 == 0 ? POOL_SMALL : POOL_TRAIN;
	flow->rule.in.max_age_ms = kind / 4 % 4 == 0 ? 40 : 0;
	if (kind / 16 % 2) {
		flow->rule.in.source = sim_address(1, 0);
	}
	if (kind / 32 % 8 != 7) {
		flow->sock = sim_sock_open(w, (uint32_t)(flow - w->flows), SIM_NONE);
	}
}

/* Asks for a flow that was made. */
static void add_flow(struct sim_world *w, uint32_t at, uint32_t outputs, uint32_t kind)
{
	struct sim_job *job = &w->job;
	uint32_t count = 0;

	*job = (struct sim_job){.kind = SIM_ADD_FLOW, .flow = at, .fresh = SIM_NONE};
	job->list[count++] = (struct shard_message){.op = SHARD_ADD_FLOW,
						    .fd = sim_fd(w->flows[at].sock),
						    .flow_rule = w->flows[at].rule};
	for (uint32_t i = 0; i < outputs && i < SIM_FLOW_OUTPUTS; i++) {
		uint32_t output = make_output(w, at, kind / 8 + 37 * i);

		if (output != SIM_NONE) {
			job->parts[job->part_count++] = output;
			job->list[count++] = output_message(w, output);
		}
	}
	job->list[count++] = (struct shard_message){.op = SHARD_START_FLOW, .fd = -1};
	ask_list(w, w->flows[at].shard, count);
}

void sim_begin_flow(struct sim_world *w, uint32_t shard, uint32_t outputs, uint32_t kind)
{
	for (uint32_t at = 0; at < SIM_FLOWS; at++) {
		if (!w->flows[at].used) {
			make_flow(w, &w->flows[at], shard, kind);
			add_flow(w, at, outputs, kind);
			return;
		}
	}
}

void sim_add_twin(struct sim_world *w, uint32_t shard)
{
	struct sim_flow *flow = &w->flows[w->twins.flows[shard]];

	make_flow(w, flow, shard, ON_TRAINS);
	flow->is_twin = true;
	flow->rule.in.breaker = RULE_BREAKER_OFF;
	flow->feed = w->flows[w->twins.flows[0]].feed;
	flow->rule.standby = shard != w->twins.active;
	add_flow(w, w->twins.flows[shard], 1, w->plan_kind);
}

void sim_ask_duty(struct sim_world *w, uint32_t flow, const struct shard_duty *duty)
{
	struct sim_job *job = &w->job;

	*job = (struct sim_job){.kind = SIM_SET_DUTIES, .flow = flow, .fresh = SIM_NONE};
	job->duty = *duty;
	job->duty.token = w->flows[flow].token;
	job->message = (struct shard_message){
		.op = SHARD_SET_DUTIES, .fd = -1, .duties = &job->duty, .duty_count = 1};
	sim_ask(w, w->flows[flow].shard);
}

void sim_add_leg(struct sim_world *w, const struct sim_feed *feed, uint32_t leg, uint32_t outputs)
{
	uint32_t at = feed->legs[leg], kind = w->plan_kind / (1 + leg);
	struct sim_flow *flow = &w->flows[at];

	make_flow(w, flow, w->plan_shard, kind);
	flow->of_feed = (uint32_t)(feed - w->feed_list);
	flow->leg = leg;
	flow->feed = w->flows[feed->legs[0]].feed;
	flow->rule.merge = &feed->key;
	flow->rule.leg = (uint8_t)leg;
	flow->rule.in.breaker = RULE_BREAKER_OFF;
	add_flow(w, at, outputs, kind);
}

static uint32_t find_outputs(const struct sim_world *w, uint32_t flow,
			     uint32_t out[SIM_FLOW_OUTPUTS])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < SIM_OUTPUTS; i++) {
		if (w->outputs[i].used && w->outputs[i].flow == flow) {
			must(count < SIM_FLOW_OUTPUTS);
			out[count++] = i;
		}
	}
	return count;
}

void sim_take_flow(struct sim_world *w, uint32_t flow, enum sim_job_kind kind)
{
	struct sim_job *job = &w->job;
	struct sim_flow *f = &w->flows[flow];

	*job = (struct sim_job){.kind = kind, .flow = flow, .fresh = SIM_NONE};
	job->target = (f->shard + 1) % SIM_SHARDS;
	job->part_count = find_outputs(w, flow, job->parts);
	job->list[0] = (struct shard_message){.op = SHARD_REMOVE_FLOW, .fd = -1};
	for (uint32_t i = 0; i < job->part_count; i++) {
		job->list[i + 1] =
			(struct shard_message){.op = SHARD_REMOVE_OUTPUT,
					       .fd = -1,
					       .output = w->outputs[job->parts[i]].token};
	}
	f->busy = true;
	ask_list(w, f->shard, 1 + job->part_count);
}

void sim_give(struct sim_world *w)
{
	struct sim_job *job = &w->job;
	struct sim_flow *flow = &w->flows[job->flow];

	job->list[0].op = SHARD_ADD_FLOW;
	job->list[0].goes_on = true;
	job->list[0].flow_rule.merge = flow->rule.merge;
	for (uint32_t i = 0; i < job->part_count; i++) {
		struct shard_message *m = &job->list[i + 1];

		m->op = SHARD_ADD_OUTPUT;
		m->goes_on = true;
		m->socket = sim_egress_socket(w, job->parts[i], w->outputs[job->parts[i]].sock);
	}
	job->list[1 + job->part_count] = (struct shard_message){.op = SHARD_START_FLOW, .fd = -1};
	flow->shard = job->target;
	ask_list(w, job->target, 2 + job->part_count);
}

static void begin_of_flow(struct sim_world *w, const struct sim_event *e, uint32_t flow)
{
	struct sim_flow *f = &w->flows[flow];
	struct sim_job *job = &w->job;
	struct shard_message *m = &job->message;

	*job = (struct sim_job){.flow = flow, .fresh = SIM_NONE};
	*m = (struct shard_message){.fd = -1, .flow = f->token, .flow_rule = f->rule};
	switch (e->kind) {
	case SIM_EVENT_FLOW_LINK:
		job->kind = f->sock == SIM_NONE ? SIM_OPEN_FLOW : SIM_CLOSE_FLOW;
		m->op = f->sock == SIM_NONE ? SHARD_OPEN_FLOW : SHARD_CLOSE_FLOW;
		job->fresh = f->sock == SIM_NONE ? sim_sock_open(w, flow, SIM_NONE) : SIM_NONE;
		m->fd = sim_fd(job->fresh);
		break;
	case SIM_EVENT_SET_FLOW:
		job->kind = SIM_SET_FLOW;
		m->op = SHARD_SET_FLOW;
		m->flow_rule.in.max_age_ms = e->b % 2 ? 40 : 0;
		m->flow_rule.standby = e->b % 8 == 2;
		m->flow_rule.in.breaker = f->rule.in.breaker != RULE_BREAKER_OFF && e->b / 8 % 2
						  ? RULE_BREAKER_ON
						  : f->rule.in.breaker;
		break;
	case SIM_EVENT_DUTY:
		job->kind = SIM_SET_DUTIES;
		m->op = SHARD_SET_DUTIES;
		job->duty = (struct shard_duty){
			.token = f->token, .standby = e->b % 4 == 0, .hold = e->b / 4 % 3 == 0};
		m->duties = &job->duty;
		m->duty_count = 1;
		break;
	default:
		job->kind = SIM_SET_ECHOES;
		m->op = SHARD_SET_ECHOES;
		m->echoes = e->b % 2 ? &echo : NULL;
		m->echo_count = e->b % 2;
	}
	sim_ask(w, f->shard);
}

static void begin_set_output(struct sim_world *w, const struct sim_event *e)
{
	struct sim_output *o = &w->outputs[w->job.output];
	struct rule_output *out = &w->job.message.output_rule.out;

	w->job.kind = SIM_SET_OUTPUT;
	w->job.message.op = SHARD_SET_OUTPUT;
	out->rate_bps = e->b % 4 == 0 ? 1000000 : 0;
	out->priority = e->b / 4 % 4 == 0 ? (int8_t)(e->b / 16 % 8) : RULE_AUTO;
	out->dscp = e->b / 128 % 2 ? RULE_DSCP_KEEP : RULE_AUTO;
	out->mtu = e->b / 256 % 4 == 0 ? 1280 : 0;
	w->job.message.socket = sim_egress_socket(w, w->job.output, o->sock);
	w->job.message.socket.gso = w->job.message.socket.gso && e->b / 1024 % 4 > 0;
}

static void begin_of_output(struct sim_world *w, const struct sim_event *e, uint32_t output)
{
	struct sim_output *o = &w->outputs[output];
	struct sim_job *job = &w->job;
	struct shard_message *m = &job->message;

	*job = (struct sim_job){.flow = o->flow, .output = output, .fresh = SIM_NONE};
	*m = (struct shard_message){.fd = -1, .output = o->token, .output_rule = o->rule};
	switch (e->kind) {
	case SIM_EVENT_REMOVE_OUTPUT:
		job->kind = SIM_REMOVE_OUTPUT;
		m->op = SHARD_REMOVE_OUTPUT;
		o->busy = true;
		break;
	case SIM_EVENT_REPLACE:
		job->kind = SIM_REPLACE_OUTPUT;
		m->op = SHARD_REPLACE_OUTPUT;
		job->fresh = e->b % 8 ? sim_sock_open(w, SIM_NONE, output) : SIM_NONE;
		m->socket = sim_egress_socket(w, output, job->fresh);
		break;
	case SIM_EVENT_OUTPUT_LINK:
		job->kind = o->sock == SIM_NONE ? SIM_OPEN_OUTPUT : SIM_CLOSE_OUTPUT;
		m->op = o->sock == SIM_NONE ? SHARD_OPEN_OUTPUT : SHARD_CLOSE_OUTPUT;
		job->fresh = o->sock == SIM_NONE ? sim_sock_open(w, SIM_NONE, output) : SIM_NONE;
		m->socket = sim_egress_socket(w, output, job->fresh);
		break;
	case SIM_EVENT_TRY_PATH:
		job->kind = SIM_TRY_PATH;
		m->op = SHARD_TRY_PATH;
		m->output_rule.mtu = e->b % 3 == 0 ? 9000 : 1500;
		m->dark = e->b % 4 == 0;
		break;
	default:
		begin_set_output(w, e);
	}
	sim_ask(w, w->flows[o->flow].shard);
}

static void begin_duty_of_output(struct sim_world *w, const struct sim_event *e, uint32_t output)
{
	struct sim_job *job = &w->job;

	*job = (struct sim_job){.kind = SIM_SET_DUTIES,
				.flow = w->outputs[output].flow,
				.output = output,
				.fresh = SIM_NONE};
	job->duty = (struct shard_duty){
		.token = w->outputs[output].token, .is_output = true, .standby = e->b / 2 % 2 == 0};
	job->message = (struct shard_message){
		.op = SHARD_SET_DUTIES, .fd = -1, .duties = &job->duty, .duty_count = 1};
	sim_ask(w, w->flows[job->flow].shard);
}

static void begin_output(struct sim_world *w, const struct sim_event *e, uint32_t flow)
{
	uint32_t parts[SIM_FLOW_OUTPUTS];
	uint32_t output = find_outputs(w, flow, parts) < SIM_FLOW_OUTPUTS
				  ? make_output(w, flow, e->b)
				  : SIM_NONE;

	if (output != SIM_NONE) {
		w->job = (struct sim_job){.kind = SIM_ADD_OUTPUT,
					  .flow = flow,
					  .output = output,
					  .fresh = SIM_NONE,
					  .message = output_message(w, output)};
		sim_ask(w, w->flows[flow].shard);
	}
}

static void begin_room(struct sim_world *w, uint32_t shard)
{
	struct sim_shard *s = &w->shards[shard];
	struct shard_message *m = &w->job.message;

	if (s->room_count == SIM_ROOMS_MAX) {
		return;
	}
	w->job = (struct sim_job){.kind = SIM_ADD_ROOM, .fresh = SIM_NONE};
	*m = (struct shard_message){
		.op = SHARD_ADD_ROOM, .fd = -1, .flow_rooms = 1, .output_rooms = 1};
	m->memory = &s->rooms[s->room_count++];
	must(arena_map(m->memory, change_room_bytes(&s->relay, m), ARENA_HUGE_OFF) == 0);
	sim_ask(w, shard);
}

static uint32_t any_flow(const struct sim_world *w, uint32_t choice)
{
	for (uint32_t i = 0; i < SIM_FLOWS; i++) {
		const struct sim_flow *flow = &w->flows[(choice + i) % SIM_FLOWS];

		if (flow->used && !flow->is_twin) {
			return (choice + i) % SIM_FLOWS;
		}
	}
	return SIM_NONE;
}

/* That has the outputs. */
static uint32_t lead_of(const struct sim_world *w, uint32_t flow)
{
	uint32_t feed = w->flows[flow].of_feed;

	return feed == SIM_NONE ? flow : w->feed_list[feed].legs[0];
}

static uint32_t any_output(const struct sim_world *w, uint32_t choice)
{
	for (uint32_t i = 0; i < SIM_OUTPUTS; i++) {
		const struct sim_output *o = &w->outputs[(choice + i) % SIM_OUTPUTS];

		if (o->used && !w->flows[o->flow].is_twin) {
			return (choice + i) % SIM_OUTPUTS;
		}
	}
	return SIM_NONE;
}

void sim_change(struct sim_world *w, const struct sim_event *e)
{
	uint32_t flow = any_flow(w, e->a), output = any_output(w, e->a);
	enum sim_job_kind take;

	if (w->job.kind != SIM_IDLE) {
		return;
	}
	switch (e->kind) {
	case SIM_EVENT_ADD_FLOW:
		sim_begin_flow(w, e->a % SIM_SHARDS, e->b % (SIM_FLOW_OUTPUTS + 1), e->c);
		return;
	case SIM_EVENT_ROOM:
		begin_room(w, e->a % SIM_SHARDS);
		return;
	case SIM_EVENT_ADD_FEED:
		sim_begin_feed(w, e);
		return;
	case SIM_EVENT_ADD_TWINS:
		w->plan_kind = e->b;
		sim_begin_twins(w);
		return;
	case SIM_EVENT_RELIEVE:
		sim_relieve(w);
		return;
	default:
		break;
	}
	if (flow == SIM_NONE) {
		return;
	}
	switch (e->kind) {
	case SIM_EVENT_REMOVE_FLOW:
	case SIM_EVENT_MOVE:
		take = e->kind == SIM_EVENT_MOVE ? SIM_MOVE_TAKE : SIM_REMOVE_FLOW;
		if (w->flows[flow].of_feed != SIM_NONE) {
			sim_change_feed(w, w->flows[flow].of_feed, take);
		} else {
			sim_take_flow(w, flow, take);
		}
		return;
	case SIM_EVENT_ADD_OUTPUT:
		begin_output(w, e, lead_of(w, flow));
		return;
	case SIM_EVENT_DUTY:
		if (e->b % 2 && output != SIM_NONE) {
			begin_duty_of_output(w, e, output);
		} else {
			begin_of_flow(w, e, flow);
		}
		return;
	case SIM_EVENT_FLOW_LINK:
	case SIM_EVENT_SET_FLOW:
	case SIM_EVENT_ECHOES:
		begin_of_flow(w, e, flow);
		return;
	default:
		if (output != SIM_NONE &&
		    (e->kind != SIM_EVENT_TRY_PATH || w->outputs[output].sock != SIM_NONE)) {
			begin_of_output(w, e, output);
		}
	}
}
