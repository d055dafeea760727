/* control_rig.c - see control_rig.h. */
#include "tests/unit/run/control_rig.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SERVES_MAX 100000

void control_rig_open(struct control_rig *rig)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct door door = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};
	struct err err;

	sup_rig_open(&rig->sup);
	ck_assert_int_ge(door.fd, 0);
	/* No path: the kernel chooses a name that no file system knows. */
	ck_assert_int_eq(bind(door.fd, (struct sockaddr *)&name, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(door.fd, 16), 0);
	rig->door = door.fd;
	rig->now_ns = 1;
	ck_assert_int_eq(control_open(&rig->sup.sup, &door, &rig->control, &err), 0);
}

void control_rig_close(struct control_rig *rig)
{
	control_close(rig->control);
	sup_rig_close(&rig->sup);
}

int control_rig_connect(const struct control_rig *rig)
{
	struct sockaddr_un name;
	socklen_t len = sizeof(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockname(rig->door, (struct sockaddr *)&name, &len), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&name, len), 0);
	return fd;
}

void control_rig_pump(struct control_rig *rig)
{
	struct pollfd fd = {.fd = control_fd(rig->control), .events = POLLIN};
	int serves = 0;

	do {
		control_serve(rig->control, rig->now_ns);
		ck_assert_int_lt(serves++, SERVES_MAX);
	} while (poll(&fd, 1, 0) > 0 || control_sleep_ms(rig->control, rig->now_ns, 1000) == 0);
}

size_t control_rig_send(struct control_rig *rig, int fd, const char *text, size_t len)
{
	size_t sent = 0;

	while (sent < len) {
		ssize_t put = send(fd, text + sent, len - sent, MSG_NOSIGNAL);

		if (put < 0 && errno != EAGAIN) {
			break;
		}
		sent += put > 0 ? (size_t)put : 0;
		control_rig_pump(rig);
		if (put < 0 && send(fd, text + sent, 1, MSG_NOSIGNAL) < 0) {
			break;
		}
		sent += put < 0;
	}
	control_rig_pump(rig);
	return sent;
}

const char *control_rig_read(struct control_rig *rig, int fd)
{
	static char line[1 << 20];
	size_t len = 0;

	for (;;) {
		ssize_t got;

		ck_assert_uint_lt(len, sizeof(line) - 1);
		got = recv(fd, line + len, 1, 0);
		if (got == 0 || (got < 0 && errno == ECONNRESET)) {
			return "";
		}
		if (got < 0) {
			ck_assert_int_eq(errno, EAGAIN);
			control_rig_pump(rig);
			got = recv(fd, line + len, 1, MSG_PEEK);
			if (got < 0 && errno == EAGAIN) {
				return NULL;
			}
			continue;
		}
		if (line[len] == '\n') {
			line[len] = '\0';
			return line;
		}
		len++;
	}
}
