/* listen.c - see listen.h. */
#include "src/web/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64

static int open_at(const struct addr *at);
static const char *advice_for(int error);

int listen_at(const struct addr *at, int *out, struct err *err)
{
	char text[ADDR_TEXT_MAX];
	int fd = open_at(at);

	if (fd < 0) {
		err_set(err, "--metrics %s: cannot listen: %s; %s", addr_format(at, text),
			strerror(-fd), advice_for(-fd));
		return fd;
	}
	*out = fd;
	return 0;
}

uint16_t listen_port(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr at;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
	    addr_from_sockaddr((const struct sockaddr *)&sa, &at) < 0) {
		return 0;
	}
	return at.port;
}

/* SO_REUSEADDR: connections of an earlier run that are about to end keep nobody out, while one that
 * listens does. */
static int open_at(const struct addr *at)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(at, 0, &sa);
	int fd = socket(at->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, off = 0, rc = 0;

	if (fd < 0) {
		return -errno;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (at->family == AF_INET6 && addr_is_any(at) &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0) ||
	    bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, BACKLOG) < 0) {
		rc = -errno;
		close(fd);
	}
	return rc < 0 ? rc : fd;
}

static const char *advice_for(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "another program listens there; give it a port of its own";
	case EADDRNOTAVAIL:
		return "expected an address of this host, 127.0.0.1, ::1, 0.0.0.0 or ::";
	case EACCES:
		return "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one";
	case EAFNOSUPPORT:
		return "this host has no such protocol; choose the other one";
	default:
		return "choose another address or port";
	}
}
