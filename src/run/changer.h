/* changer.h - changes running shards, one step after the other, and never waits for one.
 *
 * Whoever wants shards changed hands over a list of steps and is told when it is done. First, in
 * advance, every socket that the list needs is opened and every group joined, and memory for more
 * places is made; if any of that fails, all of it is given back and no shard has heard of it. Then
 * the steps are taken in order. Each is a message to one shard (shard/change.h), and what that
 * gives back is left, counted and closed here, so no shard ever waits for the kernel's locks.
 *
 * Everybody's lists are carried out one after the other, in the order in which they came, and one
 * message is under way at a time: nobody else sends any. None is begun while two machines change
 * places (relief.h). Only which rules relay and which stand by (duty.h) is told between two steps.
 * The control thread polls changer_fd with whatever else it waits for and calls changer_tick, which
 * does a bounded part of the work; while a shard has the message, nobody else looks at its places
 * (changer_has). Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "numa/near.h"
#include "shard/change.h"
#include "shard/sock.h"
#include "src/base/log.h"
#include "src/run/duty.h"
#include "src/run/mover.h"

struct difference_group;
struct supervisor;

/* One step; flows and outputs are known by what they are. To ADD_FLOW belong its outputs, each an
 * ADD_OUTPUT, and a START_FLOW; REMOVE_FLOW removes its outputs, too, or moves them with the flow
 * (mover.h). ADD_ROOM is the changer's. What is added on an interface that is not there is added
 * without a socket, and so is a flow that is opened late and cannot be: both are pending then
 * (pending.h). */
struct changer_step {
	enum shard_op op;
	uint32_t shard;
	bool late; /* ADD_FLOW: another socket like it goes first, so it is opened in its turn only;
		    * SET_ECHOES: senders that went are not to be known any more */
	bool cut;  /* HOLD_FLOW; REMOVE_FLOW, ADD_FLOW: of a group that is received by other
		    * sockets, whose flows have been cut before (changer_cut.h) */
	bool moved;    /* REMOVE_FLOW: the flow goes from shard `from' to `shard', where it goes by
			* `flow'. SET_ECHOES: it will, and is at `from' yet */
	uint32_t from; /* of what is moved */
	struct err *why; /* NULL, or the step may fail and ends nothing: here it says why */
	const struct rule_flow *flow;           /* all but SET_WAITS */
	const struct difference_group *group;   /* SET_MERGE: of what; `flow' is its `lead' */
	const struct rule_table_output *output; /* the *_OUTPUTs: which, and its options */
	const struct addr *echoes;              /* ADD_FLOW, SET_ECHOES */
	uint32_t echo_count;
	struct ring_waits waits; /* SET_WAITS */
	uint64_t drain_ns;
	uint32_t latency_sample;
	bool skip;           /* there is nothing to do after all */
	bool tried;          /* ADD_FLOW, OPEN_FLOW: its socket was opened, or cannot be */
	int result;          /* what became of it: 0, -errno; -ECANCELED: it was not come to */
	int fd;              /* opened in advance; the changer's. Begins as -1 */
	struct sock_got got; /* of that socket */
	uint32_t drops_seen; /* its kernel drops that are none of the flow's; the changer's */
	unsigned ifindex;    /* OPEN_*: of the interface by now; the changer's */
	uint32_t mtu;        /* TRY_PATH: of the interface. OPEN_*: the same; the changer's */
	bool dark;           /* TRY_PATH: the interface has no carrier */
};

/* Who handed a list over. */
struct changer_client {
	/* All sockets are there: the last chance to fill in `echoes' by their addresses. 0, or
	 * -errno with `err', and then nothing is changed. May be NULL. */
	int (*prepared)(void *context, struct err *err);
	/* 0: all was done. Else `err' is what went wrong first; with `begun' the steps that could
	 * be done were, without it nothing was changed. The list is its owner's again. */
	void (*done)(void *context, int rc, bool begun, const struct err *err);
	void *context;
};

/* What is known of one shard while a list is carried out. */
struct changer_shard {
	uint32_t *order; /* places of its flows, by rule_compare_flows; NULL: not looked at yet */
	uint32_t count;
	uint32_t flows_wanted, outputs_wanted; /* places that the list takes */
	size_t *merge_bytes;                   /* blocks that it takes, each at least so large */
	uint32_t merges_wanted, merges_room;
};

/* A list that waits its turn. */
struct changer_list {
	struct changer_list *next;
	struct changer_step *steps;
	uint32_t count;
	struct changer_client client;
	struct changer_shard *shards;
};

/* Memory of rooms; lives as long as the shards. */
struct changer_memory {
	struct changer_memory *next;
	struct arena arena;
};

enum changer_phase {
	CHANGER_IDLE,
	CHANGER_PREPARING, /* opening sockets */
	CHANGER_GROWING,   /* adding rooms */
	CHANGER_CHANGING,  /* taking steps */
};

struct changer {
	struct supervisor *sup;
	enum changer_phase phase;
	struct changer_step *steps;
	uint32_t count, at; /* steps; the next of this phase */
	uint64_t lists;     /* begun so far */
	struct changer_client client;
	struct changer_shard *shards; /* of the list; one for each worker */
	bool stamping;       /* by a socket that has the kernel stamp all that it receives */
	int stamp_fd;        /* then: that */
	uint64_t stamp_ns;   /* when it came */
	uint64_t cut_ns;     /* the last moment, by clock_wall_ns; 0: none */
	uint64_t arrived_ns; /* by clock_now_ns: what was stamped before it is there */
	uint64_t pause_ns;   /* the next step is to wait until then; 0: it is not */
	struct changer_step **shares; /* of the list: those that bring a share, sorted; or NULL */
	uint32_t share_count;
	struct shard_message message;
	uint32_t message_shard;
	bool waiting;                          /* for its answer */
	uint32_t *rest, rest_count, rest_room; /* outputs of a removed flow, to be removed */
	const struct rule_flow *added;         /* last ADD_FLOW, and what it became */
	uint32_t added_flow, added_shard;
	struct mover mover; /* of a step that moves a flow */
	struct duty duty;   /* which is told between the steps */
	int rc;             /* first failure of the list */
	bool begun;
	bool acted;                        /* a shard has heard of a step of the list */
	struct err err;                    /* of it */
	struct changer_list *first, *last; /* that wait */
	struct changer_memory *memory;
	struct near near; /* to the shard that a socket is opened for */
	bool far_told;    /* that it could not go there */
};

void changer_init(struct changer *changer, struct supervisor *sup);

/* Gives the memory of rooms back: after the shards have ended and nobody looks at their places any
 * more. */
void changer_free(struct changer *changer);

/* Takes a list, which its owner leaves alone until it is done; it may have to wait its turn. What
 * stands in places may change until it is prepared. 0 or -ENOMEM. */
int changer_begin(struct changer *changer, struct changer_step *steps, uint32_t count,
		  const struct changer_client *client);

/* Goes on as far as is possible without waiting, for a few milliseconds at most. Without a list it
 * does nothing. */
void changer_tick(struct changer *changer);

/* What to poll for reading before the next tick: -1, nothing. How long at most, in milliseconds: 0
 * while there is work to do, else until there will be, or `most'. */
int changer_fd(const struct changer *changer);
int changer_sleep_ms(const struct changer *changer, int most);

/* Whether there is no list. */
bool changer_is_idle(const struct changer *changer);

/* Takes the answer that is there, if any, and asks nothing: then nobody has a message, unless one
 * is still awaited (changer_fd). */
void changer_take(struct changer *changer);

/* Whether nobody may look at all places: a shard has a message or is to be told its duties, or a
 * flow that moves stands in none for the moment, with all that it has counted. */
bool changer_is_amid(const struct changer *changer);

/* Whether `shard' has a message, so that its places may change at any time. */
bool changer_has(const struct changer *changer, uint32_t shard);

/* All shards have ended: whatever was under way or waits is over. Its clients are told. */
void changer_end(struct changer *changer);
