/* host_limits.h - the process's own limits, raised before the shards need them.
 *
 * Open files: each flow and each output is a socket. Locked memory: io_uring's queues count
 * against it on recent kernels. Control thread, before any worker starts.
 */
#pragma once

#include <stdint.h>

#include "src/base/log.h"
#include "src/supervisor.h"

/* Files that the shards of `sup' and the process around them will have open. */
uint64_t host_limits_files_needed(const struct supervisor *sup);

/* 0, or -EMFILE with `err' naming `ulimit -n', what is needed and what there is. */
int host_limits_raise(const struct supervisor *sup, struct err *err);
