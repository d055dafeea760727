/* nearest.h - which of some names somebody meant who wrote another.
 *
 * Pure, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct cli_nearest {
	const char *name; /* as written; need not end after `len' */
	size_t len;       /* bytes */
	size_t least; /* a candidate must be as close as this: insertions, deletions, exchanges */
};

struct cli_nearest cli_nearest_to(const char *name, size_t len);

/* Whether `candidate' is closer than all that were offered before, and close enough to be worth
 * naming. */
bool cli_nearest_offer(struct cli_nearest *meant, const char *candidate);
