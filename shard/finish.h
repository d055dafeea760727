/* finish.h - sends what a shard had received when its thread was killed (steps 6 to 11).
 *
 * What waits in a socket outlives the process when somebody keeps the socket. What had been taken
 * from it and not sent yet does not; but as long as somebody else shares the memory and the
 * descriptors of the process, that one can send it, since the shard's memory says at any instant
 * how far each datagram has come (journal.h).
 */
#pragma once

#include <stdint.h>

#include "shard/shard.h"

/* What became of it, in datagrams; those to several outputs are counted for each. */
struct finish {
	uint64_t sent;
	uint64_t lost; /* the path refused them, or nobody can say what was decided of them */
};

/* The threads of the process that had `shard' are dead, all of them, and nobody has done this
 * before. Sends whatever had been received and was not sent, once and in order, and adds to
 * `result'. Takes no memory, no lock, and half a second at most. Nothing else can be done with the
 * shard then but to read its counters. */
void shard_finish(struct shard *shard, struct finish *result);
