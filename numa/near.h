/* near.h - where a thread is that works for shards: at home on CPUs that have none, or near one.
 *
 * What the kernel allocates for itself, as for a socket, comes from the node of the CPU that asks
 * for it, whatever the memory policy of the thread. So a thread that opens sockets for another
 * goes to that one's node first, and afterwards home: it may run again wherever it might before.
 * A thread that is started meanwhile inherits the narrow set, so none should be; what is started
 * once the home was settled is at home there, too. Concerns the calling thread.
 */
#pragma once

#include "numa/cpu_bits.h"
#include "numa/plan.h"
#include "numa/topo.h"

/* Begins as all-zero: at home, wherever that is. */
struct near {
	struct cpu_bits before; /* where it may run at home; `set' is NULL while it is there */
	struct cpu_bits may;    /* where it may run if need be; `set' is NULL: where at home */
	int node_os;            /* where it is instead */
};

/* Makes its home the CPUs without a shard of `plan', of those where it may run now; where there are
 * none, or the machine is not this one, it stays. 0, or -errno and it is where it was. */
int near_settle(struct near *near, const struct topo *topo, const struct plan *plan);

/* Accepts all-zero; the thread stays where it is. */
void near_free(struct near *near);

/* From here on the thread runs on CPUs whose memory node is `node_os', of those where it may run:
 * on ones without a shard of `plan' if there are any, else on all of these. Where there is none at
 * all, or TOPO_UNKNOWN, or a machine that is not this one, it is at home. 0, or -errno and it is
 * where it was. */
int near_go(struct near *near, const struct topo *topo, const struct plan *plan, int node_os);

/* Gives the thread its CPUs back. 0, or -errno and it may run on none but those of the node. */
int near_go_home(struct near *near);
