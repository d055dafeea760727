/* reload.c - see reload.h.
 *
 * The second setup is made beside the running one, which lends its topology, engine and shards.
 * From then on nothing is left to chance but what only the kernel can say: sockets are opened and
 * memory is taken before the first shard hears of it. What has been done is in force: from then on
 * the supervisor's setup is the new one.
 */
#include "src/run/reload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/run/echoes_change.h"
#include "src/run/notify.h"
#include "src/run/report_file.h"
#include "src/run/rlimits.h"
#include "src/run/supervisor.h"
#include "src/setup/merges.h"
#include "src/setup/privileges.h"

#define LEFT_SAID_MAX 4 /* of what was not done, by name */

static int begin(struct reload *r, struct opt *opt, const struct plan *owners,
		 const struct reload_client *client, struct err *err);
static int prepare(struct reload *r, const struct plan *owners, struct err *err);
static int list_steps(struct reload *r);
static int list_echoes(struct reload *r, bool late);
static int list_difference(struct reload *r);
static int list_waits(struct reload *r);
static int add_step(struct reload *r, struct changer_step step);
static int prepared(void *context, struct err *err);
static void done(void *context, int rc, bool begun, const struct err *err);
static void go_over(struct reload *r);
static void say_what_was_done(const struct reload *r, struct err *out);
static void say_what_was_left(const struct reload *r, const struct err *why, struct err *out);
static struct changer_step step_of(const struct reload *r, const struct difference_step *from);
static void free_state(struct reload_state *state);
static void forget(struct reload *r);
static void read_again(struct reload *r);
static void by_signal_done(void *context, int rc, const struct err *text);

void reload_init(struct reload *r, struct supervisor *sup, int argc, char **argv)
{
	*r = (struct reload){.sup = sup, .argc = argc, .argv = argv};
}

void reload_free(struct reload *r)
{
	forget(r);
	free_state(r->running);
	r->running = NULL;
	*r = (struct reload){0};
}

bool reload_is_busy(const struct reload *r)
{
	return r->wanted != NULL;
}

void reload_again(struct reload *r, const char *who)
{
	r->who = who;
	if (reload_is_busy(r)) {
		r->again = true;
		return;
	}
	read_again(r);
}

int reload_apply(struct reload *r, struct opt *opt, const struct reload_client *client,
		 struct err *err)
{
	return begin(r, opt, &r->sup->setup->plan, client, err);
}

int reload_move(struct reload *r, const struct plan *owners, const struct reload_client *client,
		struct err *err)
{
	const struct opt *running = r->sup->setup->opt;
	struct opt opt = {0};
	int rc = options_copy(running, &opt, err);

	for (uint32_t i = 0; i < running->conf.rule_count && rc == 0; i++) {
		rc = options_take_rule(&opt.conf, &running->conf.rules[i], err);
	}
	rc = rc == 0 ? begin(r, &opt, owners, client, err) : rc;
	if (rc < 0) {
		options_free(&opt);
	}
	return rc;
}

/* Takes `opt' when it returns 0. */
static int begin(struct reload *r, struct opt *opt, const struct plan *owners,
		 const struct reload_client *client, struct err *err)
{
	struct changer_client changer_client = {.prepared = prepared, .done = done, .context = r};
	int rc = -EBUSY;

	if (reload_is_busy(r)) {
		err_set(err, "another change is under way");
		return rc;
	}
	r->partly = false;
	r->began_ns = r->began_ns > 0 ? r->began_ns : clock_now_ns();
	r->wanted = calloc(1, sizeof(*r->wanted));
	if (!r->wanted) {
		err_set(err, "reload: out of memory");
		return -ENOMEM;
	}
	r->wanted->opt = *opt;
	rc = prepare(r, owners, err);
	if (rc == 0) {
		r->client = *client;
		rc = changer_begin(&r->sup->changer, r->steps, r->step_count, &changer_client);
		if (rc < 0) {
			err_set(err, "reload: out of memory");
		}
	}
	if (rc < 0) {
		*opt = r->wanted->opt;
		r->wanted->opt = (struct opt){0};
		forget(r);
	}
	return rc;
}

/* Everything that can be wrong with it without touching a shard. */
static int prepare(struct reload *r, const struct plan *owners, struct err *err)
{
	struct reload_state *wanted = r->wanted;
	const struct setup *running = r->sup->setup;
	int rc = options_check_live(running->opt, &wanted->opt, err);

	if (rc == 0) {
		rc = privileges_check(&wanted->opt, r->sup->privs.had, r->sup->privs.have, err);
	}
	rc = rc == 0 ? names_fill(&r->sup->links.names, &wanted->opt.conf, err) : rc;
	if (rc == 0) {
		rc = setup_prepare_next(&wanted->setup, &wanted->opt, running, owners, err);
	}
	if (rc == 0) {
		rc = report_file_check(wanted->opt.exit_report, err);
	}
	if (rc == 0) {
		rc = rlimits_raise(&wanted->setup, err);
	}
	if (rc < 0) {
		return rc;
	}
	rc = duty_mark(&r->sup->changer.duty, &wanted->setup);
	if (rc == 0) {
		rc = difference_build(&running->layout, &wanted->setup.layout, &r->difference);
	}
	if (rc == 0) {
		rc = merges_check_moves(&r->difference, &running->layout, &wanted->setup.layout,
					err);
	}
	if (rc == 0) {
		rc = list_steps(r);
	}
	if (rc == -ENOMEM) {
		err_set(err, "reload: out of memory");
	}
	return rc;
}

/* A flow knows the senders that come before they send, and those that go until they have gone. */
static int list_steps(struct reload *r)
{
	int rc = list_waits(r);

	if (rc == 0) {
		rc = list_echoes(r, false);
	}
	if (rc == 0) {
		rc = list_difference(r);
	}
	return rc == 0 ? list_echoes(r, true) : rc;
}

static int list_waits(struct reload *r)
{
	const struct opt *a = r->sup->setup->opt, *b = &r->wanted->opt;
	int rc = 0;

	if (memcmp(&a->waits, &b->waits, sizeof(a->waits)) == 0 && a->drain_ms == b->drain_ms &&
	    a->latency_sample == b->latency_sample) {
		return 0;
	}
	for (uint32_t s = 0; s < r->sup->worker_count && rc == 0; s++) {
		rc = add_step(r, (struct changer_step){.op = SHARD_SET_WAITS,
						       .shard = s,
						       .waits = b->waits,
						       .drain_ns = b->drain_ms * NS_PER_MS,
						       .latency_sample = b->latency_sample});
	}
	return rc;
}

/* For every flow, where any sender is heard again; those that nothing changes for are left out once
 * the addresses are known. */
static int list_echoes(struct reload *r, bool late)
{
	const struct layout *wanted = &r->wanted->setup.layout;
	int rc = 0;

	if (r->sup->setup->layout.echo_count == 0 && wanted->echo_count == 0) {
		return 0;
	}
	for (uint32_t s = 0; s < wanted->shard_count; s++) {
		for (uint32_t f = 0; f < wanted->tables[s].flow_count && rc == 0; f++) {
			uint32_t from = difference_runs_at(&r->difference, s, f);

			rc = add_step(r, (struct changer_step){
						 .op = SHARD_SET_ECHOES,
						 .shard = s,
						 .late = late,
						 .moved = !late && from != s,
						 .from = from,
						 .flow = &wanted->tables[s].flows[f],
					 });
		}
	}
	return rc;
}

static int list_difference(struct reload *r)
{
	int rc = 0;

	for (uint32_t i = 0; i < r->difference.count && rc == 0; i++) {
		rc = add_step(r, step_of(r, &r->difference.steps[i]));
	}
	return rc;
}

static struct changer_step step_of(const struct reload *r, const struct difference_step *from)
{
	static const enum shard_op ops[] = {
		[DIFFERENCE_REMOVE_OUTPUT] = SHARD_REMOVE_OUTPUT,
		[DIFFERENCE_SET_MERGE] = SHARD_SET_MERGE,
		[DIFFERENCE_REMOVE_FLOW] = SHARD_REMOVE_FLOW,
		[DIFFERENCE_MOVE_FLOW] = SHARD_REMOVE_FLOW,
		[DIFFERENCE_HOLD_FLOW] = SHARD_HOLD_FLOW,
		[DIFFERENCE_HOLD_LEG] = SHARD_HOLD_FLOW,
		[DIFFERENCE_SET_FLOW] = SHARD_SET_FLOW,
		[DIFFERENCE_SET_OUTPUT] = SHARD_SET_OUTPUT,
		[DIFFERENCE_REPLACE_OUTPUT] = SHARD_REPLACE_OUTPUT,
		[DIFFERENCE_ADD_OUTPUT] = SHARD_ADD_OUTPUT,
		[DIFFERENCE_ADD_FLOW] = SHARD_ADD_FLOW,
		[DIFFERENCE_START_FLOW] = SHARD_START_FLOW,
	};
	bool holds = from->what == DIFFERENCE_HOLD_FLOW || from->what == DIFFERENCE_HOLD_LEG;
	bool goes = from->what == DIFFERENCE_REMOVE_FLOW || holds ||
		    from->what == DIFFERENCE_REMOVE_OUTPUT;
	bool moves = from->what == DIFFERENCE_MOVE_FLOW;
	bool of_flow = from->what == DIFFERENCE_REMOVE_FLOW || holds || moves ||
		       from->what == DIFFERENCE_ADD_FLOW || from->what == DIFFERENCE_SET_MERGE ||
		       from->what == DIFFERENCE_START_FLOW || from->what == DIFFERENCE_SET_FLOW;
	const struct layout *layout = goes ? &r->sup->setup->layout : &r->wanted->setup.layout;
	const struct rule_table *table = &layout->tables[from->shard];

	return (struct changer_step){
		.op = ops[from->what],
		.shard = from->shard,
		.late = from->again,
		.cut = from->cut || from->what == DIFFERENCE_HOLD_FLOW,
		.moved = moves,
		.from = from->from,
		.group = from->group,
		.flow = &table->flows[from->flow],
		.output = of_flow ? NULL : &table->outputs[from->output],
	};
}

static int add_step(struct reload *r, struct changer_step step)
{
	if (r->step_count == r->step_room) {
		uint32_t room = r->step_room ? 2 * r->step_room : 64;
		void *grown = realloc(r->steps, room * sizeof(*r->steps));

		if (!grown) {
			return -ENOMEM;
		}
		r->steps = grown;
		r->step_room = room;
	}
	step.fd = -1;
	r->steps[r->step_count++] = step;
	return 0;
}

/* All sockets are open: who sends from where is known. */
static int prepared(void *context, struct err *err)
{
	struct reload *r = context;

	return echoes_fill(&r->sup->changer, &r->wanted->setup.layout, r->steps, r->step_count,
			   err);
}

static void done(void *context, int rc, bool begun, const struct err *err)
{
	struct reload *r = context;
	struct reload_client client = r->client;
	struct err text = {0};

	if (begun) {
		go_over(r);
		say_what_was_done(r, &text);
	}
	r->partly = begun && rc < 0;
	if (r->partly) {
		say_what_was_left(r, err, &text);
	} else if (rc < 0) {
		err_set(&text, "%s", err->text);
	}
	echoes_sweep(r->sup);
	forget(r);
	client.done(client.context, rc, &text);
}

/* What was wanted is what runs. */
static void go_over(struct reload *r)
{
	struct supervisor *sup = r->sup;
	struct reload_state *before = r->running;

	if (options_log_level(sup->setup->opt) != options_log_level(&r->wanted->opt)) {
		log_set_level(options_log_level(&r->wanted->opt)); /* a command may have, too */
	}
	r->running = r->wanted;
	r->wanted = NULL;
	sup->setup = &r->running->setup;
	links_changed(&sup->links);
	follow_links(&sup->links.follow);
	duty_wake(&sup->changer.duty); /* there may have been orders meanwhile */
	(void)marks_set(&sup->setup->opt->conf, &sup->setup->ifaces,
			rlimits_spare_files(sup->setup), &sup->marks);
	free_state(before);
}

static void say_what_was_done(const struct reload *r, struct err *out)
{
	const struct difference *d = &r->difference;
	char anew[96] = "";

	if (d->groups.anew > 0) {
		snprintf(anew, sizeof(anew),
			 "; %u feeds are told apart in another way and begin with one leg",
			 d->groups.anew);
	}
	err_set(out,
		"flows: %u kept, %u moved, %u added, %u removed, %u received anew; outputs: %u "
		"kept, %u added, %u removed, %u changed%s; in %" PRIu64 " ms",
		d->flows_kept, d->flows_moved, d->flows_added, d->flows_removed, d->flows_changed,
		d->outputs_kept, d->outputs_added, d->outputs_removed, d->outputs_changed, anew,
		(clock_now_ns() - r->began_ns) / (uint64_t)NS_PER_MS);
}

/* By what they were of, the first ones, and why the first of all. */
static void say_what_was_left(const struct reload *r, const struct err *why, struct err *out)
{
	char names[LEFT_SAID_MAX * ENDPOINT_TEXT_MAX] = "", text[ENDPOINT_TEXT_MAX];
	uint32_t left = 0;

	for (uint32_t i = 0; i < r->step_count; i++) {
		const struct changer_step *step = &r->steps[i];
		size_t used = strlen(names);

		if (step->result == 0 || step->skip) {
			continue;
		}
		if (left++ < LEFT_SAID_MAX && step->flow) {
			snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
				 endpoint_format(step->output ? &step->output->out.to
							      : &step->flow->in.at,
						 text));
		}
	}
	err_set(out,
		"partly applied: %u of %u steps were not done, of %s%s: %s; all others are in "
		"force; remove these and add them again, or restart",
		left, r->step_count, names, left > LEFT_SAID_MAX ? " and others" : "", why->text);
}

static void free_state(struct reload_state *state)
{
	if (state) {
		setup_free(&state->setup);
		options_free(&state->opt);
		free(state);
	}
}

/* What a change needed. */
static void forget(struct reload *r)
{
	free_state(r->wanted);
	r->wanted = NULL;
	difference_free(&r->difference);
	free(r->steps);
	r->steps = NULL;
	r->step_count = r->step_room = 0;
	r->began_ns = 0;
}

static void read_again(struct reload *r)
{
	struct reload_client client = {.done = by_signal_done, .context = r};
	struct opt opt = {0};
	char state[80];
	struct err err = {0};
	int rc;

	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reloading",
		 (uint64_t)clock_now_ns() / (uint64_t)NS_PER_US);
	(void)notify_send(state);
	r->began_ns = clock_now_ns();
	r->partly = false;
	rc = options_parse_again(r->argc, r->argv, &opt, &err);
	if (rc == 0) {
		rc = reload_apply(r, &opt, &client, &err);
		if (rc < 0) {
			options_free(&opt);
		}
	}
	if (rc < 0) {
		by_signal_done(r, rc, &err);
	}
}

static void by_signal_done(void *context, int rc, const struct err *text)
{
	struct reload *r = context;
	char state[128];

	if (rc == 0 || r->partly) {
		conf_free(&r->sup->disabled); /* the files say what is there */
	}
	r->lacked = rc < 0 && rc != -EINVAL && !r->partly;
	history_note(&r->sup->history, r->who, "reload", rc < 0 ? text->text : "done");
	if (rc < 0) {
		log_error("reload: %s%s", r->partly ? "" : "not applied: ", text->text);
	} else {
		log_notice("reload: done: %s", text->text);
	}
	snprintf(state, sizeof(state), "READY=1\nSTATUS=%srelaying %u flows on %u shards",
		 rc == 0     ? ""
		 : r->partly ? "reload partly applied, see the log; "
			     : "reload refused, see the log; ",
		 r->sup->setup->opt->conf.flow_count, r->sup->worker_count);
	(void)notify_send(state);
	if (r->again && !r->sup->draining) {
		r->again = false;
		read_again(r);
	}
}
