/* target.h - from "239.1.1.0/28%eth0:5000-5010" to the list of endpoints it stands for.
 *
 * The grammar is the daemon's (numacastd(8)), read here by code of its own, since an instrument
 * should not share its parser with what it measures:
 *
 *     [SOURCE@]ADDR[/PREFIX][%IFACE]:PORT[-PORT]
 *     [SOURCE@][ADDR[/PREFIX][%IFACE]]:PORT[-PORT]        IPv6, the inner brackets are literal
 *
 * %IFACE is required for multicast. Pure but for malloc; one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/addr.h"
#include "src/base/log.h"

#define PROBE_TARGETS_MAX 65536u

struct probe_target {
	struct addr source; /* family 0: any source */
	struct endpoint at;
};

struct probe_targets {
	struct probe_target *list;
	uint32_t count, room;
};

/* Appends what `text' stands for: each address with each port, port by port within an address.
 * `groups' consecutive addresses when it is not 0 (then `text' has no prefix). -EINVAL with `err' =
 * the text, what was expected, what to do; -ENOMEM. On failure `targets' is unchanged. */
int probe_targets_add(struct probe_targets *targets, const char *text, uint64_t groups,
		      struct err *err);

/* Accepts all-zero. */
void probe_targets_free(struct probe_targets *targets);
