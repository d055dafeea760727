/* supervisor.h - what runs: the workers of a setup, started together, watched, ended together.
 *
 * `struct supervisor' is the whole running state, for the report and the watch; all of it belongs
 * to the control thread.
 */
#pragma once

#include <stdint.h>

#include "src/setup/marks.h"
#include "src/setup/setup.h"
#include "src/run/changer.h"
#include "src/run/commands.h"
#include "src/run/echoes_change.h"
#include "src/run/ending.h"
#include "src/run/finisher.h"
#include "src/run/lane.h"
#include "src/run/links.h"
#include "src/run/health_file.h"
#include "src/run/history.h"
#include "src/run/privs.h"
#include "src/run/door.h"
#include "src/run/rebalance.h"
#include "src/run/replies.h"
#include "src/run/reload.h"
#include "src/run/report.h"
#include "src/run/scene.h"
#include "src/run/spread.h"
#include "src/run/survey.h"
#include "src/run/store.h"
#include "src/run/worker.h"

struct control;
struct web;

struct supervisor {
	struct setup *setup; /* what runs by now; not owned */
	struct gate gate;
	struct worker *workers; /* setup->plan.shard_count of them */
	uint32_t worker_count;  /* started */
	uint64_t started_ns;
	struct store store;       /* of sockets, with the service manager */
	struct finisher finisher; /* where there is a store */
	struct links links;
	struct lane lane; /* who is carried by the kernel */
	struct replies replies;
	struct changer changer;   /* of running shards */
	struct spread spread;     /* of divided flows, beside what stands in their places */
	struct echoes_told *told; /* by lists of changes, as long as a flow uses it */
	struct reload reload;     /* to another setup */
	struct rebalance rebalance;
	struct ending ending;
	uint64_t end_by_ns;      /* when all shards must have ended; 0: not asked to yet */
	bool stuck;              /* they had not */
	struct marks marks;      /* of the ingresses, for as long as the process is there */
	struct report_gone gone; /* what is in no shard any more */
	struct privs privs;
	struct history history;
	struct health_file health_file;
	struct door door;                /* taken over by control once it is open */
	struct control *control;         /* NULL: no control socket */
	struct web *web;                 /* NULL: nothing is told by HTTP */
	struct survey survey;            /* for it */
	struct scene scene;              /* the same */
	struct command_order order;      /* a change that control was asked for */
	struct command_order duty_order; /* the same of who is to relay */
	struct conf disabled;            /* rules that control keeps aside */
	bool draining;                   /* asked to end */
	bool drain_asked;                /* by control, and not yet acted on */
};

/* Settles `setup', on which setup_prepare has returned 0, starts its shards, relays until a signal
 * says otherwise, drains, reports. SIGHUP reads the command line, which `setup' was made of, again.
 * Returns the exit status of the process; errors have been logged.
 */
int supervisor_run(struct setup *setup, int argc, char **argv);
