/* setup.h - what shall run: options, machine, interfaces, plan, tables, engine, limits.
 *
 * A setup touches nothing: it opens no socket, starts no thread, takes no memory of a node. What
 * runs is struct supervisor; the host check and the printed plans need a setup only. A second
 * setup_prepare beside a running one tells what a changed configuration would change. The place
 * where a planner's answer (numa/) becomes the shards' orders (shard/). Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "numa/plan.h"
#include "numa/topo.h"
#include "shard/ring.h"
#include "shard/shard.h"
#include "src/base/log.h"
#include "src/rules/partition.h"
#include "src/setup/iface.h"
#include "src/setup/layout.h"
#include "src/setup/options.h"

struct setup {
	const struct opt *opt; /* not owned; outlives the setup */
	struct topo topo;
	const struct setup *prior;  /* whose topology it is, and whose shards; NULL: its own */
	struct partition partition; /* of the rules, among machines */
	uint32_t shards_max;        /* that flows of all machines could use; 0: nothing is known */
	struct iface_table ifaces;
	struct plan plan;
	struct layout layout;
	int *sqpoll_os;          /* per shard: CPU of the thread that submits; NULL: no SQPOLL */
	enum ring_engine engine; /* as asked for; after setup_settle the one in use */
	uint32_t train_max;      /* datagrams a train; 1: trains are off, or not yet settled */
	uint64_t
		lockable_bytes; /* of all shards together, for registered buffers; by who runs it */
};

/* Topology, interfaces, plan and tables, without touching the host. With `for_this_host' every
 * interface must exist. But with a --topology, which is another machine's, the rules of `opt' get
 * the kernel's names for their interfaces. 0; -EINVAL when the configuration cannot be met (exit
 * status 2), other -errno (exit status 1), with `err'. setup_free either way. */
int setup_prepare(struct setup *setup, struct opt *opt, bool for_this_host, struct err *err);

/* The same for rules that are to go on where `running' runs: on its shards, with its topology,
 * engine and limits, and each flow that is in both at its owners; these are told by `owners', the
 * plan that runs or one that differs from it in its owners alone. `running' outlives the setup, or
 * whatever it goes on from does. options_check_live has returned 0. */
int setup_prepare_next(struct setup *setup, struct opt *opt, const struct setup *running,
		       const struct plan *owners, struct err *err);

/* Chooses engine and trains by trying them, as the user and with the limits that the shards will
 * have. 0, or -errno with `err' when --engine cannot be met. */
int setup_settle(struct setup *setup, struct err *err);

/* For --engine auto, when the engine in use was refused to a shard though its trial went well:
 * takes the next that can be used and says so, with `why'. False when none is left or one was
 * named. */
bool setup_fall_back(struct setup *setup, const struct err *why);

/* The orders for shard `index', as worker_start carries them out. `out' points into `setup'. */
void setup_spec(const struct setup *setup, uint32_t index, struct shard_spec *out);

/* Accepts all-zero and what setup_prepare left half-built. */
void setup_free(struct setup *setup);
