/* door.c - see door.h.
 *
 * The socket has its mode from the moment it is there: the mask is set around bind(). What stands
 * at the path is told apart by connecting to it: a daemon that lives takes the connection, one that
 * has died refuses. Two daemons that start at once and find the same dead socket may still take it
 * from each other; each service has a directory of its own.
 */
#include "src/run/door.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/protocol.h"
#include "src/run/commands.h"
#include "src/setup/options.h"

#define DOOR_BACKLOG 16
#define DOOR_MASK    0117 /* leaves 0660 of 0777 */

static int choose_path(const struct opt *opt, struct door *door);
static void make_directory(const struct opt *opt, const char *path);
static int listen_at(const struct opt *opt, struct door *door, struct err *err);
static int bind_at(struct door *door, int fd);
static int bind_masked(int fd, const struct sockaddr_un *name);
static bool is_dead(const struct sockaddr_un *name);
static int give_to_group(const char *name, const char *path, struct err *err);
static bool lacks_means(int error);

int door_choose(const struct opt *opt, struct door *out, struct err *err)
{
	struct door door = {.fd = -1, .asked = opt->control && strcmp(opt->control, "off") != 0};

	if (choose_path(opt, &door) >= (int)sizeof(door.path)) {
		err_set(err,
			"--control: the path of the control socket is too long; expected at most "
			"%zu bytes; choose a shorter one, or --control off",
			sizeof(door.path) - 1);
		return -EINVAL;
	}
	*out = door;
	return 0;
}

int door_open(const struct opt *opt, struct door *door, struct err *err)
{
	struct err why;
	int rc;

	if (door->path[0] == '\0') {
		return 0;
	}
	rc = listen_at(opt, door, &why);
	if (rc == 0) {
		return 0;
	}
	if (door->asked || opt->control_group) {
		*err = why;
		return rc;
	}
	log_notice("%s", why.text);
	door->path[0] = '\0';
	return 0;
}

bool door_get_peer(int fd, struct command_peer *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || len != sizeof(cred)) {
		return false;
	}
	*out = (struct command_peer){.uid = cred.uid,
				     .pid = cred.pid,
				     .may_change = cred.uid == 0 || cred.uid == geteuid()};
	return true;
}

void door_close(struct door *door)
{
	struct stat st;

	if (door->fd < 0) {
		return;
	}
	close(door->fd);
	door->fd = -1;
	if (lstat(door->path, &st) == 0 && st.st_dev == door->dev && st.st_ino == door->ino &&
	    st.st_mtim.tv_sec == door->made.tv_sec && st.st_mtim.tv_nsec == door->made.tv_nsec) {
		(void)unlink(door->path);
	}
}

/* The length that the path would have. */
static int choose_path(const struct opt *opt, struct door *door)
{
	const char *dir = getenv("RUNTIME_DIRECTORY");

	if (opt->control) {
		return door->asked ? snprintf(door->path, sizeof(door->path), "%s", opt->control)
				   : 0;
	}
	if (dir && dir[0] == '/') {
		return snprintf(door->path, sizeof(door->path), "%.*s/control",
				(int)strcspn(dir, ":"), dir);
	}
	if (geteuid() == 0) {
		make_directory(opt, PROTOCOL_PATH);
		return snprintf(door->path, sizeof(door->path), "%s", PROTOCOL_PATH);
	}
	return 0;
}

/* What cannot be made shows when the socket is. */
static void make_directory(const struct opt *opt, const char *path)
{
	const struct passwd *pw = opt->user ? getpwnam(opt->user) : NULL;
	char dir[sizeof(PROTOCOL_PATH)];

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (mkdir(dir, 0755) == 0 && pw) {
		(void)lchown(dir, pw->pw_uid, pw->pw_gid);
	}
}

static int listen_at(const struct opt *opt, struct door *door, struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = fd < 0 ? -errno : bind_at(door, fd);

	if (rc == 0) {
		door->fd = fd;
		rc = opt->control_group ? give_to_group(opt->control_group, door->path, err) : 0;
		if (rc < 0) {
			door_close(door);
		}
		return rc;
	}
	if (fd >= 0) {
		close(fd);
	}
	if (rc == -EADDRINUSE) {
		err_set(err,
			"--control %s: another daemon listens there, or it is no socket; this "
			"one has no control socket; give it a path of its own by --control",
			door->path);
	} else {
		err_set(err,
			"--control %s: cannot listen: %s; expected a path in a directory that "
			"this user may write to; choose another, or --control off",
			door->path, strerror(-rc));
	}
	return rc;
}

/* And remembers which socket is ours: one of which that cannot be known is removed at once. */
static int bind_at(struct door *door, int fd)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct stat st;
	int rc;

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", door->path);
	rc = bind_masked(fd, &name);
	if (rc == -EADDRINUSE && is_dead(&name) && unlink(door->path) == 0) {
		rc = bind_masked(fd, &name);
	}
	if (rc < 0) {
		return rc;
	}
	if (listen(fd, DOOR_BACKLOG) < 0 || lstat(door->path, &st) < 0) {
		rc = -errno;
		(void)unlink(door->path);
		return rc;
	}
	door->dev = st.st_dev;
	door->ino = st.st_ino;
	door->made = st.st_mtim;
	return 0;
}

static int bind_masked(int fd, const struct sockaddr_un *name)
{
	mode_t mask = umask(DOOR_MASK);
	int rc = bind(fd, (const struct sockaddr *)name, sizeof(*name)) < 0 ? -errno : 0;

	umask(mask);
	return rc;
}

/* Whether a socket is there at which nobody listens. */
static bool is_dead(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	bool dead;

	if (fd < 0) {
		return false;
	}
	dead = lstat(name->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	       connect(fd, (const struct sockaddr *)name, sizeof(*name)) < 0 &&
	       errno == ECONNREFUSED;
	close(fd);
	return dead;
}

/* Links are not followed. Of a group that is nowhere the C library may say anything, so only a want
 * of means is told as it says it. */
static int give_to_group(const char *name, const char *path, struct err *err)
{
	const struct group *group;
	int rc = 0;

	errno = 0;
	group = getgrnam(name);
	if (!group) {
		rc = lacks_means(errno) ? -errno : -ENOENT;
	} else if (lchown(path, (uid_t)-1, group->gr_gid) < 0) {
		rc = -errno;
	}
	if (rc < 0) {
		err_set(err,
			"--control-group %s: cannot give it the control socket: %s; expected a "
			"group of this host that the daemon's user is in; create it or add the "
			"user",
			name, rc == -ENOENT && !group ? "no such group" : strerror(-rc));
	}
	return rc;
}

static bool lacks_means(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == EIO;
}
