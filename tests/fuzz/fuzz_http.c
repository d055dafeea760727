/* fuzz_http.c - any bytes from any clients of the server of --metrics.
 *
 * The input is cut at bytes 0xff: what stands before is sent, and the lowest
 * bits of the byte behind say by which of four clients, whether it then ends
 * its half and reads to the end, goes, or whether control has nothing to tell.
 * The server is the real one, over sockets without a port; this program plays
 * control. What must hold: no crash, each answer begins as one, and whoever
 * asks next is answered.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/must.h"
#include "src/fastpath/counts.h"
#include "src/run/recheck.h"
#include "src/web/hosts.h"
#include "src/web/listen.h"
#include "src/web/routes.h"
#include "src/web/snapshot.h"
#include "src/web/web.h"

#define CLIENTS     4
#define PATIENCE_MS 20000 /* beyond it the server hangs */
#define SILENCE_MS  5     /* of a server that waits for more than comes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In the place of src/web/listen.c's, for this program: a socket of AF_UNIX, so
 * that no run uses up the ports of the host. */
int __wrap_listen_at(const struct addr *at, int *out, struct err *err);
uint16_t __wrap_listen_port(int fd);

static struct web *web;
static struct hosts hosts;
static struct sockaddr_un name;
static socklen_t name_len;
static bool dumb; /* control has nothing to tell */
static int clients[CLIENTS] = {-1, -1, -1, -1};

int __wrap_listen_at(const struct addr *at, int *out, struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)at;
	(void)err;
	name.sun_family = AF_UNIX;
	name_len = sizeof(name);
	must(bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t)) == 0);
	must(getsockname(fd, (struct sockaddr *)&name, &name_len) == 0);
	must(listen(fd, CLIENTS) == 0);
	*out = fd;
	return 0;
}

uint16_t __wrap_listen_port(int fd)
{
	(void)fd;
	return 1;
}

/* Of a relay that has nothing yet. */
static struct snapshot *make_snapshot(void)
{
	struct snapshot *snapshot = snapshot_new(0, 0, 0, 0);

	must(snapshot);
	snapshot->rows = (struct snapshot_rows){&recheck_counters, &fast_flow_counters,
						&fast_output_counters};
	return snapshot;
}

/* Hands over what is asked for. */
static void play(void)
{
	static const char text[] = "{}\n";

	for (int part = 0; part < WEB_PART_COUNT; part++) {
		if (!web_wants(web, (enum web_part)part)) {
			continue;
		}
		if (dumb) {
			web_put(web, (enum web_part)part, NULL, 0);
		} else if (part == WEB_SNAPSHOT) {
			web_put(web, WEB_SNAPSHOT, make_snapshot(), 0);
		} else {
			web_put(web, (enum web_part)part, strdup(text), strlen(text));
		}
	}
}

/* Waits until the client's socket is ready, and plays control meanwhile. False:
 * it took too long. */
static bool await(int fd, short events, int most_ms)
{
	struct pollfd fds[2] = {{.fd = fd, .events = events},
				{.fd = web_fd(web), .events = POLLIN}};

	for (;;) {
		int count = poll(fds, 2, most_ms);

		if (count == 0 || (count > 0 && fds[0].revents)) {
			return count > 0;
		}
		must(count > 0 || errno == EINTR);
		play();
	}
}

static int client_of(int number)
{
	if (clients[number] < 0) {
		clients[number] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		must(connect(clients[number], (struct sockaddr *)&name, name_len) == 0);
	}
	return clients[number];
}

static void leave(int number)
{
	close(clients[number]);
	clients[number] = -1;
}

/* Ends its half, and reads to the end or until nothing comes. Whether anything
 * came. */
static bool read_all(int number, int most_ms)
{
	static char text[1 << 16];
	int fd = clients[number];
	size_t len = 0;
	ssize_t got = 1;

	(void)shutdown(fd, SHUT_WR);
	while (got > 0 && await(fd, POLLIN, most_ms)) {
		len = len < sizeof(text) ? len : 32; /* of what is long the beginning is kept */
		got = recv(fd, text + len, sizeof(text) - len, MSG_DONTWAIT);
		len += got > 0 ? (size_t)got : 0;
	}
	must(len == 0 || (len > 12 && strncmp(text, "HTTP/1.", 7) == 0));
	leave(number);
	return len > 0;
}

static void act(const uint8_t *text, size_t len, uint8_t how)
{
	int number = how % CLIENTS, fd = client_of(number);

	dumb = how & 16;
	while (len > 0) {
		ssize_t put;

		must(await(fd, POLLOUT, PATIENCE_MS));
		put = send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0 && errno != EAGAIN) {
			break; /* it was dropped */
		}
		text += put > 0 ? put : 0;
		len -= put > 0 ? (size_t)put : 0;
	}
	if (how & 4) {
		(void)read_all(number, SILENCE_MS);
	} else if (how & 8) {
		leave(number);
	}
}

/* Whoever comes is answered. */
static void ask_in_order(void)
{
	static const uint8_t request[] =
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

	act(request, sizeof(request) - 1, 0);
	must(read_all(0, PATIENCE_MS));
}

/* As the value of a header and as a path, in memory of its own, which the library's is not. */
static void choose(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	must(text);
	memcpy(text, data, size);
	text[size] = '\0';
	must(metrics_choose(text) < ROUTE_VARIANTS_MAX);
	must(route_find(text) < (int)route_count);
	(void)hosts_allow(&hosts, text);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct addr at = {.family = AF_INET, .ip = {127, 0, 0, 1}};
	struct err err;

	if (!web) {
		must(web_open(&at, 0, "relay.example", &web, &err) == 0);
		must(hosts_init(&hosts, &at, "relay.example,x") == 0);
	}
	choose(data, size);
	while (size > 0) {
		const uint8_t *end = memchr(data, 0xff, size);
		size_t len = end ? (size_t)(end - data) : size;
		size_t used = end ? len + 1 + (len + 1 < size) : size;

		act(data, len, end && len + 1 < size ? end[1] : 4);
		data += used;
		size -= used;
	}
	for (int i = 0; i < CLIENTS; i++) {
		if (clients[i] >= 0) {
			(void)read_all(i, SILENCE_MS);
		}
	}
	ask_in_order();
	return 0;
}
