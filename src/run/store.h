/* store.h - keeps the sockets of flows with the service manager, beyond the end of this process.
 *
 * With FileDescriptorStoreMax= in its unit systemd keeps descriptors that a service hands to it
 * (FDSTORE=1, sd_notify(3)) and passes them to the next process of that service (LISTEN_FDS). A
 * socket of a flow that is kept so stays bound and joined, and what arrives waits in it: so a
 * restart, another build and kill -9 lose nothing while its buffer has room, and no switch hears of
 * a leave.
 *
 *     store_open       what was passed to us, and whether there is a store; waits until the process
 *                      before us, and its finisher, have ended
 *     store_adopt      before the shards start: whose socket is it, is it what it is said to be?
 *     store_settle     all are live: what nobody took goes, out of the store too
 *     store_tick       once a second: what flows have by now is stored, what has gone is removed
 *     store_hand_over  the end, by SIGTERM: which flows are left to who comes next
 *     store_forget     the end for good
 *
 * The manager does not say whether a restart or a stop is meant. So SIGTERM always hands over, and
 * when it was a stop, the manager closes what it kept, and with that the groups are left.
 *
 * The sockets of a flow that is divided by source or CPU are one set: all of them are handed over
 * and taken, or none is, and what they have lost is told by spread.h across the processes.
 * What is passed to us is dealt with in store_passed.c, all else in store.c. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/shard.h"
#include "src/base/log.h"
#include "src/setup/options.h"

struct supervisor;
struct store_passed;
struct store_socket;

struct store {
	bool on;
	struct store_passed *passed; /* to us at the start, until it is settled */
	uint32_t passed_count;
	struct shard_kept **kept;     /* for each shard, for each flow of its table */
	uint32_t kept_count;          /* shards */
	uint32_t wanted, adopted;     /* sockets of flows or of their parts */
	struct store_socket *sockets; /* that the manager keeps, in the order of their ids */
	uint32_t count, room;
	uint64_t ticked_ns;
	int note_fds[2]; /* of how we end (finish_note.h), to read and to write; -1: none */
	bool note_kept;  /* the manager has the former */
	bool behind;     /* the manager has not read all that is to be said */
	bool told_full;  /* that there are more than it can keep */
};

/* 0, or -ENOMEM with `err'. store_close either way. Before anything else is opened. */
int store_open(struct store *store, const struct opt *opt, struct err *err);
void store_close(struct store *store);

/* Before each attempt to start the shards: 0, or -ENOMEM with `err'. Then what the spec of a shard
 * has as `kept'. */
int store_adopt(struct store *store, const struct supervisor *sup, struct err *err);
struct shard_kept *store_kept(const struct store *store, uint32_t shard);

void store_settle(struct store *store, const struct supervisor *sup);

/* Does nothing while a change is under way. Never waits for the manager: see store_wait_ms. */
void store_tick(struct store *store, const struct supervisor *sup, uint64_t now_ns);

/* How long to sleep at most until the next tick, in milliseconds; `most' when there is no haste. */
int store_wait_ms(const struct store *store, int most);

/* Marks the flows whose sockets are stored, for MAIL_HAND_OVER. How many these are. */
uint32_t store_hand_over(struct store *store, struct supervisor *sup);

/* Nothing is kept for anybody any more. */
void store_forget(struct store *store);
