/* notify.c - one datagram to the service manager. See notify.h. */
#include "src/run/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	socklen_t len;
	int fd, rc = 0;

	if (!path || path[0] == '\0') {
		return 0;
	}
	if ((path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path)) {
		return -EINVAL;
	}
	memcpy(to.sun_path, path, strlen(path));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@') {
		to.sun_path[0] = '\0'; /* an abstract name begins with a zero byte */
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, len) < 0) {
		rc = -errno;
	}
	close(fd);
	return rc;
}
