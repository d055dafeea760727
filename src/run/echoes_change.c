/* echoes_change.c - see echoes_change.h. */
#include "src/run/echoes_change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/run/changer_find.h"
#include "src/run/echoes.h"
#include "src/run/supervisor.h"

/* What a change is filled in with. */
struct filling {
	struct changer *changer;
	const struct layout *wanted;
	struct changer_step *steps;
	uint32_t **opened; /* by shard and position of an output: its step, or UINT32_MAX */
	struct addr *addrs;
	size_t used;
};

static size_t count_addrs(struct changer *c, const struct layout *wanted,
			  const struct changer_step *steps, uint32_t count);
static const struct layout_echo *first_echo(const struct layout *layout, uint32_t shard,
					    uint32_t flow);
static bool is_told(const struct changer_step *step);
static uint32_t position_of(const struct layout *layout, const struct changer_step *step);
static int note_opened(struct filling *f, uint32_t count);
static void free_opened(struct filling *f);
static void fill(struct filling *f, struct changer_step *step);
static void settle(struct changer_step *step, const struct ingress_flow *now, struct addr *rest);
static bool is_among(const struct addr *addr, const struct addr *addrs, uint32_t count);
static const struct addr *sender_of(const struct filling *f, const struct layout_echo *echo);
static const struct rule_flow *flow_of(const struct rule_table *table, uint32_t output);

int echoes_fill(struct changer *c, const struct layout *wanted, struct changer_step *steps,
		uint32_t count, struct addr **out, size_t *out_count, struct err *err)
{
	struct filling f = {.changer = c, .wanted = wanted, .steps = steps};
	size_t total = count_addrs(c, wanted, steps, count);
	int rc;

	*out = NULL;
	*out_count = 0;
	if (total == 0) {
		return 0;
	}
	f.addrs = calloc(total, sizeof(*f.addrs));
	rc = f.addrs ? note_opened(&f, count) : -ENOMEM;
	if (rc < 0) {
		err_set(err, "echoes: out of memory");
		free_opened(&f);
		free(f.addrs);
		return rc;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (is_told(&steps[i])) {
			fill(&f, &steps[i]);
		}
	}
	free_opened(&f);
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

/* At most so many. */
static size_t count_addrs(struct changer *c, const struct layout *wanted,
			  const struct changer_step *steps, uint32_t count)
{
	size_t total = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct flow_place *place;
		const struct layout_echo *e;

		if (!is_told(&steps[i])) {
			continue;
		}
		e = first_echo(wanted, steps[i].shard, position_of(wanted, &steps[i]));
		for (; e && e < wanted->echoes + wanted->echo_count && e->shard == steps[i].shard &&
		       e->flow == position_of(wanted, &steps[i]);
		     e++) {
			total++;
		}
		place = steps[i].op == SHARD_SET_ECHOES
				? changer_find_flow(c, steps[i].shard, &steps[i].flow->in)
				: NULL;
		total += place ? place->flow.echo_count : 0;
	}
	return total;
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

static int note_opened(struct filling *f, uint32_t count)
{
	f->opened = calloc(f->wanted->shard_count + 1UL, sizeof(*f->opened));
	for (uint32_t s = 0; f->opened && s < f->wanted->shard_count; s++) {
		size_t bytes = (f->wanted->tables[s].output_count + 1UL) * sizeof(**f->opened);

		f->opened[s] = malloc(bytes);
		if (!f->opened[s]) {
			return -ENOMEM;
		}
		memset(f->opened[s], 0xff, bytes);
	}
	for (uint32_t i = 0; f->opened && i < count; i++) {
		const struct changer_step *step = &f->steps[i];

		if (step->op == SHARD_ADD_OUTPUT || step->op == SHARD_REPLACE_OUTPUT) {
			f->opened[step->shard]
				 [step->output - f->wanted->tables[step->shard].outputs] = i;
		}
	}
	return f->opened ? 0 : -ENOMEM;
}

static void free_opened(struct filling *f)
{
	for (uint32_t s = 0; f->opened && s < f->wanted->shard_count; s++) {
		free(f->opened[s]);
	}
	free(f->opened);
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
		place = changer_find_flow(f->changer, step->shard, &step->flow->in);
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
	const struct output_place *place;

	if (step != UINT32_MAX) {
		return &f->steps[step].got.local;
	}
	place = changer_find_output(f->changer, echo->from_shard,
				    &flow_of(table, echo->from_output)->in,
				    &table->outputs[echo->from_output].out);
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
