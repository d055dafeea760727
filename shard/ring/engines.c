/* engines.c - the table of engines, and the questions of ring.h that it answers.
 *
 * The order of the rows is that of preference. Constant data; any thread may ask, before a ring is
 * open.
 */
#include "shard/ring/engines.h"

#include <errno.h>

#include "shard/ring/engine.h"

static bool may_be(enum ring_engine wish, enum ring_engine engine);

const char *const ring_engine_names[RING_ENGINE_COUNT + 1] = {
	[RING_ENGINE_AUTO] = "auto",
	[RING_ENGINE_URING] = "uring",
	[RING_ENGINE_MMSG] = "mmsg",
};

const struct ring_engine_desc ring_engines[RING_ENGINE_COUNT] = {
	[RING_ENGINE_URING] =
		{
			.abilities = RING_CAN_ZEROCOPY | RING_CAN_SQPOLL | RING_USES_IO_URING,
			.facility = "io_uring",
			.probe = ring_uring_probe,
			.probe_busy_poll = ring_uring_probe_busy_poll,
			.locked_bytes = ring_uring_locked_bytes,
			.cut = ring_uring_cut,
		},
	[RING_ENGINE_MMSG] =
		{
			.facility = "epoll",
			.probe = ring_mmsg_probe,
			.probe_busy_poll = ring_mmsg_probe_busy_poll,
			.cut = ring_mmsg_cut,
		},
};

const char *ring_engine_name(enum ring_engine engine)
{
	must(engine < RING_ENGINE_COUNT);
	return ring_engine_names[engine];
}

bool ring_can(enum ring_engine engine, unsigned abilities)
{
	for (unsigned e = 0; e < RING_ENGINE_COUNT; e++) {
		if (may_be(engine, e) && (ring_engines[e].abilities & abilities) == abilities) {
			return true;
		}
	}
	return false;
}

int ring_probe(enum ring_engine engine, struct err *err)
{
	enum ring_engine ignored;

	return ring_choose(engine, &ignored, err);
}

enum ring_engine ring_preferred(enum ring_engine wish)
{
	return wish == RING_ENGINE_AUTO ? RING_ENGINE_AUTO + 1 : wish;
}

int ring_probe_busy_poll(enum ring_engine engine)
{
	must(engine > RING_ENGINE_AUTO);
	must(engine < RING_ENGINE_COUNT);
	return ring_engines[engine].probe_busy_poll();
}

int ring_choose(enum ring_engine wish, enum ring_engine *out, struct err *why)
{
	int ret = -ENOSYS;

	why->text[0] = '\0';
	for (unsigned e = 0; e < RING_ENGINE_COUNT; e++) {
		struct err cause = {0};

		if (!may_be(wish, e)) {
			continue;
		}
		ret = ring_engines[e].probe(&cause);
		if (ret == 0) {
			*out = e;
			return 0;
		}
		if (why->text[0] == '\0') {
			*why = cause;
		}
	}
	return ret;
}

size_t ring_locked_bytes(enum ring_engine engine, const struct ring_params *params, uint32_t rings)
{
	size_t most = 0;

	for (unsigned e = 0; e < RING_ENGINE_COUNT; e++) {
		bool locks = may_be(engine, e) && ring_engines[e].locked_bytes != NULL;
		size_t bytes = locks ? ring_engines[e].locked_bytes(params, rings) : 0;

		most = bytes > most ? bytes : most;
	}
	return most;
}

/* Whether `wish' may come to `engine'. */
static bool may_be(enum ring_engine wish, enum ring_engine engine)
{
	return engine != RING_ENGINE_AUTO && (wish == RING_ENGINE_AUTO || wish == engine);
}
