/* web.c - hands what control knows to the thread that answers HTTP; see web.h.
 *
 * Of each part there is one piece on its way and one in use. Both threads take the lock for a few
 * instructions; only the HTTP thread sleeps on the condition.
 */
#include "src/web/web.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/web/hosts.h"
#include "src/web/http.h"
#include "src/web/listen.h"
#include "src/web/snapshot.h"

#define FRESH_TIMES 4

struct part {
	bool wanted;           /* under the lock, as are the next two */
	bool answered;         /* since it was wanted */
	struct web_piece next; /* on its way */
	struct web_piece used; /* the HTTP thread's own */
	uint64_t took_ns;      /* to get it; the same */
	const char *refused; /* why there was none when it was last asked for, or NULL; the same */
};

struct web {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* something was handed over */
	int wanted_fd;          /* written by the HTTP thread, read by control */
	bool ending;            /* under the lock */
	struct part parts[WEB_PART_COUNT];
	struct hosts hosts;
	struct http *http;
	uint16_t port;
};

static int init_lock(struct web *web);
static void free_piece(struct web_piece *piece);
static bool is_fresh(const struct part *part, uint64_t now_ns);
static void await_next(struct web *web, struct part *part, uint64_t now_ns);

int web_open(const struct addr *at, unsigned detail, const char *hosts, struct web **out,
	     struct err *err)
{
	struct web *web;
	int fd, rc;

	*out = NULL;
	if (at->family == 0) {
		return 0;
	}
	rc = listen_at(at, &fd, err);
	if (rc < 0) {
		return rc;
	}
	web = calloc(1, sizeof(*web));
	rc = web ? init_lock(web) : -ENOMEM;
	rc = rc == 0 ? hosts_init(&web->hosts, at, hosts) : rc;
	if (rc == 0) {
		web->port = listen_port(fd);
		rc = http_open(fd, detail, &web->hosts, web, &web->http);
	}
	if (rc < 0) {
		err_set(err, "--metrics: cannot start: %s; see `ulimit -n' and `ulimit -u'",
			strerror(-rc));
		close(fd);
		web_close(web);
		return rc;
	}
	*out = web;
	return 0;
}

void web_close(struct web *web)
{
	if (!web) {
		return;
	}
	pthread_mutex_lock(&web->lock);
	web->ending = true;
	pthread_mutex_unlock(&web->lock);
	for (int i = 0; i < WEB_PART_COUNT; i++) {
		web_put(web, (enum web_part)i, NULL, 0); /* who waits need not wait */
	}
	http_close(web->http);
	hosts_free(&web->hosts);
	for (int i = 0; i < WEB_PART_COUNT; i++) {
		free_piece(&web->parts[i].next);
		free_piece(&web->parts[i].used);
	}
	if (web->wanted_fd >= 0) {
		close(web->wanted_fd);
	}
	pthread_cond_destroy(&web->changed);
	pthread_mutex_destroy(&web->lock);
	free(web);
}

int web_fd(const struct web *web)
{
	return web ? web->wanted_fd : -1;
}

bool web_wants(struct web *web, enum web_part part)
{
	bool wanted;

	if (!web) {
		return false;
	}
	pthread_mutex_lock(&web->lock);
	wanted = web->parts[part].wanted;
	pthread_mutex_unlock(&web->lock);
	return wanted;
}

void web_put(struct web *web, enum web_part which, void *at, size_t len)
{
	struct part *part = &web->parts[which];
	struct web_piece unseen;
	bool wanted = false;
	uint64_t count;

	pthread_mutex_lock(&web->lock);
	unseen = part->next;
	part->next = (struct web_piece){
		.at = at, .len = len, .number = unseen.number + 1, .taken_ns = clock_now_ns()};
	part->wanted = false;
	part->answered = true;
	for (int i = 0; i < WEB_PART_COUNT; i++) {
		wanted |= web->parts[i].wanted;
	}
	if (!wanted && web->wanted_fd >= 0) {
		(void)!read(web->wanted_fd, &count, sizeof(count));
	}
	pthread_cond_signal(&web->changed);
	pthread_mutex_unlock(&web->lock);
	free_piece(&unseen);
}

uint16_t web_port(const struct web *web)
{
	return web->port;
}

const struct web_piece *web_get(struct web *web, enum web_part which, const char **why)
{
	struct part *part = &web->parts[which];
	uint64_t now_ns = clock_now_ns();

	if (!is_fresh(part, now_ns)) {
		await_next(web, part, now_ns);
	}
	if (part->used.at && clock_now_ns() - part->used.taken_ns <= WEB_STALE_MS * NS_PER_MS) {
		return &part->used;
	}
	*why = part->refused   ? part->refused
	       : part->used.at ? "the control thread does not answer"
			       : "not relaying yet";
	return NULL;
}

static int init_lock(struct web *web)
{
	pthread_condattr_t attr;

	must(pthread_mutex_init(&web->lock, NULL) == 0);
	must(pthread_condattr_init(&attr) == 0);
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(&web->changed, &attr) == 0);
	pthread_condattr_destroy(&attr);
	web->wanted_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return web->wanted_fd < 0 ? -errno : 0;
}

/* Its number goes on. */
static void free_piece(struct web_piece *piece)
{
	if (piece->len > 0) {
		free(piece->at);
	} else {
		snapshot_free(piece->at);
	}
	piece->at = NULL;
}

static bool is_fresh(const struct part *part, uint64_t now_ns)
{
	uint64_t fresh_ns = FRESH_TIMES * part->took_ns;

	if (fresh_ns < WEB_FRESH_MS * NS_PER_MS) {
		fresh_ns = WEB_FRESH_MS * NS_PER_MS;
	}
	return part->used.at && now_ns - part->used.taken_ns < fresh_ns;
}

/* Asks, waits, and takes what came, which may be what was asked for and not had in time before. */
static void await_next(struct web *web, struct part *part, uint64_t now_ns)
{
	uint64_t until_ns = now_ns + WEB_WAIT_MS * NS_PER_MS, one = 1;
	struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
				 .tv_nsec = (long)(until_ns % NS_PER_S)};
	struct web_piece next;
	int rc = 0;

	pthread_mutex_lock(&web->lock);
	part->answered = false;
	part->wanted = true;
	(void)!write(web->wanted_fd, &one, sizeof(one));
	while (!part->answered && rc == 0) {
		rc = pthread_cond_timedwait(&web->changed, &web->lock, &until);
	}
	next = part->next;
	part->next.at = NULL;
	part->refused = !part->answered || next.at ? NULL
			: web->ending              ? "ending"
				      : "it cannot be made now: Cannot allocate memory";
	pthread_mutex_unlock(&web->lock);
	if (next.at) {
		free_piece(&part->used);
		part->used = next;
		part->took_ns = clock_now_ns() - now_ns;
	}
}
