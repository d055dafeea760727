/* reasons.c - see reasons.h. */
#include "src/run/reasons.h"

#include <stdarg.h>
#include <stdio.h>

#include "src/run/supervisor.h"

struct teller {
	const struct supervisor *sup;
	void (*take)(void *context, const char *text);
	void *context;
	uint32_t told;
};

static void look_at_shard(struct teller *teller, const struct worker *w);
static void look_at_places(struct teller *teller, const struct worker *w);
static void look_at_place(struct teller *teller, const char *kind, const struct endpoint *at,
			  const char *amiss, const char *pending);
static void tell(struct teller *teller, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

uint32_t reasons_tell(const struct supervisor *sup, void (*take)(void *context, const char *text),
		      void *context)
{
	struct teller teller = {.sup = sup, .take = take, .context = context};
	uint32_t failures;

	for (uint32_t s = 0; s < sup->worker_count; s++) {
		struct err err;

		if (worker_failure(&sup->workers[s], &err) < 0) {
			tell(&teller, "%s", err.text);
		}
	}
	failures = teller.told;
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		look_at_shard(&teller, &sup->workers[s]);
	}
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		look_at_places(&teller, &sup->workers[s]);
	}
	return failures;
}

static void look_at_shard(struct teller *teller, const struct worker *w)
{
	if (w->placement.cpu_told) {
		tell(teller, "shard %u: its thread is not on cpu %d", w->index, w->cpu_os);
	}
	if (w->placement.pages_misplaced > 0) {
		tell(teller, "shard %u: pages of its memory are not on node %d", w->index,
		     w->node_os);
	}
}

static void look_at_places(struct teller *teller, const struct worker *w)
{
	for (uint32_t i = 0; i < w->shard->relay.place_count; i++) {
		const struct ingress_flow *flow = &shard_flow(w->shard, i)->flow;

		if (flow->rule) {
			look_at_place(teller, "flow", &flow->rule->in.at,
				      links_flow_amiss(&teller->sup->links, flow),
				      pending_why(&teller->sup->links.pending, w, i, false));
		}
	}
	for (uint32_t i = 0; i < w->shard->egress.place_count; i++) {
		const struct egress_output *output = &shard_output(w->shard, i)->output;

		if (output->rule) {
			look_at_place(teller, "output", &output->rule->out.to,
				      links_output_amiss(&teller->sup->links, output->rule),
				      pending_why(&teller->sup->links.pending, w, i, true));
		}
	}
}

/* `pending' is why it is, or NULL; `amiss' the same of what is degraded. */
static void look_at_place(struct teller *teller, const char *kind, const struct endpoint *at,
			  const char *amiss, const char *pending)
{
	char text[ENDPOINT_TEXT_MAX];

	if (pending || amiss) {
		tell(teller, "%s %s: %s: %s", kind, endpoint_format(at, text),
		     pending ? "pending" : "degraded", pending ? pending : amiss);
	}
}

static void tell(struct teller *teller, const char *format, ...)
{
	struct err text;
	va_list args;

	if (teller->told > REASONS_MAX) {
		return;
	}
	if (teller->told++ == REASONS_MAX) {
		teller->take(teller->context, "and others");
		return;
	}
	va_start(args, format);
	vsnprintf(text.text, sizeof(text.text), format, args);
	va_end(args);
	teller->take(teller->context, text.text);
}
