/* http.c - answers HTTP by libmicrohttpd, on a thread of its own; see http.h.
 *
 * The library keeps connections and speaks the protocol, within the bounds that it is given; the
 * loop is ours, so that the thread can be named, be nice(2), and drop who takes too long: the
 * library only knows a time of silence, and a byte now and then breaks that. Texts are kept with
 * the number of what they were made of. An answer that is being sent holds its text, so the bytes
 * of all texts are counted, and beyond a bound there is no new one until a reader is done; but for
 * the brief ones, by which somebody may judge whether the daemon is to be started again.
 */
#include "src/web/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/confine.h"
#include "src/web/hosts.h"
#include "src/web/routes.h"
#include "src/web/web.h"

#define CONNECTIONS_MAX  64
#define CROWDED          (CONNECTIONS_MAX / 2) /* from here on the short times hold */
#define HEAD_BYTES_MAX   ((size_t)16 * 1024)   /* of a request, the library's own use included */
#define TEXTS_BYTES_MAX  ((size_t)256 << 20)
#define NO_POLICY        "default-src 'none'" /* of what a browser may do */
#define SWEEP_MS         500
#define DEAF_MS          1000 /* that it may last, see sleep_ms */
#define SILENCE_S        30U  /* of the library's own clock */
#define NICE             10
#define GIVEN_BACK       4
#define GIVEN_BACK_BYTES ((size_t)96 * 1024) /* together more than malloc keeps */
#define STATUS_NOT_OURS  403
#define STATUS_MISSING   404
#define STATUS_METHOD    405
#define STATUS_NOT_READY 503

enum phase {
	PHASE_IDLE,    /* answered before, and nothing is asked now as far as we know */
	PHASE_REQUEST, /* the first request is on its way */
	PHASE_ANSWER,
};

struct connection {
	int fd; /* -1: a free place */
	enum phase phase;
	uint64_t since_ns;
};

/* What was made for a route. */
struct kept {
	struct MHD_Response *response; /* NULL: nothing */
	unsigned status;
	uint64_t number; /* of the piece that it was made of */
};

struct http {
	struct web *web;
	unsigned detail;
	const struct hosts *hosts;
	struct MHD_Daemon *daemon;
	int stop_fd;
	pthread_t thread;
	bool started;
	uint32_t count; /* connections */
	bool full;      /* there was no place: the library does not listen */
	struct connection connections[CONNECTIONS_MAX];
	struct kept kept[ROUTES_MAX][ROUTE_VARIANTS_MAX];
	size_t texts_bytes; /* the HTTP thread's, until that has ended */
};

/* A text that the library holds. */
struct held {
	struct http *http;
	size_t len;
	char *at;
};

static int start(struct http *http, int fd);
static void *serve(void *arg);
static void read_once(void);
static int sleep_ms(struct http *http);
static void sweep(struct http *http);
static void note_connection(void *arg, struct MHD_Connection *connection, void **context,
			    enum MHD_ConnectionNotificationCode code);
static void note_completed(void *arg, struct MHD_Connection *connection, void **context,
			   enum MHD_RequestTerminationCode code);
static struct connection *connection_of(struct MHD_Connection *connection);
static void enter(struct connection *connection, enum phase phase);
static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_len, void **context);
static enum MHD_Result answer_route(struct http *http, struct MHD_Connection *connection,
				    const struct route *route, struct kept *kept, unsigned variant);
static enum MHD_Result refuse(struct http *http, struct MHD_Connection *connection, unsigned status,
			      const char *text);
static int make(struct http *http, const struct route *route, struct route_ask *ask,
		const struct web_piece *piece, struct kept *kept);
static struct MHD_Response *response_of(struct http *http, const struct route *route,
					struct text *text, const char *type);
static bool add_headers(struct MHD_Response *response, const char *type, const char *policy);
static void free_held(void *arg);

int http_open(int fd, unsigned detail, const struct hosts *hosts, struct web *web,
	      struct http **out)
{
	struct http *http = calloc(1, sizeof(*http));
	int rc;

	if (!http) {
		return -ENOMEM;
	}
	http->web = web;
	http->detail = detail;
	http->hosts = hosts;
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		http->connections[i].fd = -1;
	}
	http->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = http->stop_fd < 0 ? -errno : start(http, fd);
	if (rc < 0) {
		http_close(http);
		return rc;
	}
	*out = http;
	return 0;
}

void http_close(struct http *http)
{
	uint64_t one = 1;

	if (!http) {
		return;
	}
	if (http->started) {
		(void)!write(http->stop_fd, &one, sizeof(one));
		pthread_join(http->thread, NULL);
		MHD_stop_daemon(http->daemon); /* closes what listens, too */
	}
	for (int r = 0; r < ROUTES_MAX; r++) {
		for (int v = 0; v < ROUTE_VARIANTS_MAX; v++) {
			if (http->kept[r][v].response) {
				MHD_destroy_response(http->kept[r][v].response);
			}
		}
	}
	if (http->stop_fd >= 0) {
		close(http->stop_fd);
	}
	free(http);
}

/* The daemon takes `fd' over only once the thread runs: it is given back by quiescing. */
static int start(struct http *http, int fd)
{
	int rc;

	http->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, answer, http, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		HEAD_BYTES_MAX, MHD_OPTION_NOTIFY_CONNECTION, note_connection, http,
		MHD_OPTION_NOTIFY_COMPLETED, note_completed, http, MHD_OPTION_END);
	if (!http->daemon) {
		return -ENOMEM;
	}
	rc = pthread_create(&http->thread, NULL, serve, http);
	if (rc != 0) {
		(void)MHD_quiesce_daemon(http->daemon);
		MHD_stop_daemon(http->daemon);
		return -rc;
	}
	http->started = true;
	return 0;
}

static void *serve(void *arg)
{
	struct http *http = arg;
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[2] = {{.fd = info->epoll_fd, .events = POLLIN},
				{.fd = http->stop_fd, .events = POLLIN}};

	(void)pthread_setname_np(pthread_self(), "numacast-http");
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	read_once();
	confine_self(CONFINE_HTTP);
	while (!(fds[1].revents & POLLIN)) {
		(void)poll(fds, 2, sleep_ms(http));
		sweep(http);
		(void)MHD_run(http->daemon);
	}
	return NULL;
}

/* Lets the C library open the files that it reads once, which this thread may not: about the zone
 * of dates, and, when memory of a thread other than the first is given back, whether that may be.
 */
static void read_once(void)
{
	void *volatile pieces[GIVEN_BACK];

	tzset();
	for (int i = 0; i < GIVEN_BACK; i++) {
		pieces[i] = malloc(GIVEN_BACK_BYTES);
	}
	for (int i = 0; i < GIVEN_BACK; i++) {
		free(pieces[i]);
	}
}

/* For want of a descriptor the library listens no more until a connection has ended and it runs
 * again, and nothing wakes it then. */
static int sleep_ms(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG most_ms;
	int ms = http->count > 0 ? SWEEP_MS : DEAF_MS;

	if (http->full && http->count < CONNECTIONS_MAX) {
		http->full = false; /* it listens again when it runs, which nothing else wakes */
		return 0;
	}
	if (MHD_get_timeout(http->daemon, &most_ms) == MHD_YES &&
	    most_ms < (MHD_UNSIGNED_LONG_LONG)ms) {
		ms = (int)most_ms;
	}
	return ms;
}

/* Whoever has used up its time is shut down, and the library sees the end of it. */
static void sweep(struct http *http)
{
	static const uint64_t patience_s[] = {
		[PHASE_IDLE] = 120, [PHASE_REQUEST] = 10, [PHASE_ANSWER] = 30};
	static const uint64_t short_s[] = {
		[PHASE_IDLE] = 1, [PHASE_REQUEST] = 1, [PHASE_ANSWER] = 5};
	const uint64_t *limit_s = http->count >= CROWDED ? short_s : patience_s;
	uint64_t now_ns = clock_now_ns();

	for (int i = 0; i < CONNECTIONS_MAX && http->count > 0; i++) {
		struct connection *connection = &http->connections[i];

		if (connection->fd >= 0 &&
		    now_ns - connection->since_ns > limit_s[connection->phase] * NS_PER_S) {
			(void)shutdown(connection->fd, SHUT_RDWR);
		}
	}
}

static void note_connection(void *arg, struct MHD_Connection *connection, void **context,
			    enum MHD_ConnectionNotificationCode code)
{
	struct http *http = arg;
	struct connection *place = *context;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (place) {
			place->fd = -1;
			http->count--;
		}
		return;
	}
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		place = &http->connections[i];
		if (place->fd < 0) {
			place->fd = MHD_get_connection_info(connection,
							    MHD_CONNECTION_INFO_CONNECTION_FD)
					    ->connect_fd;
			enter(place, PHASE_REQUEST);
			http->count++;
			http->full |= http->count == CONNECTIONS_MAX;
			*context = place;
			return;
		}
	}
}

static void note_completed(void *arg, struct MHD_Connection *connection, void **context,
			   enum MHD_RequestTerminationCode code)
{
	(void)arg;
	(void)context;
	(void)code;
	enter(connection_of(connection), PHASE_IDLE);
}

static struct connection *connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void enter(struct connection *connection, enum phase phase)
{
	if (connection) {
		connection->phase = phase;
		connection->since_ns = clock_now_ns();
	}
}

/* Called first when the head of a request is there, and answers then: a body is never read, and the
 * library closes the connection of one that has some. */
static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_len, void **context)
{
	struct http *http = arg;
	const char *accept =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	const char *host =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	unsigned variant;
	int at;

	(void)version;
	(void)upload;
	(void)upload_len;
	(void)context;
	enter(connection_of(connection), PHASE_ANSWER);
	if (!hosts_allow(http->hosts, host)) {
		return refuse(http, connection, STATUS_NOT_OURS,
			      "nobody is called so here; expected localhost, an address, or a name "
			      "that --metrics-host gives\n");
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		return refuse(http, connection, STATUS_METHOD, "only GET and HEAD are answered\n");
	}
	at = route_find(path);
	if (at < 0) {
		return refuse(http, connection, STATUS_MISSING, NULL);
	}
	variant = routes[at].choose ? routes[at].choose(accept ? accept : "") : 0;
	return answer_route(http, connection, &routes[at], &http->kept[at][variant], variant);
}

static enum MHD_Result answer_route(struct http *http, struct MHD_Connection *connection,
				    const struct route *route, struct kept *kept, unsigned variant)
{
	struct route_ask ask = {.variant = variant, .detail = http->detail};
	const struct web_piece *piece = NULL;
	const char *why = "";

	if (route->kind != ROUTE_FIXED) {
		piece = web_get(http->web, route->kind == ROUTE_TEXT ? route->part : WEB_SNAPSHOT,
				&why);
		if (!piece) {
			char text[128];

			snprintf(text, sizeof(text), "%s\n", why);
			return refuse(http, connection, STATUS_NOT_READY, text);
		}
	}
	if ((!kept->response || (piece && kept->number != piece->number)) &&
	    make(http, route, &ask, piece, kept) < 0) {
		return refuse(http, connection, STATUS_NOT_READY, "no memory for this\n");
	}
	return MHD_queue_response(connection, kept->status, kept->response);
}

/* `text' NULL: what paths there are. */
static enum MHD_Result refuse(struct http *http, struct MHD_Connection *connection, unsigned status,
			      const char *text)
{
	struct text told = {0};
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;

	text_put(&told, text ? text : "there is nothing here; expected one of\n");
	for (size_t i = 0; !text && i < route_count; i++) {
		text_put(&told, routes[i].path);
		text_put(&told, "\n");
	}
	response = response_of(http, NULL, &told, NULL);
	if (response) {
		if (status == STATUS_METHOD) {
			(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
		}
		result = MHD_queue_response(connection, status, response);
		MHD_destroy_response(response);
	}
	return result;
}

/* Of `piece', if the route asks for one. 0 with the new one in the place of the old one, or -ENOMEM
 * and nothing has changed. */
static int make(struct http *http, const struct route *route, struct route_ask *ask,
		const struct web_piece *piece, struct kept *kept)
{
	struct route_answer made = {.status = 200, .type = route->type};
	struct MHD_Response *response;

	if (http->texts_bytes > TEXTS_BYTES_MAX && !route->brief) {
		return -ENOMEM;
	}
	if (route->kind == ROUTE_TEXT) {
		text_put_bytes(&made.text, piece->at, piece->len);
	} else {
		ask->snapshot = piece ? piece->at : NULL;
		route->make(ask, &made);
	}
	response = response_of(http, route, &made.text, made.type);
	if (!response) {
		return -ENOMEM;
	}
	if (kept->response) {
		MHD_destroy_response(kept->response); /* readers hold it yet */
	}
	kept->response = response;
	kept->status = made.status;
	kept->number = piece ? piece->number : 0;
	return 0;
}

/* Takes `text' over; `route' is NULL where there is none. NULL: out of memory. */
static struct MHD_Response *response_of(struct http *http, const struct route *route,
					struct text *text, const char *type)
{
	struct held *held = text_failed(text) ? NULL : malloc(sizeof(*held));
	struct MHD_Response *response;

	if (!held) {
		text_free(text);
		return NULL;
	}
	*held = (struct held){.http = http, .len = text->room, .at = text->at};
	response = MHD_create_response_from_buffer_with_free_callback_cls(text->len, text->at,
									  free_held, held);
	if (!response) {
		text_free(text);
		free(held);
		return NULL;
	}
	http->texts_bytes += held->len;
	if (!add_headers(response, type ? type : "text/plain; charset=utf-8",
			 route && route->policy ? route->policy : NO_POLICY)) {
		MHD_destroy_response(response); /* and what it holds */
		return NULL;
	}
	return response;
}

/* All, or false: a page is not shown without what a browser may do with it. */
static bool add_headers(struct MHD_Response *response, const char *type, const char *policy)
{
	const char *const headers[][2] = {{MHD_HTTP_HEADER_CONTENT_TYPE, type},
					  {MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
					  {"X-Content-Type-Options", "nosniff"},
					  {"Content-Security-Policy", policy}};
	bool whole = true;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]) && whole; i++) {
		whole = MHD_add_response_header(response, headers[i][0], headers[i][1]) == MHD_YES;
	}
	return whole;
}

/* The last reader is done. */
static void free_held(void *arg)
{
	struct held *held = arg;

	held->http->texts_bytes -= held->len;
	free(held->at);
	free(held);
}
