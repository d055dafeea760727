/* engines.h - the engines there are and what each can do; ring.h hands this on to everybody else.
 *
 * One table, in order of preference: `auto' takes the first that can be used. Nobody outside
 * shard/ring/ asks which engine it is: what matters is an ability, and ring_can tells. Another
 * engine is a row of the table, an enumerator, a name, a clause of the help, and its files.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/log.h"

struct ring;
struct ring_params;

enum ring_engine {
	RING_ENGINE_AUTO, /* only as a wish: the first of the others that can be used */
	RING_ENGINE_URING,
	RING_ENGINE_MMSG,
	RING_ENGINE_COUNT,
};

/* Of --engine. */
#define RING_ENGINE_HELP                                                       \
	"uring (io_uring), mmsg (epoll, recvmmsg, sendmmsg), or auto: uring\n" \
	"where it is allowed"

/* What an engine can do, or needs, beyond what all of them do: bits of `abilities'. */
enum ring_ability {
	RING_CAN_ZEROCOPY = 1 << 0,  /* sends without copying, and from registered memory */
	RING_CAN_SQPOLL = 1 << 1,    /* a thread of the kernel submits, which wants a CPU */
	RING_USES_IO_URING = 1 << 2, /* the kernel must allow io_uring, whose memory is locked */
};

/* Each function as ring.h says of its namesake. */
struct ring_engine_desc {
	unsigned abilities;
	const char *facility; /* what it is built on, as messages name it */
	int (*probe)(struct err *err);
	int (*probe_busy_poll)(void);
	size_t (*locked_bytes)(const struct ring_params *params, uint32_t rings); /* NULL: none */
	struct ring *(*cut)(const struct ring_params *params, struct arena *arena);
};

/* By enum ring_engine; RING_ENGINE_AUTO has a name and nothing else. The names end with NULL. */
extern const char *const ring_engine_names[RING_ENGINE_COUNT + 1];
extern const struct ring_engine_desc ring_engines[RING_ENGINE_COUNT];
