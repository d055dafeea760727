/* supervisor.h - the process around the shards: prepare, start, watch, end.
 *
 * The only place where numa/ and shard/ meet. `struct supervisor' is the whole running state, for
 * the report and the watch; all of it belongs to the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "numa/plan.h"
#include "numa/topo.h"
#include "shard/ring.h"
#include "src/base/log.h"
#include "src/iface.h"
#include "src/layout.h"
#include "src/opt.h"
#include "src/worker.h"

struct supervisor {
	const struct opt *opt;
	struct topo topo;
	struct iface_table ifaces;
	struct plan plan;
	struct layout layout;
	enum ring_engine engine; /* in use */
	uint32_t train_max;      /* datagrams a train; 1: trains are off */
	uint64_t lockable_bytes; /* of all shards together, for registered buffers */
	int *sqpoll_os;          /* per shard: CPU of the thread that submits; NULL: no SQPOLL */
	struct gate gate;
	struct worker *workers; /* plan.shard_count of them */
	uint32_t worker_count;  /* started */
	uint64_t started_ns;
};

/* Topology, interfaces, plan and tables, without touching the host; what --plan needs too. With
 * `for_this_host' every interface must exist. 0; -EINVAL when the configuration cannot
 * be met (exit status 2), other -errno (exit status 1). supervisor_free either way. */
int supervisor_prepare(struct supervisor *sup, const struct opt *opt, bool for_this_host,
		       struct err *err);

/* The orders for shard `index', as worker_start will carry them out. */
void supervisor_spec(const struct supervisor *sup, uint32_t index, struct shard_spec *out);

/* Starts the shards, relays until a signal says otherwise, drains, reports. Returns the exit
 * status of the process; errors have been logged. */
int supervisor_run(struct supervisor *sup);

void supervisor_free(struct supervisor *sup);
