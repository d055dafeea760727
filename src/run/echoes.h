/* echoes.h - tells each flow which of our own senders it could hear, so that it relays none of
 * them.
 *
 * layout.h says who could; what address each sends from is known when its socket is open. Control
 * thread.
 */
#pragma once

#include <stdbool.h>

#include <stdint.h>

#include "src/base/addr.h"
#include "src/base/log.h"
#include "src/setup/layout.h"

struct supervisor;

/* A sender whose socket is open before its shard knows. */
struct echo_sender {
	uint32_t shard, output;
	struct addr local;
};

/* Tells all flows, before the shards go live. 0 or -ENOMEM with `err'. */
int echoes_tell(const struct supervisor *sup, struct err *err);

/* What the flow that `echo' is about is to be told, with `opened' among it: an array to be freed
 * when the flow has another, with `count'; NULL: no memory. */
struct addr *echoes_of(const struct supervisor *sup, const struct layout_echo *echo,
		       const struct echo_sender *opened, uint32_t *count);

/* Whether `sender', the address that `out' sends from, tells its datagrams from others'. */
bool echoes_can_know(const struct rule_output *out, const struct addr *sender);
