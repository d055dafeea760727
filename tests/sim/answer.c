/* answer.c - what the answers of a simulation's shards mean to its control.
 *
 * Whatever control asked must have been done, but for an output that finds no place, and all that
 * is asked of a shard that has come to its end. What is given back must be what was given, and its
 * counters the last word about it.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

static void forget_flow(struct sim_world *w, struct sim_flow *flow)
{
	sim_sock_close(w, flow->sock);
	free(flow->log);
	*flow = (struct sim_flow){0};
}

static void forget_output(struct sim_world *w, struct sim_output *o)
{
	sim_sock_close(w, o->sock);
	*o = (struct sim_output){0};
}

static void check_fd(int fd, uint32_t sock)
{
	if (fd != sim_fd(sock)) {
		sim_broken("another socket was given back # %d, not %d", fd, sim_fd(sock));
	}
}

/* Of one that has left; `relayed' by its flow until then. */
static void check_left(const struct sim_world *w, const struct sim_output *o,
		       const struct shard_message *m, uint64_t relayed)
{
	check_fd(m->fd, o->sock);
	sim_check_output(w, o, &m->output_stats, 0);
	if (!sim_is_wild(w, &w->flows[o->flow]) &&
	    stat_get(&m->output_stats.offered) != relayed - o->base) {
		sim_broken("offered is what was relayed # at its end: %lu, %lu",
			   stat_get(&m->output_stats.offered), relayed - o->base);
	}
}

/* Of a flow and its outputs. */
static void take_told(struct sim_world *w)
{
	struct sim_job *job = &w->job;
	struct sim_flow *flow = &w->flows[job->flow];
	const struct shard_message *told = &job->list[0];

	check_fd(told->fd, flow->sock);
	sim_check_flow(w, flow, &told->flow_stats, 0);
	/* It may have been told of these before its last output was through. */
	if (flow->sock != SIM_NONE &&
	    (stat_get(&told->flow_stats.kernel_drops) != flow->lost + told->flow_past.drops_seen ||
	     told->flow_past.drops_seen > w->socks[flow->sock].drops)) {
		sim_broken("kernel drops # at the end of a flow");
	}
	for (uint32_t i = 0; i < job->part_count; i++) {
		check_left(w, &w->outputs[job->parts[i]], &job->list[i + 1], sim_offered(w, flow));
	}
}

static void take_given(struct sim_world *w)
{
	struct sim_job *job = &w->job;
	struct sim_flow *flow = &w->flows[job->flow];

	flow->token = job->list[0].flow;
	flow->busy = flow->held = false;
	for (uint32_t i = 0; i < job->part_count; i++) {
		struct sim_output *o = &w->outputs[job->parts[i]];

		if (job->list[i + 1].result == -ENOSPC) {
			forget_output(w, o);
			continue;
		}
		o->token = job->list[i + 1].output;
		if (job->kind == SIM_ADD_FLOW) {
			o->base = sim_offered(w, flow);
			o->cursor = flow->log_count;
		}
		o->busy = false;
	}
}

static void expect_done(const struct sim_job *job, int result)
{
	if (result != 0) {
		sim_broken("a message is refused # %d, job %d", result, (int)job->kind);
	}
}

/* Another one took its place at once; the old one has gone now. */
static void take_replaced(struct sim_world *w)
{
	struct sim_output *o = &w->outputs[w->job.output];

	check_fd(w->job.message.fd, o->old_sock);
	sim_sock_close(w, o->old_sock);
	o->old_token = o->old_sock = SIM_NONE;
}

static void begin_replaced(struct sim_world *w)
{
	struct sim_output *o = &w->outputs[w->job.output];

	o->old_token = o->token;
	o->old_sock = o->sock;
	o->token = w->job.message.output;
	o->sock = w->job.fresh;
	o->mtu_told = w->conf.mtu > o->mtu_told ? w->conf.mtu : o->mtu_told;
	o->cut_off = o->dark = o->sourceless = false;
	o->asked = 0; /* another socket: whoever has asked waits at the old one */
	w->job.begun = true;
}

static void settle_output(struct sim_world *w)
{
	struct sim_job *job = &w->job;
	const struct shard_message *m = &job->message;
	struct sim_output *o = &w->outputs[job->output];

	switch (job->kind) {
	case SIM_ADD_OUTPUT:
		o->token = m->output;
		o->base = sim_offered(w, &w->flows[o->flow]);
		o->cursor = w->flows[o->flow].log_count;
		o->busy = false;
		break;
	case SIM_REMOVE_OUTPUT:
		check_left(w, o, m, job->relayed);
		forget_output(w, o);
		break;
	case SIM_REPLACE_OUTPUT:
		take_replaced(w);
		break;
	case SIM_OPEN_OUTPUT:
		o->sock = job->fresh;
		o->mtu_told = w->conf.mtu > o->mtu_told ? w->conf.mtu : o->mtu_told;
		o->cut_off = o->dark = o->sourceless = false;
		break;
	case SIM_CLOSE_OUTPUT:
		check_fd(m->fd, o->sock);
		sim_sock_close(w, o->sock);
		o->sock = SIM_NONE;
		break;
	case SIM_TRY_PATH:
		o->mtu_told = m->output_rule.mtu > o->mtu_told ? m->output_rule.mtu : o->mtu_told;
		o->dark = m->dark;
		break;
	case SIM_SET_DUTIES:
		o->sourceless = job->duty.is_output ? job->duty.standby : o->sourceless;
		break;
	case SIM_SET_OUTPUT:
		o->meta_changed = o->meta_changed || o->rule.out.dscp != m->output_rule.out.dscp;
		o->rule.out = m->output_rule.out;
		break;
	default:
		break;
	}
}

static void settle_flow(struct sim_world *w)
{
	struct sim_job *job = &w->job;
	const struct shard_message *m = &job->message;
	struct sim_flow *flow = &w->flows[job->flow];

	switch (job->kind) {
	case SIM_OPEN_FLOW:
		flow->sock = job->fresh;
		break;
	case SIM_CLOSE_FLOW:
		check_fd(m->fd, flow->sock);
		flow->lost += w->socks[flow->sock].drops;
		sim_sock_close(w, flow->sock);
		flow->sock = SIM_NONE;
		break;
	case SIM_SET_FLOW:
		flow->rule.in.max_age_ms = m->flow_rule.in.max_age_ms;
		flow->rule.in.breaker = m->flow_rule.in.breaker;
		break;
	case SIM_SET_DUTIES:
		flow->held = job->duty.is_output ? flow->held : job->duty.hold;
		if (flow->is_twin) {
			w->twins.phase_ns = w->clock_ns; /* it has been told */
		}
		break;
	default:
		break;
	}
}

/* Whether the job goes on. */
static bool settle(struct sim_world *w)
{
	struct sim_job *job = &w->job;

	switch (job->kind) {
	case SIM_MOVE_TAKE:
		take_told(w);
		job->kind = SIM_MOVE_GIVE;
		sim_give(w);
		return true;
	case SIM_REMOVE_FLOW:
		take_told(w);
		for (uint32_t i = 0; i < job->part_count; i++) {
			forget_output(w, &w->outputs[job->parts[i]]);
		}
		forget_flow(w, &w->flows[job->flow]);
		return false;
	case SIM_ADD_FLOW:
	case SIM_MOVE_GIVE:
		take_given(w);
		return false;
	default:
		settle_output(w);
		settle_flow(w);
		return false;
	}
}

/* An output that found no place, or a socket that was not taken. */
static void give_up(struct sim_world *w)
{
	struct sim_job *job = &w->job;

	sim_sock_close(w, job->fresh);
	if (job->kind == SIM_ADD_OUTPUT) {
		forget_output(w, &w->outputs[job->output]);
	}
}

static void expect_list_done(const struct sim_job *job)
{
	for (uint32_t i = 0; i < job->message.list_count; i++) {
		const struct shard_message *m = &job->list[i];

		if (m->op != SHARD_ADD_OUTPUT || m->result != -ENOSPC) {
			expect_done(job, m->result);
		}
	}
}

/* The shard has come to its end: some of it was done, and some was not. */
static bool is_over(const struct sim_job *job)
{
	bool over = job->message.result == -ESHUTDOWN;

	for (uint32_t i = 0; i < job->message.list_count; i++) {
		over = over || job->list[i].result == -ESHUTDOWN;
	}
	return over;
}

static void leave_under_way(struct sim_world *w)
{
	struct sim_job *job = &w->job;

	w->flows[job->flow].busy = true;
	w->outputs[job->output].busy = true;
	for (uint32_t i = 0; i < job->part_count; i++) {
		w->outputs[job->parts[i]].busy = true;
	}
}

void sim_take_answer(struct sim_world *w, struct sim_shard *s)
{
	struct sim_job *job = &w->job;
	struct shard_message *m = mailbox_take_answer(&s->mailbox);
	bool finds_no_place;

	if (job->kind == SIM_IDLE || job->shard != s->number) {
		return;
	}
	if (!job->taken) {
		job->taken = true;
		job->relayed = sim_offered(w, &w->flows[job->flow]);
		if (job->kind == SIM_CLOSE_OUTPUT) {
			w->outputs[job->output].cut_off = true;
		}
	}
	if (m == NULL) {
		if (job->kind == SIM_REPLACE_OUTPUT && !job->begun) {
			begin_replaced(w);
		}
		return;
	}
	if (is_over(job)) {
		leave_under_way(w);
		return;
	}
	finds_no_place = m->result == -ENOSPC &&
			 (job->kind == SIM_ADD_OUTPUT || job->kind == SIM_REPLACE_OUTPUT);
	if (finds_no_place) {
		give_up(w);
		job->kind = SIM_IDLE;
		return;
	}
	expect_done(job, m->result);
	expect_list_done(job);
	if (job->kind == SIM_REPLACE_OUTPUT && !job->begun) {
		begin_replaced(w);
	}
	if (!settle(w)) {
		job->kind = SIM_IDLE;
		sim_next_step(w);
	}
}
