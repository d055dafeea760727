/* rlimits.h - the process's own limits, raised before the shards need them.
 *
 * Open files: each flow and each output is a socket. Locked memory: io_uring's queues count
 * against it on recent kernels. Control groups: memory, threads and CPU time. Control thread,
 * before any worker starts.
 */
#pragma once

#include <stdint.h>

#include "src/base/log.h"
#include "src/setup/setup.h"

/* Also for marks, where that is allowed. 0, or -EMFILE with `err' naming `ulimit -n', what is
 * needed and what there is. */
int rlimits_raise(const struct setup *setup, struct err *err);

/* Raises what the limit of open files could be raised to later, by a change, where this process may
 * do that: it may not any more once it has given up its privileges. */
void rlimits_leave_room(void);

/* How many files may be open beyond what is needed. */
uint32_t rlimits_spare_files(const struct setup *setup);

/* Compares the limits of the control group (`root': "" but in tests) with what the shards will
 * take, before they touch any of it: beyond memory.max the kernel kills without a word. 0, warnings
 * told; -ENOMEM or -EAGAIN (threads) with `err' when the start would certainly fail. */
int rlimits_check_group(const struct setup *setup, const char *root, struct err *err);

/* Bytes that this process may lock for buffers: half of RLIMIT_MEMLOCK, or what `rings_bytes' for
 * the rings themselves, without which nothing runs, leave of it; REGBUF_ALL where no limit holds.
 */
uint64_t rlimits_lockable_bytes(uint64_t rings_bytes);
