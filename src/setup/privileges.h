/* privileges.h - which capabilities a configuration asks for, and for how long.
 *
 * Sets of capabilities are masks of PRIVILEGE(CAP_...), by the numbers of the kernel. Reads
 * what decides about ports and buffers from /proc/sys, and the kernel's release. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/log.h"
#include "src/setup/options.h"

#define PRIVILEGE(capability) (UINT64_C(1) << (capability))
#define PRIVILEGES_TEXT_MAX   128

struct privileges {
	uint64_t start;   /* until everything that is there from the start is open */
	uint64_t rings;   /* until the shards have opened their rings */
	uint64_t running; /* until the end, since changes and interfaces may come at any time */
};

/* What `opt' asks for, of `have', which the process has: where either of two would do, the one
 * that is there. `start' includes `rings', and that `running'. */
void privileges_asked(const struct opt *opt, uint64_t have, struct privileges *out);

/* Whether `opt' can do with `have', of `had' that the process once had: 0, or -EPERM with `err',
 * which names the rule and says what to do. What it never had is no matter of this: opening says
 * so. */
int privileges_check(const struct opt *opt, uint64_t had, uint64_t have, struct err *err);

/* "net_admin,net_raw" and the like, as --privileges takes them, into `out'. -EINVAL: it has none of
 * the names that OPTIONS_PRIVILEGES_TAKES lists, or one twice. */
int privileges_parse(const char *text, uint64_t *out);

/* The names of those in `set' that --privileges knows; "none". */
const char *privileges_format(uint64_t set, char text[PRIVILEGES_TEXT_MAX]);
