/* limits.h - limits of this process, as /proc/self/limits tells them.
 *
 * Shared by the parts of --check-host. Units: as the limit counts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/host/host.h"

#define HOST_UNLIMITED UINT64_MAX

struct host_limit {
	uint64_t soft;
	uint64_t hard;
};

/* `name' is the first column: "Max open files". False when it cannot be read. */
bool host_limit_read(struct host *host, const char *name, struct host_limit *out);

/* "8388608", "unlimited". */
const char *host_limit_text(struct host *host, uint64_t limit);
