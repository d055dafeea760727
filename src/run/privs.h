/* privs.h - runs as another user once the process has started (--user).
 *
 * Of root's capabilities three stay: CAP_NET_ADMIN (socket buffers above the sysctl), CAP_NET_RAW
 * (src=keep, binding to an interface again) and CAP_NET_BIND_SERVICE (ports below 1024). Neither
 * pinning, nor huge pages, nor joining needs any. Control thread, before any worker starts, so
 * that every thread inherits the same.
 */
#pragma once

#include <stdbool.h>

#include "src/base/log.h"

/* 0; -EINVAL: no such user; -EPERM: not root; other -errno. */
int privs_become(const char *user, struct err *err);

/* Whether RLIMIT_MEMLOCK does not hold for this thread (CAP_IPC_LOCK). */
bool privs_lock_freely(void);
