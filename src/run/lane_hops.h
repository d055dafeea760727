/* lane_hops.h - the next hops of unicast outputs that the program carries, or could.
 *
 * The program writes hardware addresses that the kernel has told us, so each change of these, and
 * of the routes that lead there, has to come to it: the kernel's news say so at once, and every few
 * seconds each hop is asked for again, in case some news was lost or none is given (of what a path
 * carries). Whoever sends by the program does not use the kernel's neighbours, which would forget
 * theirs: so what has grown old is used on purpose then (hop_use). A neighbour that fails is known
 * no more, and its flow goes by its socket, which asks for it in the usual way. lane.c and
 * lane_look.c use it. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/fastpath/hop.h"

struct mnl_socket;

/* Of an output, as it was found last. */
struct lane_hop {
	struct addr to;
	unsigned ifindex; /* that the rule names; 0: by route */
	struct hop hop;
};

struct lane_hop_list {
	struct lane_hop *list;
	uint32_t count, room;
};

/* All zero: nothing is known, and nobody can be asked. */
struct lane_hops {
	struct mnl_socket *asker, *news; /* NULL: the kernel cannot be asked */
	struct lane_hop_list found;      /* by the last look, sorted by hop_compare */
	uint32_t next;                   /* to be asked for again */
	uint64_t round_ns;               /* when the round was begun */
	bool refused;                    /* neighbours cannot be used, which has been said */
	bool routes;                     /* some have changed, or rules for them */
	bool asked_policy;               /* since rules have changed, and in this round */
	bool policy[2];                  /* of IPv4 and IPv6: rules that hops cannot follow */
};

/* Without sockets unicast outputs have no known hops. lane_hops_close either way. */
void lane_hops_open(struct lane_hops *hops);
void lane_hops_close(struct lane_hops *hops);

/* To be polled for reading, or -1. */
int lane_hops_fd(const struct lane_hops *hops);

/* Takes the kernel's news in. Whether a hop has changed; `routes' tells of routes. */
bool lane_hops_hear(struct lane_hops *hops);

/* Asks for some hops again, and uses what has grown old. Whether one has changed. Once a second. */
bool lane_hops_refresh(struct lane_hops *hops, uint64_t now_ns);

/* A look: where `to' is reached now, which is added to `list', from place `first' on unless it is
 * there already. A neighbour of whom nothing is known yet is asked for. 0, or -ENOMEM with `*out'
 * all zero. */
int lane_hops_find(struct lane_hops *hops, struct lane_hop_list *list, uint32_t first,
		   const struct lane_hop *key, struct hop *out);

/* Whether the program may send there. Where we may not use neighbours, one that has grown old is
 * left to the socket, whose sends do. */
bool lane_hops_knows(const struct lane_hops *hops, const struct hop *hop);

/* What a look has found is what holds. Takes the list. */
void lane_hops_take(struct lane_hops *hops, struct lane_hop_list *list);
