/* top_link.h - the daemon as `top' asks it: without waiting, and again after it was gone.
 *
 * One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/log.h"
#include "src/ctl/client.h"
#include "src/ctl/top_view.h"

struct json_t;

struct top_link {
	const char *path; /* as client_open takes it */
	uint64_t timeout_ns;
	struct client client; /* when `open' */
	bool open;
	const struct top_view *asked; /* NULL: no answer is awaited */
	uint64_t until_ns;            /* when it must be there */
	struct json_t *stats;         /* the first half of it */
};

/* Connects if need be, and asks for the totals and the view's rows. -errno with `err': it cannot be
 * done now. */
int top_link_ask(struct top_link *link, const struct top_view *view, uint64_t now_ns,
		 struct err *err);

/* What has come of the answer: 0 with the results of both, which are the caller's (`*rows' NULL
 * when the view needs none); -EAGAIN: not yet all; else -errno with `err', and the connection is
 * gone. */
int top_link_take(struct top_link *link, uint64_t now_ns, struct json_t **stats,
		  struct json_t **rows, struct err *err);

/* To poll; -1: there is nothing to wait for. */
int top_link_fd(const struct top_link *link);

void top_link_close(struct top_link *link);
