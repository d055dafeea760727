/* wire.h - how an output's datagrams look on the wire, as the program is to write them.
 *
 * The same as its socket would make them: what a rule leaves open is filled in as the shards and
 * the kernel do. Pure.
 */
#pragma once

#include "shard/rule.h"
#include "src/base/addr.h"
#include "src/fastpath/abi.h"
#include "src/fastpath/device.h"

/* Fills in `out' for an output by rule `rule', which the program can send, that leaves by
 * `device' and whose socket sends from `local'; the address of that does not matter with src=keep,
 * its port not with sport=keep. `dark': its link has no carrier. The hardware address that it is
 * sent to is left 0 unless it is a group's. */
void wire_fill(const struct rule_output *rule, const struct device *device,
	       const struct addr *local, bool dark, struct fast_output *out);

/* A sender of ours, as the program is to know it; one without an address by its port alone. */
struct fast_echo wire_echo(const struct addr *sender);
