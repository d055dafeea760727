/* web.h - what is told by HTTP (--metrics), and how the thread that tells it gets to know.
 *
 *     web.c         the hand-over of snapshots between the control thread and the one for HTTP
 *     snapshot.c    what runs, copied
 *     http.c        the server: libmicrohttpd, and a thread of its own; http_none.c: without it
 *     listen.c      the socket
 *     hosts.c       by which names a browser may ask
 *     page.c        the page of page.html, page.css and page.js
 *     routes.c      the table of paths; health.c and others make the texts
 *     text.c        text that grows
 *
 * The thread that answers HTTP reads nothing that lives. Flows, outputs and rules change under
 * reloads and are the control thread's and the shards'; so that thread asks control for what it
 * needs, by an eventfd, and sleeps until it has it or WEB_WAIT_MS are over. What it gets is its
 * own:
 *
 *     WEB_SNAPSHOT   a struct snapshot. Control copies what there is, a bounded piece at a time,
 *                    between messages to shards and everything else it does (src/run/survey.h);
 *                    texts are made of it here, by a thread that is nice(2) to the others
 *     WEB_STATUS     a text that control makes, in pieces, too (src/run/status.h), since it also
 *                    shows what no snapshot holds
 *     WEB_PLAN...    the same, of pictures (src/run/scene.h), for a screen and for a telephone
 *
 * It is handed over by a pointer under a lock that is held for a few instructions. A shard does not
 * know that anybody looks.
 *
 * What was had is used again until it is WEB_FRESH_MS old, or four times as old as it took to make,
 * so who asks often costs no more. When control has no time, in the middle of a long change, the
 * last one is told until it is WEB_STALE_MS old, and then nothing: status 503.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/addr.h"
#include "src/base/log.h"

#define WEB_FRESH_MS 250
#define WEB_WAIT_MS  1000
#define WEB_STALE_MS 15000

/* Of pictures, CSS pixels, in the order of their parts; page.js chooses among them. */
#define WEB_PLAN_WIDTHS        \
	{                      \
		1180, 690, 328 \
	}

struct web;

enum web_part {
	WEB_SNAPSHOT,
	WEB_STATUS,
	WEB_PLAN, /* pictures of the running machine, see WEB_PLAN_WIDTHS */
	WEB_PLAN_MEDIUM,
	WEB_PLAN_NARROW,
	WEB_PART_COUNT,
};

/* What control has handed over. */
struct web_piece {
	void *at;          /* NULL: there was no memory for it */
	size_t len;        /* of a text, bytes; 0: a struct snapshot */
	uint64_t number;   /* of pieces so far */
	uint64_t taken_ns; /* clock_now_ns() when it was handed over */
};

/* Listens at `at' and starts the thread, which answers 503 until control hands something over.
 * Family 0: `*out' is NULL, which all below accept. `detail' is --metrics-detail, `hosts'
 * --metrics-host or NULL. 0 or -errno with `err'. Control thread, as are all but web_get. */
int web_open(const struct addr *at, unsigned detail, const char *hosts, struct web **out,
	     struct err *err);
void web_close(struct web *web);

/* Readable when something is asked for; -1: never. */
int web_fd(const struct web *web);

/* Whether that is asked for and not yet handed over. */
bool web_wants(struct web *web, enum web_part part);

/* Hands it over, a struct snapshot or a text of malloc, with its length: it is the web's from then
 * on. NULL: there is no memory for it. */
void web_put(struct web *web, enum web_part which, void *at, size_t len);

/* The port that is listened at, in host order; another than asked for when that was 0. */
uint16_t web_port(const struct web *web);

/* What to tell of now, valid until the next call for that part; NULL with `why' when there is
 * nothing. May wait as said above. The HTTP thread. */
const struct web_piece *web_get(struct web *web, enum web_part which, const char **why);
