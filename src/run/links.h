/* links.h - what control does when interfaces come, go, or have a carrier again, and when the
 * addresses of names change.
 *
 * ifwatch.h tells what happened, renew.h has memberships reported again, follow.h closes what
 * stands on an interface that has gone, pending.h opens what is not open, sources.h knows which
 * source addresses are not here, neighbours.h has those resolved that what stands by will need,
 * names.h looks names up, members_watch.h knows when other machines come or go. Control thread.
 */
#pragma once

#include <stdint.h>

#include "src/base/log.h"
#include "src/run/follow.h"
#include "src/run/ifwatch.h"
#include "src/run/members_watch.h"
#include "src/run/names.h"
#include "src/run/neighbours.h"
#include "src/run/pending.h"
#include "src/run/renew.h"
#include "src/run/sources.h"

struct supervisor;

struct links {
	struct supervisor *sup;
	struct ifwatch watch;
	struct renew renew;
	struct pending pending;
	struct follow follow;
	struct sources sources;
	struct names names;
	struct members_watch members;
	int epoll_fd; /* of the watch and of the names; -1 or 0: none */
	struct neighbours neighbours;
	uint32_t listing;  /* of the watch, when addresses were looked at last */
	uint64_t again_ns; /* when to look again at what a change brought; 0: all of it is known */
	uint64_t now_ns;   /* of this tick */
	uint64_t heard;    /* events so far, and changes of what there is */
};

/* Begins to watch, before anything is joined, so that nothing is missed. Without the kernel's news
 * everything else goes on, which is logged. links_close either way. */
void links_open(struct links *links);

/* All shards are live. 0 or -ENOMEM with `err'. */
int links_start(struct links *links, struct supervisor *sup, struct err *err);

/* A list of changes is done: the shards may have other flows, outputs and sockets now, which are to
 * be watched, tried again, or have answers taken (replies.h). What cannot be looked at for want of
 * memory or of a descriptor is logged, and looked at again a second later. */
void links_changed(struct links *links);

/* What is amiss with interface `ifindex', though it is there; NULL: nothing that is known. */
const char *links_amiss(const struct links *links, unsigned ifindex);

/* The same of a flow, which may also circle (shard/relay_breaker.h). */
const char *links_flow_amiss(const struct links *links, const struct ingress_flow *flow);

/* The same of all that an output by `rule' stands on. */
const char *links_output_amiss(const struct links *links, const struct rule_table_output *rule);

/* Why an output by `rule' stands by, whatever its rule does; NULL: it does not. */
const char *links_output_waits(const struct links *links, const struct rule_table_output *rule);

/* Another descriptor whose news end the waiting for the next tick; -1: none. Only after
 * links_open. */
void links_listen(struct links *links, int fd);

/* To be polled for reading, or -1. */
int links_fd(const struct links *links);

/* Takes in what happened and does what is due; sockets are left alone while a list of changes is
 * under way. Not after the shards were told to end. */
void links_tick(struct links *links);

/* How long to wait before the next tick at most, in milliseconds: `most_ms' or less. */
int links_sleep_ms(const struct links *links, int most_ms);
void links_close(struct links *links);
