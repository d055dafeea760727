/* lookup.h - asks DNS for the addresses of hosts, without waiting for the answers.
 *
 * What the host's resolv.conf, nsswitch.conf and hosts file say holds here as elsewhere; they are
 * read again when resolv.conf has changed. Answers are told by lookup_tick, which whoever opened it
 * calls when its descriptor is readable or its time has come. Not needed for anything that works
 * without names. One thread, the one that opened it.
 */
#pragma once

#include <stdint.h>

#include "src/base/addr.h"
#include "src/base/log.h"

#define LOOKUP_ADDRS_MAX 16

struct lookup; /* wraps the library's channel */

struct lookup_answer {
	int rc;           /* 0: there is an address at least; else -errno */
	const char *why;  /* what went wrong; a constant */
	uint32_t ttl_s;   /* the shortest of its addresses; 0 of what is not from DNS */
	uint32_t count;   /* of `addrs' */
	uint32_t refused; /* addresses that were no host's, and are left out */
	struct addr addrs[LOOKUP_ADDRS_MAX]; /* without port, in the order to be preferred */
};

/* May begin another lookup, and not close. */
typedef void lookup_done(void *context, const struct lookup_answer *answer);

/* Whether this build can look up anything. */
bool lookup_is_there(void);

/* 0, or -errno with `err': -ENOSYS when the build cannot. */
int lookup_open(struct lookup **out, struct err *err);

/* Asks for `name'; `done' is called once, at once or by lookup_tick. */
void lookup_begin(struct lookup *lookup, const struct host_name *name, lookup_done *done,
		  void *context);

/* To be polled for reading, or -1. */
int lookup_fd(const struct lookup *lookup);

void lookup_tick(struct lookup *lookup);

/* How long to wait before the next tick at most: `most_ms' or less. */
int lookup_wait_ms(const struct lookup *lookup, int most_ms);

/* What is not answered is forgotten, and nobody is told. Accepts NULL. */
void lookup_close(struct lookup *lookup);
