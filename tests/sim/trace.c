/* trace.c - see trace.h.
 *
 * A seed does not only choose the events but which kinds of them there are at all: a world in which
 * half of all that can happen never does comes to states that one in which everything happens does
 * not reach, and its traces are shorter.
 */
#include "tests/sim/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"

#define EVENT_NAME(id, name, weight)   name,
#define EVENT_WEIGHT(id, name, weight) weight,

static const char *const names[SIM_EVENT_KINDS] = {SIM_EVENTS(EVENT_NAME)};
static const uint32_t weights[SIM_EVENT_KINDS] = {SIM_EVENTS(EVENT_WEIGHT)};

static uint32_t draw(uint64_t *state, uint32_t below)
{
	*state += 0x9e3779b97f4a7c15U;
	uint64_t z = *state;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return (uint32_t)((z ^ (z >> 31)) >> 33) % below;
}

static void make_conf(struct sim_conf *conf, uint64_t *state)
{
	static const uint32_t train_maxes[] = {1, 8, 64, 64, 128};

	conf->slots_small = 4 + draw(state, 60);
	conf->slots_train = 4 + draw(state, 29);
	conf->trains = 4 + draw(state, 40);
	conf->train_max = train_maxes[draw(state, 5)];
	conf->zerocopy = draw(state, 2) ? 1 + 1000 * draw(state, 8) : 0;
	conf->mtu = draw(state, 3) == 0 ? 9000 : 1500;
	conf->queue = draw(state, 2) ? SIM_QUEUE : 8 + draw(state, 50);
	for (uint32_t i = 0; i < SIM_SHARDS; i++) {
		conf->end |= draw(state, SIM_END_KINDS) << 2 * i;
	}
}

void sim_trace_make(struct sim_trace *trace, uint32_t seed, uint32_t count)
{
	uint64_t state = seed * 0x2545f4914f6cdd1dU + 1;
	uint32_t odds[SIM_EVENT_KINDS], sum = 0;

	*trace = (struct sim_trace){.conf.seed = seed, .count = count};
	trace->events = calloc(count + 1UL, sizeof(*trace->events));
	must(trace->events);
	make_conf(&trace->conf, &state);
	for (uint32_t i = 0; i < SIM_EVENT_KINDS; i++) {
		bool always = i == SIM_EVENT_TURN || i == SIM_EVENT_ONE || i == SIM_EVENT_SETTLE;

		odds[i] = always || draw(&state, 3) > 0 ? weights[i] : 0;
		sum += odds[i];
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = draw(&state, sum), kind = 0;

		while (at >= odds[kind]) {
			at -= odds[kind++];
		}
		trace->events[i] = (struct sim_event){.kind = (uint8_t)kind,
						      .a = (uint16_t)draw(&state, 65536),
						      .b = (uint16_t)draw(&state, 65536),
						      .c = (uint16_t)draw(&state, 65536)};
	}
}

void sim_trace_free(struct sim_trace *trace)
{
	free(trace->events);
	*trace = (struct sim_trace){0};
}

void sim_trace_print(const struct sim_trace *trace, FILE *to)
{
	const struct sim_conf *c = &trace->conf;

	fprintf(to, "world %u %u %u %u %u %u %u %u %u\n", c->seed, c->slots_small, c->slots_train,
		c->trains, c->train_max, c->zerocopy, c->mtu, c->queue, c->end);
	for (uint32_t i = 0; i < trace->count; i++) {
		const struct sim_event *e = &trace->events[i];

		fprintf(to, "%s %u %u %u\n", names[e->kind], e->a, e->b, e->c);
	}
}

static int read_event(const char *line, struct sim_event *out)
{
	char name[32];
	unsigned a, b, c;

	if (sscanf(line, "%31s %u %u %u", name, &a, &b, &c) != 4) {
		return -EINVAL;
	}
	for (uint32_t i = 0; i < SIM_EVENT_KINDS; i++) {
		if (strcmp(name, names[i]) == 0) {
			*out = (struct sim_event){(uint8_t)i, (uint16_t)a, (uint16_t)b,
						  (uint16_t)c};
			return 0;
		}
	}
	return -EINVAL;
}

int sim_trace_read(struct sim_trace *trace, FILE *from)
{
	char line[128];
	struct sim_conf c;

	*trace = (struct sim_trace){0};
	if (fgets(line, sizeof(line), from) == NULL ||
	    sscanf(line, "world %u %u %u %u %u %u %u %u %u", &c.seed, &c.slots_small,
		   &c.slots_train, &c.trains, &c.train_max, &c.zerocopy, &c.mtu, &c.queue,
		   &c.end) != 9) {
		return -EINVAL;
	}
	trace->conf = c;
	while (fgets(line, sizeof(line), from) != NULL) {
		if ((trace->count & (trace->count - 1)) == 0) {
			trace->events = realloc(trace->events,
						2 * (trace->count + 1UL) * sizeof(*trace->events));
			must(trace->events);
		}
		if (read_event(line, &trace->events[trace->count]) < 0) {
			return -EINVAL;
		}
		trace->count++;
	}
	return 0;
}
