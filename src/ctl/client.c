/* client.c - see client.h.
 *
 * A daemon that drops a client says why before it does, so what it said is read even when not all
 * of a request was taken. What it says is bounded, and not believed to be JSON before it was
 * parsed.
 */
#include "src/ctl/client.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/json_reserve.h"
#include "src/base/protocol.h"

#define INPUT_BYTES_MIN 65536u

static int connect_to(const char *path, uint64_t timeout_ns, int *out);
static int send_line(struct client *client, const json_t *request, uint64_t until_ns);
static int take_answer(struct client *client, uint64_t until_ns, json_t **out);
static int receive_line(struct client *client, uint64_t until_ns, size_t *out_len);
static int receive_some(struct client *client, uint64_t until_ns);
static int await(int fd, short events, uint64_t until_ns);
static int parse_answer(const struct client *client, size_t len, json_t **out);
static void explain(int rc, struct err *err);

int client_open(const char *path, uint64_t timeout_ns, struct client *out, struct err *err)
{
	const char *named = getenv("NUMACAST_CONTROL");
	int fd = -1, rc;

	if (!path) {
		path = named && named[0] ? named : PROTOCOL_PATH;
	}
	rc = connect_to(path, timeout_ns, &fd);
	if (rc < 0) {
		err_set(err,
			"%s: cannot reach the daemon: %s; expected numacastd to listen there, "
			"and to let this user; %s",
			path, strerror(-rc),
			rc == -EACCES ? "use sudo, or see --control-group of numacastd"
				      : "start it, or name its socket by --control");
		return rc;
	}
	*out = (struct client){.fd = fd, .timeout_ns = timeout_ns};
	return 0;
}

void client_close(struct client *client)
{
	close(client->fd);
	free(client->in);
	*client = (struct client){.fd = -1};
}

int client_ask(struct client *client, const json_t *request, json_t **out, struct err *err)
{
	uint64_t until_ns = clock_now_ns() + client->timeout_ns;
	int rc = send_line(client, request, until_ns);

	rc = rc == 0 || rc == -EPIPE ? take_answer(client, until_ns, out) : rc;
	if (rc < 0) {
		explain(rc, err);
	}
	return rc;
}

int client_send(struct client *client, const json_t *request, struct err *err)
{
	int rc = send_line(client, request, clock_now_ns() + client->timeout_ns);

	if (rc < 0) {
		explain(rc, err);
	}
	return rc;
}

int client_take(struct client *client, json_t **out, struct err *err)
{
	int rc = take_answer(client, 0, out);

	if (rc == -ETIMEDOUT) {
		return -EAGAIN;
	}
	if (rc < 0) {
		explain(rc, err);
	}
	return rc;
}

int client_await_end(struct client *client, struct err *err)
{
	int rc = 0;

	while (rc == 0) {
		client->in_len = client->in_seen = 0;
		rc = receive_some(client, UINT64_MAX);
	}
	if (rc != -ENODATA && rc != -ECONNRESET) {
		err_set(err, "cannot wait for the daemon's end: %s; see its log", strerror(-rc));
		return rc;
	}
	return 0;
}

/* A daemon that is stuck lets nobody in, and the kernel has those who come wait. */
static int connect_to(const char *path, uint64_t timeout_ns, int *out)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct timeval most = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
			       .tv_usec = (suseconds_t)(timeout_ns % NS_PER_S / NS_PER_US)};
	int fd;

	if (most.tv_sec == 0 && most.tv_usec == 0) {
		most.tv_usec = 1; /* 0 would be no bound */
	}
	if (strlen(path) >= sizeof(name.sun_path)) {
		return -ENAMETOOLONG;
	}
	strcpy(name.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) < 0 ||
	    connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
		int rc = errno == EAGAIN ? -ETIMEDOUT : -errno;

		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

/* A text for which jansson lacks memory may have a piece less; then it has another length when it
 * is made again. */
static int send_line(struct client *client, const json_t *request, uint64_t until_ns)
{
	size_t len = json_dumpb(request, NULL, 0, JSON_COMPACT), sent = 0;
	char *line = len > 0 ? malloc(len + 1) : NULL;
	int rc = line && json_dumpb(request, line, len, JSON_COMPACT) == len ? 0 : -ENOMEM;

	if (rc == 0) {
		line[len++] = '\n';
	}
	while (rc == 0 && sent < len) {
		ssize_t put;

		rc = await(client->fd, POLLOUT, until_ns);
		put = rc == 0 ? send(client->fd, line + sent, len - sent,
				     MSG_DONTWAIT | MSG_NOSIGNAL)
			      : 0;
		if (put < 0 && errno != EAGAIN) {
			rc = -errno;
		}
		sent += put > 0 ? (size_t)put : 0;
	}
	free(line);
	return rc;
}

/* The first that is there or comes in time. */
static int take_answer(struct client *client, uint64_t until_ns, json_t **out)
{
	size_t len = 0;
	int rc = receive_line(client, until_ns, &len);

	rc = rc == 0 ? parse_answer(client, len, out) : rc;
	if (rc < 0) {
		return rc;
	}
	client->in_len -= len + 1;
	client->in_seen = 0;
	memmove(client->in, client->in + len + 1, client->in_len);
	return 0;
}

/* The length of the first line in `in', its end not counted. */
static int receive_line(struct client *client, uint64_t until_ns, size_t *out_len)
{
	for (;;) {
		char *end = client->in_len > client->in_seen
				    ? memchr(client->in + client->in_seen, '\n',
					     client->in_len - client->in_seen)
				    : NULL;
		int rc;

		if (end) {
			*out_len = (size_t)(end - client->in);
			return 0;
		}
		if (client->in_len > PROTOCOL_ANSWER_MAX) {
			return -EMSGSIZE;
		}
		client->in_seen = client->in_len;
		rc = receive_some(client, until_ns);
		if (rc < 0) {
			return rc;
		}
	}
}

/* -ENODATA: nothing more will come. */
static int receive_some(struct client *client, uint64_t until_ns)
{
	ssize_t got;
	int rc;

	if (client->in_len == client->in_room) {
		size_t room = client->in_room > 0 ? client->in_room * 2 : INPUT_BYTES_MIN;
		char *in = realloc(client->in, room);

		if (!in) {
			return -ENOMEM;
		}
		client->in = in;
		client->in_room = room;
	}
	rc = await(client->fd, POLLIN, until_ns);
	if (rc < 0) {
		return rc;
	}
	got = recv(client->fd, client->in + client->in_len, client->in_room - client->in_len, 0);
	if (got <= 0) {
		return got < 0 ? -errno : -ENODATA;
	}
	client->in_len += (size_t)got;
	return 0;
}

static int await(int fd, short events, uint64_t until_ns)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ms = until_ns > now_ns ? (until_ns - now_ns) / NS_PER_MS + 1 : 0;
		int count = poll(&poll_fd, 1, left_ms < 60000 ? (int)left_ms : 60000);

		if (count > 0) {
			return 0;
		}
		if (count < 0 && errno != EINTR) {
			return -errno;
		}
		if (clock_now_ns() >= until_ns) {
			return -ETIMEDOUT;
		}
	}
}

/* jansson does not tell want of memory from what is no JSON, and not always at all. */
static int parse_answer(const struct client *client, size_t len, json_t **out)
{
	json_t *answer;

	json_reserve_begin();
	answer = json_loadb(client->in, len, 0, NULL);
	if (json_reserve_was_short()) {
		json_decref(answer);
		return -ENOMEM;
	}
	if (!json_is_object(answer) || !json_is_boolean(json_object_get(answer, "ok")) ||
	    json_integer_value(json_object_get(answer, "version")) != PROTOCOL_VERSION) {
		json_decref(answer);
		return -EPROTO;
	}
	*out = answer;
	return 0;
}

static void explain(int rc, struct err *err)
{
	err_set(err,
		"no answer from the daemon: %s; expected one line of JSON in time; see "
		"its log, and --timeout",
		rc == -ENODATA ? "it has ended the connection" : strerror(-rc));
}
