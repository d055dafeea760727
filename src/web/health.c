/* health.c - /healthz and /readyz: how the relay is, for those that start and stop programs.
 *
 * /healthz fails when a shard has failed: then nothing helps but another start. What else is not as
 * it should be, such as an output that waits for its interface, a restart would not mend and it
 * would cost all others; so that is told there, and fails only /readyz, as does draining. The
 * reasons are those of `numacastctl health'.
 */
#include "src/web/routes.h"
#include "src/web/snapshot.h"

#define STATUS_UNAVAILABLE 503

static void put_reasons(const struct snapshot *snapshot, struct text *text);

void health_make(const struct route_ask *ask, struct route_answer *out)
{
	if (ask->snapshot->failures > 0) {
		out->status = STATUS_UNAVAILABLE;
	}
	text_put(&out->text, ask->snapshot->failures > 0 ? "failed\n" : "ok\n");
	put_reasons(ask->snapshot, &out->text);
}

void ready_make(const struct route_ask *ask, struct route_answer *out)
{
	const struct snapshot *snapshot = ask->snapshot;
	bool ready = snapshot->reason_count == 0 && !snapshot->draining;

	if (!ready) {
		out->status = STATUS_UNAVAILABLE;
	}
	text_put(&out->text, ready ? "ready\n" : "not ready\n");
	if (snapshot->draining) {
		text_put(&out->text, "draining\n");
	}
	put_reasons(snapshot, &out->text);
}

static void put_reasons(const struct snapshot *snapshot, struct text *text)
{
	for (uint32_t i = 0; i < snapshot->reason_count; i++) {
		text_put(text, snapshot->reasons[i]);
		text_put(text, "\n");
	}
}
