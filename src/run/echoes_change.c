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
	uint32_t **opened;  /* by shard and position of an output: its step, or UINT32_MAX */
	uint32_t **runs_at; /* by shard and position of a flow: the shard that has it now */
	struct addr *addrs;
	size_t used;
};

static int note_opened(struct filling *f, uint32_t count);
static uint32_t **new_table(const struct layout *layout, bool of_flows);
static void free_table(const struct filling *f, uint32_t **table);
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
		uint32_t count, struct addr **out, size_t *out_count, struct err *err)
{
	struct filling f = {.changer = c, .wanted = wanted, .steps = steps};
	int rc = note_opened(&f, count);
	size_t total = rc == 0 ? count_addrs(&f, count) : 0;

	*out = NULL;
	*out_count = 0;
	if (total > 0) {
		f.addrs = calloc(total, sizeof(*f.addrs));
		rc = f.addrs ? 0 : -ENOMEM;
	}
	for (uint32_t i = 0; rc == 0 && total > 0 && i < count; i++) {
		if (is_told(&steps[i])) {
			fill(&f, &steps[i]);
		}
	}
	free_table(&f, f.opened);
	free_table(&f, f.runs_at);
	if (rc < 0) {
		err_set(err, "echoes: out of memory");
		return rc;
	}
	*out = f.addrs;
	*out_count = total;
	return 0;
}

bool echoes_are_used(const struct supervisor *sup, const struct addr *addrs, size_t count)
{
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct shard *shard = sup->workers[s].shard;

		for (uint32_t i = 0; i < shard->relay.place_count; i++) {
			const struct ingress_flow *flow = &shard_flow(shard, i)->flow;

			if (flow->echo_count > 0 && flow->echoes >= addrs &&
			    flow->echoes < addrs + count) {
				return true;
			}
		}
	}
	return false;
}

static int note_opened(struct filling *f, uint32_t count)
{
	const struct layout *wanted = f->wanted;

	f->opened = new_table(wanted, false);
	f->runs_at = new_table(wanted, true);
	if (!f->opened || !f->runs_at) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct changer_step *step = &f->steps[i];

		if (step->op == SHARD_ADD_OUTPUT || step->op == SHARD_REPLACE_OUTPUT) {
			f->opened[step->shard][step->output - wanted->tables[step->shard].outputs] =
				i;
		} else if (step->op == SHARD_REMOVE_FLOW && step->moved) {
			f->runs_at[step->shard][position_of(wanted, step)] = step->from;
		}
	}
	return 0;
}

/* A number for each flow, which is its shard at first, or for each output, UINT32_MAX. */
static uint32_t **new_table(const struct layout *layout, bool of_flows)
{
	uint32_t **table = calloc(layout->shard_count + 1UL, sizeof(*table));

	for (uint32_t s = 0; table && s < layout->shard_count; s++) {
		uint32_t count =
			of_flows ? layout->tables[s].flow_count : layout->tables[s].output_count;

		table[s] = malloc((count + 1UL) * sizeof(**table));
		for (uint32_t i = 0; table[s] && i < count; i++) {
			table[s][i] = of_flows ? s : UINT32_MAX;
		}
		if (!table[s]) {
			while (s-- > 0) {
				free(table[s]);
			}
			free(table);
			return NULL;
		}
	}
	return table;
}

static void free_table(const struct filling *f, uint32_t **table)
{
	for (uint32_t s = 0; table && s < f->wanted->shard_count; s++) {
		free(table[s]);
	}
	free(table);
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
	uint32_t going = 0, common = 0;

	for (uint32_t i = 0; now && i < now->echo_count; i++) {
		if (is_among(&now->echoes[i], step->echoes, step->echo_count)) {
			common++;
		} else {
			rest[going++] = now->echoes[i];
		}
	}
	step->skip = !now || (step->late ? going == 0 : common == step->echo_count);
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
	uint32_t step = f->opened[echo->from_shard][echo->from_output];
	const struct rule_flow *flow = flow_of(table, echo->from_output);
	const struct output_place *place;

	if (step != UINT32_MAX) {
		return &f->steps[step].got.local;
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
