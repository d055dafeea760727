/* members.h - the machines that share one configuration, and which of them relays what.
 *
 * Each flow belongs to the member whose name and the flow's ingress make the highest score
 * (rendezvous hashing, Thaler and Ravishankar 1998), and the one with the second highest stands by.
 * So all members that have the same list say the same without speaking to each other; when one
 * goes, only what it had moves, to where it stood by already, and when one comes, only what it
 * gets. Of an ingress address, port and source count, and not the interface, whose name may be
 * another one on another machine.
 *
 * The hash is FNV-1a of the name and of the ingress as text, 64 bits each, put together by the
 * finalizer of MurmurHash3: a dozen lines that any program can have again, which a library's next
 * version does not change, and which say the same on every machine. It withstands nobody, and need
 * not: names and groups are the operator's own. Pure; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shard/rule.h"
#include "src/base/log.h"

#define MEMBER_NAME_MAX  64 /* with its end */
#define MEMBERS_LIST_MAX 256
#define MEMBER_NONE      UINT32_MAX

#define MEMBER_FLOW_TEXT_MAX (ADDR_TEXT_MAX + RULE_SOURCE_TEXT_MAX + 4)

/* All zero: no list, and everything is this machine's. */
struct members {
	char (*names)[MEMBER_NAME_MAX]; /* sorted */
	uint32_t count;
	uint64_t hash; /* of the list: equal for equal lists, however they were written */
};

/* Positions in the list; `second' is MEMBER_NONE where there is only one member. */
struct members_rank {
	uint32_t first, second;
};

/* Reads names, apart by commas, blanks or lines; what stands behind a # in a line is a comment. 0,
 * or -EINVAL with `err' = `where' and what was expected (no name, twice the same, one with other
 * bytes than names have); -ENOMEM. */
int members_read(const char *text, size_t len, const char *where, struct members *out,
		 struct err *err);

/* Accepts all-zero. */
void members_free(struct members *members);

/* The position of a name, or MEMBER_NONE. */
uint32_t members_find(const struct members *members, const char *name);

/* Who relays the flow and who stands by. `owner' is first whatever the hash says, if it is a
 * member; NULL: the hash decides. There is a member. */
struct members_rank members_rank(const struct members *members, const struct rule_ingress *in,
				 const char *owner);

/* "10.0.0.1@239.1.1.1:5000": what is hashed of a flow. Returns `buf'. */
const char *members_format_flow(const struct rule_ingress *in, char buf[MEMBER_FLOW_TEXT_MAX]);
