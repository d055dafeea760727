/* reload.h - from the configuration that runs to another one, by the difference of the two.
 *
 * What runs is a function of the configuration. A changed one is read and validated whole, and a
 * second setup is made of it, on the shards that run; what is wrong with it changes nothing. The
 * difference of the two (src/setup/difference.h) becomes a list of steps that the changer carries
 * out (changer.h). Whatever wants to change what runs does it by another `struct opt': SIGHUP reads
 * one, a command edits one. One change is under way at a time. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/run/changer.h"
#include "src/setup/difference.h"
#include "src/setup/options.h"
#include "src/setup/setup.h"

struct supervisor;

/* Who is told how a change went: 0 and what was done of it, or -errno and what was wrong. When a
 * shard refused a part of it, and only then, what it was of is named (`partly', in struct reload):
 * all else was done, and the new configuration is in force. */
struct reload_client {
	void (*done)(void *context, int rc, const struct err *text);
	void *context;
};

/* A configuration that is not the one of the start, with all that was made of it. */
struct reload_state {
	struct opt opt;
	struct setup setup;
};

struct reload {
	struct supervisor *sup;
	int argc; /* the command line */
	char **argv;
	struct reload_state *running; /* NULL: the one of the start, which is not ours */
	struct reload_state *wanted;  /* under way, or NULL */
	struct difference difference; /* to it */
	struct changer_step *steps;
	uint32_t step_count, step_room;
	struct reload_client client;
	uint64_t began_ns; /* of reading, where there was any; 0: not begun */
	const char *who;   /* asked for it last: "SIGHUP" */
	bool again;        /* it was asked for meanwhile */
	bool partly;       /* the last change was done but for some of it */
	bool lacked;       /* the last that reload_again asked for failed for want of something */
};

void reload_init(struct reload *reload, struct supervisor *sup, int argc, char **argv);

/* After the shards have ended and the changer has. The setup of the start is in force again, which
 * nobody should look at any more. */
void reload_free(struct reload *reload);

bool reload_is_busy(const struct reload *reload);

/* Reads command line and files again and goes on by them, because `who', a constant, asks for it.
 * Logs what came of it, and tells the service manager. While a change is under way it is done after
 * that. */
void reload_again(struct reload *reload, const char *who);

/* Goes on by `opt', which is filled in as by options_parse. 0, and then it is the reload's and
 * `client' will be told; else -errno with `err', nothing was changed, and it is the caller's:
 * -EBUSY, -EINVAL (what is wrong with it, or needs a restart), and others. */
int reload_apply(struct reload *reload, struct opt *opt, const struct reload_client *client,
		 struct err *err);

/* The same by the options that are in force, with other owners: `owners' is the plan that runs but
 * for these, and is only read now. */
int reload_move(struct reload *reload, const struct plan *owners,
		const struct reload_client *client, struct err *err);
