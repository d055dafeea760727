/* weigh.h - whether a flow costs less where it is, by the program, or by its shard.
 *
 * The program sends each copy by itself; a shard that gets many single datagrams of one size puts
 * them together into trains, and one send takes a whole train. So with many outputs there is a rate
 * from which a shard is cheaper, while below it wakes up too often for that. What a flow counted
 * says which it is, and time keeps it from going to and fro. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WEIGH_OUTPUTS_MIN  4      /* with fewer a shard never gains */
#define WEIGH_COPIES_MIN   500000 /* a second, which keep a processor busy with sending */
#define WEIGH_LEAVE_S      3      /* so long it has to be dear by the program, */
#define WEIGH_RETURN_S     5      /* and dear by its shard */
#define WEIGH_NO_TRAINS_S  600    /* it stays with the program: its shard made no trains of it */
#define WEIGH_TRAIN_MIN    8      /* datagrams that a send takes, for a shard to gain */
#define WEIGH_UNLIKE_SHARE 8      /* at most one in so many is of another size than the last */

/* All zero: it goes by the program. */
struct weigh {
	bool left;         /* it goes by its shard */
	uint64_t dear_ns;  /* for so long it has cost more than it would the other way */
	uint64_t stays_ns; /* for so long it is not to be left */
};

/* What a flow did in some time, where it was. */
struct weigh_sample {
	uint64_t ns;
	uint32_t outputs;
	uint64_t received;
	uint64_t pieces;      /* that these came in, a train as one */
	uint64_t unlike;      /* by the program: of these, of another size than the one before */
	uint64_t sent, sends; /* by its shard: of all outputs */
};

/* Takes what came next into account. Whether the flow is to turn, which `left' tells then. */
bool weigh_add(struct weigh *weigh, const struct weigh_sample *sample);
