/* privs.h - what the process may, beside what every process may: another user (--user), and of the
 * capabilities only those that rules and options ask for (src/setup/privileges.h).
 *
 * They are given up in four steps. With the user go all but those that the start needs. When
 * everything that is there from the start is open, the rest goes that only the start needed, for
 * ever: the bounding set is emptied, and no program that might be executed can have more. When all
 * is live, what only the shards' rings asked for goes. Threads that open nothing any more (shards
 * once they relay, the log's, HTTP's) give up all. The control
 * thread keeps what rules ask for, since an interface that comes back, a reload or a change of
 * routes wants sockets opened anew; it keeps it effective, for who could make it run code of his
 * could raise it as well. The control thread calls all but privs_give_up_all.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/log.h"

struct privs {
	uint64_t had;  /* of the process at its start; masks of PRIVILEGE(CAP_...) */
	uint64_t have; /* still */
};

/* What the process has. */
void privs_read(struct privs *privs);

/* As `user' from here on, with those of `keep' that there are. 0; -EINVAL: no such user; -EPERM:
 * not root; other -errno. */
int privs_become(struct privs *privs, const char *user, uint64_t keep, struct err *err);

/* Keeps those of `keep' that there are, for good, and can gain none by executing a file. 0 or
 * -errno with `err'. */
int privs_keep(struct privs *privs, uint64_t keep, struct err *err);

/* The calling thread has none from now on. Any thread; allocates nothing. */
void privs_give_up_all(void);

/* Whether RLIMIT_MEMLOCK does not hold for this thread (CAP_IPC_LOCK). */
bool privs_lock_freely(void);
