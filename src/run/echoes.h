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

/* Tells all flows, before the shards go live. 0 or -ENOMEM with `err'. */
int echoes_tell(const struct supervisor *sup, struct err *err);

/* Whether `sender', the address that `out' sends from, tells its datagrams from others'. */
bool echoes_can_know(const struct rule_output *out, const struct addr *sender);
