/* sandbox_rows.h - the allow lists of sandbox.h as rows, one for a call and the kinds of thread
 * that may make it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "src/base/confine.h"

/* A set of kinds; the second is control when the fast path is asked for. */
#define SANDBOX_KIND(kind) (1U << (kind))
#define SANDBOX_FASTPATH   SANDBOX_KIND(CONFINE_COUNT)

/* What an argument must be. Only its lower 32 bits count: the others of an int are anything. */
enum sandbox_test {
	SANDBOX_ANY,
	SANDBOX_IS,    /* equal to `value' */
	SANDBOX_LACKS, /* without the bits of `value' */
};

struct sandbox_row {
	int call; /* its number, or a negative one where this machine has no such call */
	unsigned kinds;
	enum sandbox_test test;
	unsigned arg; /* which argument, counted from 0 */
	uint32_t value;
};

extern const struct sandbox_row sandbox_rows[];
extern const size_t sandbox_row_count;
