/* notify.c - one datagram to the service manager. See notify.h.
 *
 * The kernel keeps so many datagrams for a socket, and then lets who sends wait. A manager that
 * hangs, or somebody else's socket in NOTIFY_SOCKET that nobody reads, is not to keep the control
 * thread, so each wait has an end.
 */
#include "src/run/notify.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/log.h"

#define STEP_MS  10  /* between two tries */
#define OWED_MAX 320 /* bytes of a state */

static char owed[OWED_MAX]; /* to be sent when there is room; "": nothing */
static int told;            /* the errno that was logged last; 0 once it hears us again */

static int send_and_tell(const char *state, uint64_t patience_ns);
static int send_to(const char *state, int fd);
static int name_manager(const char *path, struct sockaddr_un *to, socklen_t *len);

int notify_send(const char *state)
{
	int rc = send_and_tell(state, told == -EAGAIN ? 0 : NOTIFY_WAIT_MS * NS_PER_MS);

	owed[0] = '\0';
	if (rc == -EAGAIN && strlen(state) < sizeof(owed)) {
		snprintf(owed, sizeof(owed), "%s", state);
	}
	return rc;
}

int notify_send_sign(const char *state)
{
	return send_and_tell(state, 0);
}

void notify_tick(void)
{
	if (owed[0] != '\0' && send_and_tell(owed, 0) == 0) {
		owed[0] = '\0';
	}
}

int notify_send_fd(const char *state, int fd)
{
	return send_to(state, fd);
}

bool notify_is_wanted(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && path[0] != '\0';
}

static int send_and_tell(const char *state, uint64_t patience_ns)
{
	int rc = send_to(state, -1);

	for (uint64_t began_ns = clock_now_ns();
	     rc == -EAGAIN && clock_now_ns() - began_ns < patience_ns;) {
		(void)poll(NULL, 0, STEP_MS);
		rc = send_to(state, -1);
	}
	if (rc < 0 && rc != told) {
		log_warn("service manager: cannot tell it %.*s: %s; expected it to listen at "
			 "$NOTIFY_SOCKET; it may take this relay for one that hangs",
			 (int)strcspn(state, "\n"), state, strerror(-rc));
	}
	told = rc;
	return rc;
}

static int send_to(const char *state, int fd)
{
	const char *path = getenv("NOTIFY_SOCKET");
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct sockaddr_un to;
	struct iovec text = {(void *)state, strlen(state)};
	struct msghdr msg = {.msg_name = &to, .msg_iov = &text, .msg_iovlen = 1};
	int rc, by;

	if (!path || path[0] == '\0') {
		return 0;
	}
	rc = name_manager(path, &to, &msg.msg_namelen);
	if (rc < 0) {
		return rc;
	}
	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	by = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (by < 0) {
		return -errno;
	}
	if (sendmsg(by, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		rc = -errno;
	}
	close(by);
	return rc;
}

static int name_manager(const char *path, struct sockaddr_un *to, socklen_t *len)
{
	*to = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to->sun_path)) {
		return -EINVAL;
	}
	memcpy(to->sun_path, path, strlen(path));
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@') {
		to->sun_path[0] = '\0'; /* an abstract name begins with a zero byte */
	}
	return 0;
}
