/* check_web.c - the server over real sockets of the loopback, with the test as the control thread.
 *
 * A second thread plays control while requests are under way: it hands over what is asked for.
 */
#include "src/web/web.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "src/base/confine.h"
#include "src/web/snapshot.h"

#define MANY      100 /* more than there are places */
#define DEAF      5
#define DEAF_MOST 40 /* where the machine is so slow that some share an answer */

struct MHD_Response;

int __real_MHD_add_response_header(struct MHD_Response *response, const char *name,
				   const char *value);
int __wrap_MHD_add_response_header(struct MHD_Response *response, const char *name,
				   const char *value);

static const char *_Atomic no_memory_for; /* the next header of that name; NULL: none */

/* MHD_NO is 0. */
int __wrap_MHD_add_response_header(struct MHD_Response *response, const char *name,
				   const char *value)
{
	if (no_memory_for && strcmp(name, no_memory_for) == 0) {
		no_memory_for = NULL;
		return 0;
	}
	return __real_MHD_add_response_header(response, name, value);
}

static _Atomic int refusals; /* of the next connections, for want of a descriptor */
static _Atomic int kinds;    /* that threads are, as bits */
static _Atomic int taken_by; /* these, when a connection was taken last */

/* In the place of the C library's for libmicrohttpd, too. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc calls it __addr. */
int accept4(int fd, __SOCKADDR_ARG name, socklen_t *restrict len, int flags)
{
	taken_by = kinds;
	if (refusals > 0) {
		refusals--;
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_accept4, fd, name.__sockaddr__, len, flags);
}

static struct addr at = {.family = AF_INET, .ip = {127, 0, 0, 1}};
static struct web *web;
static struct err err;
static pthread_t player;
static _Atomic bool playing;
static _Atomic unsigned asked; /* snapshots */
static const char *reason;     /* the one of each snapshot; NULL: none */
static uint32_t failures;
static size_t status_bytes; /* 0: few */

/* Plays control. */
static void *play(void *arg)
{
	while (playing) {
		struct pollfd wanted = {.fd = web_fd(web), .events = POLLIN};

		(void)poll(&wanted, 1, 10);
		if (web_wants(web, WEB_SNAPSHOT)) {
			struct snapshot *snapshot = snapshot_new(0, 0, 0, 0);

			ck_assert_ptr_nonnull(snapshot);
			if (reason) {
				snapshot->reasons = calloc(1, sizeof(*snapshot->reasons));
				snapshot->reasons[0] = strdup(reason);
				snapshot->reason_count = 1;
				snapshot->failures = failures;
			}
			asked++;
			web_put(web, WEB_SNAPSHOT, snapshot, 0);
		}
		if (web_wants(web, WEB_STATUS)) {
			char *text = status_bytes > 0 ? calloc(1, status_bytes) : strdup("{}\n");

			web_put(web, WEB_STATUS, text, status_bytes > 0 ? status_bytes : 3);
		}
		if (web_wants(web, WEB_PLAN_NARROW)) {
			web_put(web, WEB_PLAN_NARROW, strdup("<svg/>\n"), 7);
		}
	}
	return arg;
}

static void start_play(void)
{
	playing = true;
	ck_assert_int_eq(pthread_create(&player, NULL, play, NULL), 0);
}

static void end_play(void)
{
	playing = false;
	ck_assert_int_eq(pthread_join(player, NULL), 0);
}

static void setup(void)
{
	ck_assert_int_eq(web_open(&at, 0, "relay.example", &web, &err), 0);
	ck_assert_uint_ne(web_port(web), 0);
}

static void teardown(void)
{
	web_close(web);
}

/* A client that has not sent anything. */
static int client(void)
{
	struct sockaddr_storage sa;
	struct addr to = at;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.port = web_port(web);
	len = addr_to_sockaddr(&to, 0, &sa);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

/* All that comes until the end, which takes `most_ms' at most; "" when nothing did. */
static const char *heard(int fd, int most_ms)
{
	static char text[65536];
	size_t len = 0;
	struct pollfd in = {.fd = fd, .events = POLLIN};

	while (len < sizeof(text) - 1 && poll(&in, 1, most_ms) > 0) {
		ssize_t got = recv(fd, text + len, sizeof(text) - 1 - len, 0);

		if (got <= 0) {
			break;
		}
		len += (size_t)got;
	}
	text[len] = '\0';
	close(fd);
	return text;
}

static const char *ask(const char *request)
{
	int fd = client();

	ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL),
			 (ssize_t)strlen(request));
	return heard(fd, 300000);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

/* What was had is used again for a time that grows with what it took to make. Who never hears
 * `part' is ended by the test's limit. */
static const char *ask_until(const char *request, const char *part)
{
	const char *answer = ask(request);

	while (!strstr(answer, part)) {
		usleep(10000);
		answer = ask(request);
	}
	return answer;
}

static void says(const char *answer, const char *part)
{
	ck_assert_msg(strstr(answer, part), "no '%s' in: %s", part, answer);
}

/* Who comes in the moment in which another one leaves: the library listens no more, as it has a
 * connection yet, and has none a moment later that could wake it. */
START_TEST(who_comes_while_descriptors_are_short_is_answered_later)
{
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
	int first = client(), second;

	ck_assert_int_gt(send(first, request, sizeof(request) - 1, MSG_NOSIGNAL), 0);
	usleep(300000); /* the server waits for control now, in vain, for a second */
	refusals = 1;
	close(first);
	second = client();
	ck_assert_int_gt(send(second, GET("/nothing"), sizeof(GET("/nothing")) - 1, MSG_NOSIGNAL),
			 0);
	says(heard(second, 10000), "404");
	ck_assert_int_eq(refusals, 0);
}
END_TEST

START_TEST(no_page_is_shown_or_kept_without_its_policy)
{
	static const char *const names[] = {"Content-Security-Policy", "X-Content-Type-Options",
					    "Cache-Control", "Content-Type"};
	const char *answer;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		no_memory_for = names[i];
		says(ask(GET("/")), "503");
		web_close(web);
		setup();
	}
	no_memory_for = names[0];
	says(ask(GET("/")), "no memory for this");
	answer = ask(GET("/"));
	says(answer, "200 OK");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		says(answer, names[i]);
	}
}
END_TEST

START_TEST(health_and_readiness_tell_their_reasons)
{
	const char *answer;

	start_play();
	says(ask(GET("/healthz")), "HTTP/1.1 200 ");
	end_play();
	reason = "output 239.2.2.2%x:6000: pending";
	start_play();
	answer = ask_until(GET("/healthz"), reason);
	says(answer, "HTTP/1.1 200 ");
	says(answer, "\r\n\r\nok\noutput 239.2.2.2%x:6000: pending\n");
	answer = ask(GET("/readyz"));
	says(answer, "HTTP/1.1 503 ");
	says(answer, "\r\n\r\nnot ready\noutput 239.2.2.2%x:6000: pending\n");
	end_play();
	failures = 1;
	start_play();
	(void)ask_until(GET("/healthz"), "HTTP/1.1 503 ");
	end_play();
}
END_TEST

START_TEST(text_of_control_is_given_as_it_is)
{
	const char *answer;

	start_play();
	answer = ask(GET("/status.json"));
	says(answer, "HTTP/1.1 200 ");
	says(answer, "Content-Type: application/json\r\n");
	says(answer, "\r\n\r\n{}\n");
	end_play();
}
END_TEST

START_TEST(page_is_whole_and_may_run_its_own_script_only)
{
	const char *answer = ask(GET("/"));

	says(answer, "HTTP/1.1 200 ");
	says(answer, "Content-Type: text/html; charset=utf-8\r\n");
	says(answer, "Content-Security-Policy: default-src 'none'; ");
	says(answer, "script-src 'sha256-");
	says(answer, "style-src 'sha256-");
	says(answer, "<!DOCTYPE html>");
	says(answer, "</html>\n");
	ck_assert_ptr_null(strstr(answer, "unsafe"));
	ck_assert_ptr_null(strstr(answer, "@page."));    /* both are in it */
	ck_assert_ptr_null(strstr(answer, "://"));       /* and nothing is fetched from elsewhere */
	ck_assert_ptr_null(strstr(answer, "innerHTML")); /* nor made of text */
	ck_assert_uint_eq(asked, 0);
}
END_TEST

START_TEST(picture_may_do_nothing_but_have_colours)
{
	const char *answer;

	start_play();
	answer = ask(GET("/plan-narrow.svg"));
	says(answer, "Content-Type: image/svg+xml\r\n");
	says(answer, "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n");
	says(answer, "\r\n\r\n<svg/>\n");
	end_play();
}
END_TEST

START_TEST(only_looking_is_answered_and_only_at_what_is_there)
{
	const char *answer =
		ask("POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");

	says(answer, "HTTP/1.1 405 ");
	says(answer, "Allow: GET, HEAD\r\n");
	says(ask(GET("/healthy")), "HTTP/1.1 404 ");
	says(ask(GET("/nothing")), "/readyz\n");
	ck_assert_uint_eq(asked, 0); /* control was left alone */
}
END_TEST

/* As of a page whose name the DNS has turned into our address. */
START_TEST(who_asks_by_a_foreign_name_is_told_nothing)
{
	static const char *const paths[] = {"/", "/status.json", "/metrics", "/healthz",
					    "/nothing"};
	char request[200];

	start_play();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const char *answer;

		snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: evil.example:9469\r\nConnection: close\r\n\r\n",
			 paths[i]);
		answer = ask(request);
		says(answer, "HTTP/1.1 403 ");
		says(answer, "\r\n\r\nnobody is called so here; ");
		ck_assert_uint_lt(strlen(answer), 1000);
	}
	ck_assert_uint_eq(asked, 0); /* control was left alone */
	says(ask("GET /healthz HTTP/1.1\r\nHost: RELAY.example:1\r\nConnection: close\r\n\r\n"),
	     "HTTP/1.1 200 ");
	says(ask("GET /healthz HTTP/1.0\r\n\r\n"), " 200 "); /* no browser */
	end_play();
}
END_TEST

START_TEST(control_that_has_no_time_is_waited_for_a_second)
{
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	says(ask(GET("/healthz")), "HTTP/1.1 503 ");
	clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_ge(after.tv_sec - before.tv_sec, 0);
	ck_assert(web_wants(web, WEB_SNAPSHOT));
	ck_assert(!web_wants(web, WEB_STATUS));
	web_put(web, WEB_SNAPSHOT, snapshot_new(0, 0, 0, 0), 0); /* late, and not in vain */
	ck_assert(!web_wants(web, WEB_SNAPSHOT));
	says(ask(GET("/healthz")), "HTTP/1.1 200 ");
}
END_TEST

START_TEST(who_asks_often_costs_control_no_more)
{
	start_play();
	for (int i = 0; i < 50; i++) {
		says(ask(GET("/healthz")), "HTTP/1.1 200 ");
	}
	ck_assert_uint_lt(asked, 50);
	end_play();
}
END_TEST

START_TEST(bad_requests_harm_nobody)
{
	static char garbage[4096], huge[40000];
	const char *answer;
	int silent[MANY];

	memset(garbage, 0xff, sizeof(garbage) - 1);
	snprintf(huge, sizeof(huge), "GET /healthz HTTP/1.1\r\nX: %039000d", 0);
	start_play();
	(void)ask(garbage);
	answer = ask(huge);
	ck_assert(answer[0] == '\0' || strstr(answer, "HTTP/1.1 4"));
	(void)ask("GET /healthz HTTP/9.9\r\n\r\n");
	(void)ask("\r\n\r\n\r\n");
	says(ask(GET("/healthz")), "HTTP/1.1 200 ");
	for (int i = 0; i < MANY; i++) {
		silent[i] = client(); /* says nothing, and takes a place */
	}
	says(ask(GET("/healthz")), "HTTP/1.1 200 ");
	for (int i = 0; i < MANY; i++) {
		close(silent[i]);
	}
	says(ask(GET("/healthz")), "HTTP/1.1 200 ");
	end_play();
}
END_TEST

/* Who judges by it whether to start the daemon again must not be told so by who reads nothing. */
START_TEST(who_never_reads_makes_nobody_ill)
{
	static const char request[] = "GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static const char last[] =
		"GET /status.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	int deaf[DEAF_MOST], count = 0;

	status_bytes = ((size_t)64 << 20) - 1; /* DEAF are beyond the bound of all together */
	start_play();
	while (count < DEAF || !strstr(ask(last), "HTTP/1.1 503 ")) {
		char byte;

		ck_assert_int_lt(count, DEAF_MOST);
		deaf[count] = client();
		ck_assert_int_gt(send(deaf[count], request, strlen(request), MSG_NOSIGNAL), 0);
		ck_assert_int_eq(recv(deaf[count++], &byte, 1, 0), 1); /* it is on its way */
		usleep(WEB_FRESH_MS * 1000);
	}
	says(ask(GET("/healthz")), "HTTP/1.1 200 ");
	says(ask(GET("/readyz")), "HTTP/1.1 200 ");
	while (count > 0) {
		close(deaf[--count]);
	}
	end_play();
}
END_TEST

static void note_kind(enum confine_kind kind)
{
	kinds |= 1 << kind;
}

START_TEST(thread_has_given_up_its_calls_before_anybody_is_heard)
{
	web_close(web);
	confine_set(note_kind);
	setup();
	says(ask(GET("/nothing")), "404");
	ck_assert_int_eq(taken_by, 1 << CONFINE_HTTP);
}
END_TEST

START_TEST(port_that_is_taken_is_refused)
{
	struct addr same = at;
	struct web *second;

	same.port = web_port(web);
	ck_assert_int_eq(web_open(&same, 0, NULL, &second, &err), -EADDRINUSE);
	ck_assert_ptr_null(second);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot listen: Address already in use"));
	same.ip[0] = 192; /* 192.0.0.1 */
	ck_assert_int_eq(web_open(&same, 0, NULL, &second, &err), -EADDRNOTAVAIL);
	ck_assert_ptr_nonnull(strstr(err.text, "expected an address of this host"));
}
END_TEST

START_TEST(nothing_is_told_where_nobody_asked_for_it)
{
	const struct addr none = {0};
	struct web *nothing = web;

	ck_assert_int_eq(web_open(&none, 0, NULL, &nothing, &err), 0);
	ck_assert_ptr_null(nothing);
	ck_assert_int_eq(web_fd(NULL), -1);
	ck_assert(!web_wants(NULL, WEB_SNAPSHOT));
	web_close(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("web");
	TCase *tc = tcase_create("web");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, health_and_readiness_tell_their_reasons);
	tcase_add_test(tc, no_page_is_shown_or_kept_without_its_policy);
	tcase_add_test(tc, who_comes_while_descriptors_are_short_is_answered_later);
	tcase_add_test(tc, text_of_control_is_given_as_it_is);
	tcase_add_test(tc, page_is_whole_and_may_run_its_own_script_only);
	tcase_add_test(tc, picture_may_do_nothing_but_have_colours);
	tcase_add_test(tc, only_looking_is_answered_and_only_at_what_is_there);
	tcase_add_test(tc, who_asks_by_a_foreign_name_is_told_nothing);
	tcase_add_test(tc, control_that_has_no_time_is_waited_for_a_second);
	tcase_add_test(tc, who_asks_often_costs_control_no_more);
	tcase_add_test(tc, bad_requests_harm_nobody);
	tcase_add_test(tc, who_never_reads_makes_nobody_ill);
	tcase_add_test(tc, thread_has_given_up_its_calls_before_anybody_is_heard);
	tcase_add_test(tc, port_that_is_taken_is_refused);
	tcase_add_test(tc, nothing_is_told_where_nobody_asked_for_it);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
