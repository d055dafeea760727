/* limits.h - limits of this process, as /proc/self/limits tells them.
 *
 * Shared by the parts of --check-host. Units: as the limit counts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/host/host.h"

#define CHECK_UNLIMITED UINT64_MAX

struct check_limit {
	uint64_t soft;
	uint64_t hard;
};

/* `name' is the first column: "Max open files". False when it cannot be read. */
bool check_limit_read(struct check *check, const char *name, struct check_limit *out);

/* "8388608", "unlimited". */
const char *check_limit_text(struct check *check, uint64_t limit);
