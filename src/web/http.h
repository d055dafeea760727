/* http.h - the server: one thread that answers GET and HEAD by the table of routes.
 *
 * Everything is bounded: connections, the bytes of a request's head, the time a request or an
 * answer may take, and the bytes of answers that slow readers hold. Whoever exceeds that is
 * dropped, and when places are short the others' patience is, too. There is no thread for a
 * connection: one epoll has them all.
 */
#pragma once

struct hosts;
struct http;
struct web;

/* Takes over `fd', which listens, and starts the thread, which asks `web' for snapshots and answers
 * whom `hosts', the caller's until http_close, allow. 0 or -errno; `fd' is still the caller's then.
 * Control thread. */
int http_open(int fd, unsigned detail, const struct hosts *hosts, struct web *web,
	      struct http **out);

/* Ends the thread and all connections. Accepts NULL. Control thread. */
void http_close(struct http *http);
