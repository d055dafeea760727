/* door.h - the control socket in the file system: where it is, who may open it, when it goes.
 *
 * --control PATH names it, `off' for none. Without the option it stands in the directory that
 * systemd made for the service (RUNTIME_DIRECTORY), for root in PROTOCOL_PATH, and for others
 * nowhere. Its mode is 0660: the daemon's user, and the group that --control-group names. Control
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>

#include "src/base/log.h"

struct command_peer;
struct opt;

struct door {
	int fd;                                                 /* -1: there is none */
	bool asked;                                             /* by --control */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": none is to be */
	dev_t dev;                                              /* of the socket that was made */
	ino_t ino;
	struct timespec made; /* numbers of files are used again */
};

/* Decides where it will be, and as root makes the directory of the default, for --user. Before the
 * user is changed. 0, or -EINVAL with `err' when the path is too long. */
int door_choose(const struct opt *opt, struct door *out, struct err *err);

/* Listens there. A socket that nobody listens at any more is replaced. 0, also when none is to be,
 * or when the default cannot be had, which is logged; -errno with `err' when one was asked for. */
int door_open(const struct opt *opt, struct door *door, struct err *err);

/* Who is at the other end of `fd', by the kernel's word (SO_PEERCRED), and may do what; all but its
 * number. */
bool door_get_peer(int fd, struct command_peer *out);

/* Removes the socket, if it is still ours. Accepts one that is not open. */
void door_close(struct door *door);
