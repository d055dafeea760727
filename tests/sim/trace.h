/* trace.h - events of a simulation: made from a seed, printed, and read again. Pure. */
#pragma once

#include <stdio.h>

#include "tests/sim/sim.h"

/* X(ID, "name", weight): of the events that a seed makes, so many are of this kind. Three numbers
 * go with each; what they mean is told where event.c and change.c read them. */
#define SIM_EVENTS(X)                         \
	X(ONE, "one", 120)                    \
	X(MANY, "many", 110)                  \
	X(TRAIN, "train", 90)                 \
	X(ODD, "odd", 40)                     \
	X(FEED, "feed", 60)                   \
	X(AGAIN, "again", 50)                 \
	X(TWINS, "twins", 50)                 \
	X(TURN, "turn", 330)                  \
	X(PASS, "pass", 30)                   \
	X(ERRORS, "errors", 20)               \
	X(ORDER, "order", 15)                 \
	X(DELAY, "delay", 10)                 \
	X(LIMIT, "limit", 10)                 \
	X(RECV_ERROR, "recv-error", 20)       \
	X(CANCELS, "cancels", 5)              \
	X(KEEP, "keep", 15)                   \
	X(GIVE_BACK, "give-back", 25)         \
	X(COPIED, "copied", 5)                \
	X(ICMP, "icmp", 15)                   \
	X(PATH, "path", 10)                   \
	X(LATE, "late", 5)                    \
	X(LOOK, "look", 15)                   \
	X(CIRCLE, "circle", 2)                \
	X(SETTLE, "settle", 2)                \
	X(ADD_FLOW, "add-flow", 12)           \
	X(REMOVE_FLOW, "remove-flow", 8)      \
	X(MOVE, "move", 20)                   \
	X(ADD_OUTPUT, "add-output", 15)       \
	X(REMOVE_OUTPUT, "remove-output", 12) \
	X(REPLACE, "replace", 15)             \
	X(SET_OUTPUT, "set-output", 10)       \
	X(OUTPUT_LINK, "output-link", 15)     \
	X(FLOW_LINK, "flow-link", 10)         \
	X(TRY_PATH, "try-path", 10)           \
	X(SET_FLOW, "set-flow", 8)            \
	X(DUTY, "duty", 15)                   \
	X(ECHOES, "echoes", 6)                \
	X(ADD_FEED, "add-feed", 10)           \
	X(ADD_TWINS, "add-twins", 5)          \
	X(RELIEVE, "relieve", 30)             \
	X(ROOM, "room", 2)

#define SIM_EVENT_ID(id, ...) SIM_EVENT_##id,

enum sim_event_kind {
	SIM_EVENTS(SIM_EVENT_ID) SIM_EVENT_KINDS
};

struct sim_event {
	uint8_t kind; /* enum sim_event_kind */
	uint16_t a, b, c;
};

struct sim_trace {
	struct sim_conf conf;
	struct sim_event *events;
	uint32_t count;
};

/* The trace of `count' events that `seed' makes; from malloc. */
void sim_trace_make(struct sim_trace *trace, uint32_t seed, uint32_t count);
void sim_trace_free(struct sim_trace *trace);

/* As lines that sim_trace_read understands; that is 0, or -EINVAL. */
void sim_trace_print(const struct sim_trace *trace, FILE *to);
int sim_trace_read(struct sim_trace *trace, FILE *from);
