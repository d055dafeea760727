/* lane.h - which flows are relayed in the kernel, by the program of src/fastpath/, and since when.
 *
 * Every flow has its socket and its shard; the program carries what it can of the same flows. Who
 * is carried is looked at when all shards are about to join, after each list of changes, and when
 * an interface, or the next hop of a unicast output, has changed: each flow is put as it stands in
 * the shards' places now, or dropped, with a reason. A flow that a list of changes is about to
 * touch is dropped before, so that nothing here knows of the steps of a change. What was counted by
 * the program is part of what a flow and an output have counted; readers get it from lane_read and
 * lane_read_output, and it leaves with its flow or output into what is gone.
 *
 * A flow that goes from its socket to the program waits until its socket is empty, and what may be
 * overtaken nevertheless is counted (lane_order.h); the other way nothing is overtaken, since what
 * the program had has left already. Control thread.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "shard/counters.h"
#include "src/base/log.h"
#include "src/fastpath/counts.h"
#include "src/fastpath/device.h"
#include "src/fastpath/eligible.h"
#include "src/fastpath/fast.h"
#include "src/fastpath/weigh.h"
#include "src/run/changer.h"
#include "src/run/lane_errors.h"
#include "src/run/lane_hops.h"

struct ingress_flow;
struct output_place;
struct supervisor;

#define LANE_HOLD_S 60 /* a flow that the program has given up goes by its socket for so long */

/* Of a configured flow. */
struct lane_verdict {
	struct rule_ingress in;
	enum fast_reason reason; /* FAST_REASON_NONE: it is carried */
	uint64_t hold_ns;        /* with FRAGMENT, OPTIONS, TOO_BIG, MERGED, CHEAPER: until when */
	uint64_t queued_ns;      /* since when it waits for its empty socket; 0: it does not */
	uint32_t outputs;        /* when it may be left to its shard for what it costs; else 0 */
	struct weigh weigh;
	struct weigh_sample so_far; /* `ns' is when that was; 0: nothing is known */
};

/* An interface of a flow that could be carried, as it was when last looked at. */
struct lane_device {
	char name[IF_NAMESIZE];
	struct device device;
};

/* All zero: no flow is carried. */
struct lane {
	struct fast fast;
	struct lane_verdict *verdicts; /* sorted by rule_compare_flows */
	uint32_t verdict_count;
	struct lane_device *devices;
	uint32_t device_count;
	struct lane_hops hops; /* of unicast outputs */
	struct lane_errors errors;
	uint32_t carried;
	uint64_t told;    /* bits of reasons that were said */
	uint64_t tick_ns; /* the last one */
	uint64_t look_ns; /* likewise */
	bool due;         /* to be looked at again */
	bool unseen;      /* the last look lacked something: again with the next second */
	bool probes;      /* source addresses have changed: ask for them each time */
	bool stopped;     /* nothing is carried any more */
	bool orders_open; /* of some flow, perhaps (lane_order.h) */
};

/* Loads the program, if any rule asks for it. With --fastpath auto a failure is logged and all goes
 * on by sockets. 0, or -errno with `err'. Before privileges are given up; lane_close either way. */
int lane_open(struct supervisor *sup, struct err *err);
void lane_close(struct lane *lane);

/* All shards have their sockets and none has joined: looks for the first time. 0; -EINVAL with
 * `err', --fastpath require and a flow that cannot be carried. */
int lane_start(struct supervisor *sup, struct err *err);

/* A list of changes is done, or interface addresses have changed: looks again. */
void lane_changed(struct supervisor *sup);
void lane_addresses_changed(struct supervisor *sup);

/* The kernel's news of routes and neighbours are taken in; whatever they change is looked at with
 * the next tick. */
void lane_hear(struct supervisor *sup);

/* Once a second, and not while a list of changes is under way: whom the program has given up, and
 * which interfaces have changed; and sooner what was heard. */
void lane_tick(struct supervisor *sup, uint64_t now_ns);

/* How long to wait before the next tick at most, in milliseconds: `most_ms' or less. */
int lane_sleep_ms(const struct supervisor *sup, int most_ms);

/* However busy control is: without this the program ends by itself. */
void lane_prolong(const struct supervisor *sup, uint64_t now_ns);

/* The flows that `steps' touch go by their sockets from now on. */
void lane_touch(struct supervisor *sup, const struct changer_step *steps, uint32_t count);

/* A flow is to stand by: it goes by its socket from now on; once that is settled the program relays
 * nothing of it any more. */
void lane_drop(struct supervisor *sup, const struct rule_ingress *in);
void lane_settle(struct supervisor *sup);

/* A flow, or an output of it, has left its shard: what the program has counted of it is gone, too.
 */
void lane_forget(struct supervisor *sup, const struct rule_ingress *in);
void lane_forget_output(struct supervisor *sup, const struct rule_ingress *in,
			const struct endpoint *to);

/* All flows go by their sockets from now on, for good. */
void lane_stop(struct supervisor *sup);

/* Whether anything is or was carried, so that there is something to be shown. */
bool lane_is_open(const struct supervisor *sup);

/* Why a flow is not carried; FAST_REASON_NONE: it is. */
enum fast_reason lane_reason(const struct supervisor *sup, const struct rule_ingress *in);

/* The same in words, a constant, of one that is to be carried and is not; else NULL. */
const char *lane_why(const struct supervisor *sup, const struct rule_ingress *in);

/* What the program has counted of a flow, and of an output with what its flow was relayed without
 * it. All zero where it has counted nothing. */
void lane_read(const struct supervisor *sup, const struct rule_ingress *in,
	       struct fast_image_counts *out);
void lane_read_flow(const struct supervisor *sup, const struct ingress_flow *flow,
		    struct fast_flow_counts *out);
void lane_read_output(const struct supervisor *sup, const struct rule_ingress *in,
		      const struct endpoint *to, struct fast_output_counts *out, uint64_t *before);
