/* store_name.h - the names under which the service manager keeps our sockets (FDNAME=).
 *
 * A name says which flow a socket is of, so that it can be asked for and removed; whether it is
 * true is read from the socket. All names come back in one environment variable, which the kernel
 * lets have 128 KiB, so they are short: `n1-' and eleven digits, the hash of what the flow is. `1'
 * is the version; whoever changes what is hashed, or what a kept socket must be like, raises it,
 * and then sockets of other builds are not believed. Pure.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shard/rule.h"

#define STORE_NAME_LEN  14 /* "n1-" and 11 digits of 64 */
#define STORE_NAME_ROOM (STORE_NAME_LEN + 1)

/* As many names, each with a colon behind it, as an environment variable can hold. */
#define STORE_SOCKETS_MAX 8192
static_assert(STORE_SOCKETS_MAX * (STORE_NAME_LEN + 1) < 128 * 1024 - 64, "MAX_ARG_STRLEN");

/* Which flow it is, however it is received: equal for flows that rule_compare_flows calls equal. */
uint64_t store_id(const struct rule_ingress *in);

/* To be added up over the outputs of one part of a flow that several shards serve by outputs: parts
 * of a flow are told apart by who is served. */
uint64_t store_output_id(const struct rule_output *out);

/* To be added for one share of a flow that is divided by source or CPU: another for each share, and
 * for each way in which it is divided. */
uint64_t store_share_id(const struct share *share);

/* Writes its name. Returns `buf'. */
const char *store_name(uint64_t id, char buf[STORE_NAME_ROOM]);

/* One name of LISTEN_FDNAMES. */
struct store_word {
	const char *text; /* not terminated */
	size_t len;
	bool ours; /* a name of this version; then */
	uint64_t id;
};

/* Reads the name that `*at' points to and moves on to the next; false at the end of the list. An
 * empty list has one empty name. Begin with `*at' = the variable. */
bool store_next_word(const char **at, struct store_word *out);
