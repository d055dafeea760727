/* client.h - a connection to the daemon: one request, one answer, each within a time.
 *
 * One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "src/base/log.h"

struct json_t;

struct client {
	int fd;
	uint64_t timeout_ns;             /* for each answer */
	char *in;                        /* received behind the last answer */
	size_t in_len, in_room, in_seen; /* bytes; `in_seen' of them hold no end of a line */
};

/* The socket at `path', or where NUMACAST_CONTROL or nothing says. 0 or -errno with `err'. */
int client_open(const char *path, uint64_t timeout_ns, struct client *out, struct err *err);
void client_close(struct client *client);

/* Sends `request' and takes the answer, an object of which the version is known; the caller gives
 * it back by json_decref. 0, or -errno with `err' when there is none. */
int client_ask(struct client *client, const struct json_t *request, struct json_t **out,
	       struct err *err);

/* The same in two steps, for who waits for other things, too, with poll and `client->fd'. Several
 * requests may be sent, and are answered in order. client_take does not wait: -EAGAIN without `err'
 * when no answer is whole yet. */
int client_send(struct client *client, const struct json_t *request, struct err *err);
int client_take(struct client *client, struct json_t **out, struct err *err);

/* Waits until the daemon has closed the connection. 0 or -errno with `err'. */
int client_await_end(struct client *client, struct err *err);
