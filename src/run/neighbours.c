/* neighbours.c - see neighbours.h.
 *
 * The kernel is asked which way it would go, and told to use the neighbour there
 * (src/fastpath/hop.h), by a socket that is open for one round.
 */
#include "src/run/neighbours.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/fastpath/hop.h"
#include "src/run/supervisor.h"

#define ROUND_NS    (5 * NS_PER_S)
#define OUTPUTS_MAX 64 /* asked for at a time */
#define PLACES_MAX  4096

static bool goes_on(struct neighbours *n, const struct supervisor *sup, uint64_t now_ns);
static bool stands_by(const struct supervisor *sup, const struct shard *shard,
		      const struct output_place *place);
static int resolve(struct neighbours *n, const struct output_place *place);
static void close_socket(struct neighbours *n);

void neighbours_tick(struct neighbours *n, const struct supervisor *sup, uint64_t now_ns)
{
	uint32_t asked = 0, looked = 0;

	while (!n->given_up && asked < OUTPUTS_MAX && looked++ < PLACES_MAX &&
	       goes_on(n, sup, now_ns)) {
		const struct shard *shard = sup->workers[n->shard].shard;
		const struct output_place *place = shard_output(shard, n->place++);
		int rc = 0;

		if (stands_by(sup, shard, place)) {
			rc = resolve(n, place);
			asked++;
		}
		if (rc == -EPERM || rc == -EACCES || rc == -EAFNOSUPPORT) {
			n->given_up = true;
			log_info("standby: neighbours are not resolved in advance: %s; expected "
				 "CAP_NET_ADMIN; the first datagrams after a take-over may wait "
				 "for it",
				 strerror(-rc));
		}
	}
	if (!n->amid || n->given_up) {
		close_socket(n);
	}
}

void neighbours_free(struct neighbours *n)
{
	close_socket(n);
	*n = (struct neighbours){0};
}

/* Whether there is another place in this round, or it is time for the next one. */
static bool goes_on(struct neighbours *n, const struct supervisor *sup, uint64_t now_ns)
{
	if (!n->amid && now_ns - n->looked_ns < ROUND_NS) {
		return false;
	}
	if (!n->amid) {
		*n = (struct neighbours){.looked_ns = now_ns, .amid = true};
	}
	while (n->shard < sup->worker_count &&
	       n->place >= sup->workers[n->shard].shard->egress.place_count) {
		n->shard++;
		n->place = 0;
	}
	n->amid = n->shard < sup->worker_count;
	return n->amid;
}

/* One that sends keeps its neighbour by itself. */
static bool stands_by(const struct supervisor *sup, const struct shard *shard,
		      const struct output_place *place)
{
	const struct egress_output *output = &place->output;
	const struct flow_place *flow;

	if (!output->rule || output->fd < 0 || addr_is_multicast(&place->rule.out.to.addr)) {
		return false;
	}
	flow = shard_flow(shard, place_index(output->flow));
	return output->sourceless || (flow->flow.rule && flow->rule.standby);
}

/* 0 or -errno. */
static int resolve(struct neighbours *n, const struct output_place *place)
{
	struct hop hop;
	int rc = 0;

	if (!n->socket) {
		n->socket = hop_open();
		rc = n->socket ? 0 : -errno;
	}
	if (rc == 0) {
		rc = hop_find(n->socket, &place->rule.out.to.addr, place->rule.ifindex, &hop);
	}
	return rc == 0 ? hop_use(n->socket, &hop) : rc;
}

static void close_socket(struct neighbours *n)
{
	if (n->socket) {
		mnl_socket_close(n->socket);
		n->socket = NULL;
	}
}
