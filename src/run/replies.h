/* replies.h - answers on their way back: what comes to the port of an output with reply=yes goes to
 * who asked last.
 *
 * For protocols in which somebody asks a group and is answered in person. It is control's, since
 * answers are few: the shard only notes who asks (shard/asker.h). One socket an output, bound to
 * the output's port on its interface; the answer leaves from the socket of the output's flow, so it
 * has the port that was asked. One asker an output is all that is kept. Control thread.
 */
#pragma once

#include <stdint.h>

#include "src/base/log.h"

struct supervisor;
struct reply;

struct replies {
	struct reply **list;
	uint32_t count, room;
	int epoll_fd;          /* valid while there is a list */
	unsigned char *buffer; /* for one datagram */
};

/* Opens a socket for each output of the shards that wants replies; these have opened theirs. 0, or
 * -errno with `err' and nothing left open. */
int replies_open(struct replies *replies, struct supervisor *sup, struct err *err);

/* The shards may have other outputs by now, or these other sockets: opens what is missing and
 * closes what is for nobody any more. 0, or -errno with `err' of the first that could not be
 * opened; all others are. No shard has a message. */
int replies_look(struct replies *replies, struct supervisor *sup, struct err *err);

/* To be polled for reading, or -1. */
int replies_fd(const struct replies *replies);

/* Takes a bounded number of answers and sends them on. The shards are live. */
void replies_tick(struct replies *replies, struct supervisor *sup);

/* An output has moved: to the place with token `to' of shard `to_shard'. */
void replies_follow(struct replies *replies, uint32_t from_shard, uint32_t from, uint32_t to_shard,
		    uint32_t to);

/* Accepts all-zero. */
void replies_close(struct replies *replies);
