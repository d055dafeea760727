/* lane_errors.c - see lane_errors.h.
 *
 * The sockets are the shards'. One that ends closes them, and the next socket that any thread opens
 * gets the same number: a client's, whose words nobody else may read. So each flow's are looked at
 * while the gate keeps its shard from beginning that. Control thread.
 */
#include "src/run/lane_errors.h"

#include "shard/shard.h"
#include "shard/sock.h"
#include "src/run/gate.h"
#include "src/run/lane_look.h"
#include "src/run/supervisor.h"

#define READS_MAX 64 /* of one output: each empties a queue of some dozen */

static uint32_t count_of_flow(struct supervisor *sup, const struct worker *w,
			      const struct ingress_flow *flow);
static uint64_t errors_of(int fd);

void lane_errors_count(struct supervisor *sup, uint32_t most)
{
	struct lane_errors *next = &sup->lane.errors;
	uint32_t all = 0, seen = 0, places = 0;

	for (uint32_t s = 0; s < sup->worker_count; s++) {
		all += sup->workers[s].shard->relay.place_count;
	}
	while (places < all && seen < most) {
		const struct worker *w;

		next->worker = next->worker < sup->worker_count ? next->worker : 0;
		w = &sup->workers[next->worker];
		if (next->place >= w->shard->relay.place_count) {
			next->worker++;
			next->place = 0;
			continue;
		}
		gate_keep(w->gate);
		if (!w->closing) {
			seen += count_of_flow(sup, w, &shard_flow(w->shard, next->place)->flow);
		}
		gate_let(w->gate);
		next->place++;
		places++;
	}
}

/* How many outputs were looked at. */
static uint32_t count_of_flow(struct supervisor *sup, const struct worker *w,
			      const struct ingress_flow *flow)
{
	const struct lane_verdict *verdict =
		flow->rule ? lane_verdict_of(&sup->lane, &flow->rule->in) : NULL;
	uint32_t seen = 0;

	if (!verdict || verdict->reason != FAST_REASON_NONE) {
		return 0;
	}
	for (uint32_t o = flow->first_output; o != PLACE_NONE;) {
		const struct egress_output *output = &shard_output(w->shard, o)->output;
		const struct rule_output *rule = &output->rule->out;

		if (!addr_is_multicast(&rule->to.addr) && !rule->src_keep && output->fd >= 0) {
			uint64_t errors = errors_of(output->fd);

			seen++;
			if (errors > 0) {
				fast_add_errors(&sup->lane.fast, &flow->rule->in, &rule->to,
						errors);
			}
		}
		o = output->sibling;
	}
	return seen;
}

static uint64_t errors_of(int fd)
{
	uint64_t errors = 0;

	for (int i = 0; i < READS_MAX; i++) {
		struct sock_errors seen = sock_drain_errors(fd);

		errors += seen.icmp;
		if (seen.icmp == 0) {
			break;
		}
	}
	return errors;
}
