/* echoes_change.c - see echoes_change.h. */
#include "src/run/echoes_change.h"

#include <errno.h>
#include <stdlib.h>

#include "src/run/changer_find.h"
#include "src/run/echoes.h"
#include "src/run/supervisor.h"

/* What a change is filled in with. */
struct filling {
	struct changer *changer;
	const struct layout *wanted;
	struct changer_step *steps;
	const struct changer_step **opened; /* those that bring outputs sockets */
	uint32_t opened_count;
	uint32_t **runs_at; /* by shard and position of a flow: the shard that has it now */
	struct addr *addrs;
	size_t used;
};

static int note_opened(struct filling *f, uint32_t count);
static void free_runs_at(const struct filling *f);
static const struct changer_step **sort_opened(const struct changer_step *steps, uint32_t count,
					       uint32_t *opened_count);
static int compare_opened(const void *left, const void *right);
static const struct changer_step *find_opened(const struct changer_step *const *opened,
					      uint32_t count, const struct layout *layout,
					      const struct layout_echo *echo);
static bool is_used(const struct supervisor *sup, const struct echoes_told *told);
static size_t count_addrs(const struct filling *f, uint32_t count);
static const struct layout_echo *first_echo(const struct layout *layout, uint32_t shard,
					    uint32_t flow);
static const struct flow_place *place_now(const struct filling *f, const struct changer_step *step);
static bool is_told(const struct changer_step *step);
static uint32_t position_of(const struct layout *layout, const struct changer_step *step);
static void fill(struct filling *f, struct changer_step *step);
static void settle(struct changer_step *step, const struct ingress_flow *now, struct addr *rest);
static bool is_among(const struct addr *addr, const struct addr *addrs, uint32_t count);
static const struct addr *sender_of(const struct filling *f, const struct layout_echo *echo);
static const struct rule_flow *flow_of(const struct rule_table *table, uint32_t output);

int echoes_fill(struct changer *c, const struct layout *wanted, struct changer_step *steps,
		uint32_t count, struct err *err)
{
	struct echoes_told *told = calloc(1, sizeof(*told));
	struct filling f = {.changer = c, .wanted = wanted, .steps = steps};
	int rc = told ? note_opened(&f, count) : -ENOMEM;
	size_t total = rc == 0 ? count_addrs(&f, count) : 0;

	if (total > 0) {
		f.addrs = calloc(total, sizeof(*f.addrs));
		rc = f.addrs ? 0 : -ENOMEM;
	}
	for (uint32_t i = 0; rc == 0 && total > 0 && i < count; i++) {
		if (is_told(&steps[i])) {
			fill(&f, &steps[i]);
		}
	}
	free(f.opened);
	free_runs_at(&f);
	if (rc < 0 || total == 0) {
		free(told);
	} else {
		*told = (struct echoes_told){
			.next = c->sup->told, .addrs = f.addrs, .count = total};
		c->sup->told = told;
	}
	if (rc < 0) {
		err_set(err, "echoes: out of memory");
	}
	return rc;
}

uint32_t echoes_of_opened(const struct layout *running, const struct changer_step *opens,
			  uint32_t count, struct changer_step *out)
{
	const struct changer_step *last = NULL, **opened;
	uint32_t opened_count, told = 0;

	opened = running->echo_count > 0 ? sort_opened(opens, count, &opened_count) : NULL;
	for (uint32_t i = 0; opened && i < running->echo_count; i++) {
		const struct layout_echo *e = &running->echoes[i];
		const struct rule_flow *flow = &running->tables[e->shard].flows[e->flow];

		if ((last && last->flow == flow) ||
		    !find_opened(opened, opened_count, running, e)) {
			continue;
		}
		out[told] = (struct changer_step){
			.op = SHARD_SET_ECHOES, .shard = e->shard, .flow = flow, .fd = -1};
		last = &out[told++];
	}
	free(opened);
	return told;
}

void echoes_sweep(struct supervisor *sup)
{
	struct echoes_told **link = &sup->told;

	while (*link) {
		struct echoes_told *told = *link;

		if (is_used(sup, told)) {
			link = &told->next;
			continue;
		}
		*link = told->next;
		free(told->addrs);
		free(told);
	}
}

void echoes_forget(struct supervisor *sup)
{
	while (sup->told) {
		struct echoes_told *told = sup->told;

		sup->told = told->next;
		free(told->addrs);
		free(told);
	}
}

static bool is_used(const struct supervisor *sup, const struct echoes_told *told)
{
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct shard *shard = sup->workers[s].shard;

		for (uint32_t i = 0; i < shard->relay.place_count; i++) {
			const struct ingress_flow *flow = &shard_flow(shard, i)->flow;

			if (flow->echo_count > 0 && flow->echoes >= told->addrs &&
			    flow->echoes < told->addrs + told->count) {
				return true;
			}
		}
	}
	return false;
}

static int note_opened(struct filling *f, uint32_t count)
{
	f->opened = sort_opened(f->steps, count, &f->opened_count);
	f->runs_at = calloc(f->wanted->shard_count + 1UL, sizeof(*f->runs_at));
	if (!f->opened || !f->runs_at) {
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < f->wanted->shard_count; s++) {
		uint32_t flows = f->wanted->tables[s].flow_count;

		f->runs_at[s] = malloc((flows + 1UL) * sizeof(**f->runs_at));
		for (uint32_t i = 0; f->runs_at[s] && i < flows; i++) {
			f->runs_at[s][i] = s;
		}
		if (!f->runs_at[s]) {
			return -ENOMEM;
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct changer_step *step = &f->steps[i];

		if (step->op == SHARD_REMOVE_FLOW && step->moved) {
			f->runs_at[step->shard][position_of(f->wanted, step)] = step->from;
		}
	}
	return 0;
}

static void free_runs_at(const struct filling *f)
{
	for (uint32_t s = 0; f->runs_at && s < f->wanted->shard_count; s++) {
		free(f->runs_at[s]);
	}
	free(f->runs_at);
}

/* At most so many. */
static size_t count_addrs(const struct filling *f, uint32_t count)
{
	const struct layout *wanted = f->wanted;
	size_t total = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct changer_step *step = &f->steps[i];
		const struct flow_place *place;
		const struct layout_echo *e;

		if (!is_told(step)) {
			continue;
		}
		e = first_echo(wanted, step->shard, position_of(wanted, step));
		for (; e && e < wanted->echoes + wanted->echo_count && e->shard == step->shard &&
		       e->flow == position_of(wanted, step);
		     e++) {
			total++;
		}
		place = step->op == SHARD_SET_ECHOES ? place_now(f, step) : NULL;
		total += place ? place->flow.echo_count : 0;
	}
	return total;
}

/* Of a flow that may move: where it is before the first step. */
static const struct flow_place *place_now(const struct filling *f, const struct changer_step *step)
{
	uint32_t shard = f->runs_at[step->shard][position_of(f->wanted, step)];

	return changer_find_flow(f->changer, shard, &step->flow->in);
}

static const struct layout_echo *first_echo(const struct layout *layout, uint32_t shard,
					    uint32_t flow)
{
	uint32_t low = 0, high = layout->echo_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct layout_echo *e = &layout->echoes[mid];

		if (e->shard < shard || (e->shard == shard && e->flow < flow)) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low < layout->echo_count ? &layout->echoes[low] : NULL;
}

static bool is_told(const struct changer_step *step)
{
	return step->op == SHARD_ADD_FLOW || step->op == SHARD_SET_ECHOES;
}

static uint32_t position_of(const struct layout *layout, const struct changer_step *step)
{
	return (uint32_t)(step->flow - layout->tables[step->shard].flows);
}

/* Those of `steps' that bring an output a socket, sorted by shard and flow; NULL: no memory. */
static const struct changer_step **sort_opened(const struct changer_step *steps, uint32_t count,
					       uint32_t *opened_count)
{
	const struct changer_step **opened =
		calloc(count + 1UL, sizeof(const struct changer_step *));

	*opened_count = 0;
	for (uint32_t i = 0; opened && i < count; i++) {
		if (steps[i].op == SHARD_ADD_OUTPUT || steps[i].op == SHARD_REPLACE_OUTPUT ||
		    steps[i].op == SHARD_OPEN_OUTPUT) {
			opened[(*opened_count)++] = &steps[i];
		}
	}
	if (opened) {
		qsort(opened, *opened_count, sizeof(const struct changer_step *), compare_opened);
	}
	return opened;
}

static int compare_opened(const void *left, const void *right)
{
	const struct changer_step *const *a = left, *const *b = right;

	if ((*a)->shard != (*b)->shard) {
		return (*a)->shard < (*b)->shard ? -1 : 1;
	}
	return rule_compare_flows(&(*a)->flow->in, &(*b)->flow->in);
}

/* The step among `opened' that brings the sender of `echo' its socket, or NULL. */
static const struct changer_step *find_opened(const struct changer_step *const *opened,
					      uint32_t count, const struct layout *layout,
					      const struct layout_echo *echo)
{
	const struct rule_table *table = &layout->tables[echo->from_shard];
	const struct rule_table_output *output = &table->outputs[echo->from_output];
	const struct changer_step wanted = {.shard = echo->from_shard,
					    .flow = flow_of(table, echo->from_output)};
	const struct changer_step *key = &wanted;
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (compare_opened(&opened[mid], &key) < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	for (; low < count && compare_opened(&opened[low], &key) == 0; low++) {
		if (rule_same_output(&opened[low]->output->out, &output->out)) {
			return opened[low];
		}
	}
	return NULL;
}

static void fill(struct filling *f, struct changer_step *step)
{
	const struct layout *wanted = f->wanted;
	uint32_t at = position_of(wanted, step);
	const struct layout_echo *e = first_echo(wanted, step->shard, at);
	const struct flow_place *place;
	struct addr *first = f->addrs + f->used;
	uint32_t count = 0;

	for (; e && e < wanted->echoes + wanted->echo_count && e->shard == step->shard &&
	       e->flow == at;
	     e++) {
		const struct addr *sender = sender_of(f, e);

		if (sender &&
		    echoes_can_know(&wanted->tables[e->from_shard].outputs[e->from_output].out,
				    sender)) {
			first[count++] = *sender;
		}
	}
	step->echoes = first;
	step->echo_count = count;
	if (step->op == SHARD_SET_ECHOES) {
		place = place_now(f, step);
		settle(step, place ? &place->flow : NULL, first + count);
	}
	f->used += step->echo_count;
}

/* `step' has what is to be known in the end; what is known now, and then no more, may follow it. */
static void settle(struct changer_step *step, const struct ingress_flow *now, struct addr *rest)
{
	uint32_t going = 0, coming = 0;

	for (uint32_t i = 0; now && i < now->echo_count; i++) {
		if (!is_among(&now->echoes[i], step->echoes, step->echo_count)) {
			rest[going++] = now->echoes[i];
		}
	}
	for (uint32_t i = 0; now && i < step->echo_count; i++) {
		coming += !is_among(&step->echoes[i], now->echoes, now->echo_count);
	}
	step->skip = !now || (step->late ? going == 0 : coming == 0);
	if (!step->late) {
		step->echo_count += going;
	}
}

static bool is_among(const struct addr *addr, const struct addr *addrs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (addr_equal(addr, &addrs[i])) {
			return true;
		}
	}
	return false;
}

/* NULL: it is not there, as after a change that failed. */
static const struct addr *sender_of(const struct filling *f, const struct layout_echo *echo)
{
	const struct rule_table *table = &f->wanted->tables[echo->from_shard];
	const struct changer_step *step = find_opened(f->opened, f->opened_count, f->wanted, echo);
	const struct rule_flow *flow = flow_of(table, echo->from_output);
	const struct output_place *place;

	if (step) {
		return &step->got.local;
	}
	place = changer_find_output(f->changer, f->runs_at[echo->from_shard][flow - table->flows],
				    &flow->in, &table->outputs[echo->from_output].out);
	return place ? &place->got.local : NULL;
}

/* Flows stand in the order of their outputs. */
static const struct rule_flow *flow_of(const struct rule_table *table, uint32_t output)
{
	uint32_t low = 0, high = table->flow_count;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (table->flows[mid].first_output <= output) {
			low = mid;
		} else {
			high = mid;
		}
	}
	return &table->flows[low];
}
