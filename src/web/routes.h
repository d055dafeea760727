/* routes.h - what is answered where: one row a path.
 *
 * A row names a path and the function that makes its text of a snapshot (snapshot.h), on the thread
 * that answers HTTP. To add one, write the function in a file of its own and a row in routes.c. A
 * function reads its snapshot and nothing else that lives, and keeps nothing. What it made is kept
 * and given to whoever asks next, until there is another snapshot.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "src/web/text.h"
#include "src/web/web.h"

#define ROUTE_VARIANTS_MAX 2

struct snapshot;

enum route_kind {
	ROUTE_FIXED,    /* made once, of nothing; there is no snapshot */
	ROUTE_SNAPSHOT, /* of a snapshot */
	ROUTE_TEXT,     /* a text that control made, as it is; there is no function */
};

/* Of what it is made. */
struct route_ask {
	const struct snapshot *snapshot; /* NULL with ROUTE_FIXED */
	unsigned variant;                /* as `choose' said, or 0 */
	unsigned detail;                 /* --metrics-detail */
};

struct route_answer {
	unsigned status;  /* 200 unless set */
	const char *type; /* the row's unless set; a constant */
	struct text text; /* the caller's */
};

struct route {
	const char *path; /* "/healthz"; without a question mark and what follows it */
	enum route_kind kind;
	enum web_part part; /* with ROUTE_TEXT */
	bool brief;         /* a few lines, however much there is to tell of */
	const char *type;   /* NULL: plain text */
	const char *policy; /* what a browser lets it do; NULL: as little as possible */
	/* Which of ROUTE_VARIANTS_MAX texts suits the request's Accept, which may be "". NULL:
	 * there is one. */
	unsigned (*choose)(const char *accept);
	void (*make)(const struct route_ask *ask, struct route_answer *out);
};

/* Ends with a row without a path. */
extern const struct route routes[];

/* Their number, which is bounded so that what is kept of each has its place. */
#define ROUTES_MAX 16
extern const size_t route_count;

/* The position of a path, or -ENOENT. */
int route_find(const char *path);

/* In metrics.c and accept.c: for Prometheus. */
void metrics_make(const struct route_ask *ask, struct route_answer *out);
unsigned metrics_choose(const char *accept);

/* In page.c: the page that shows all this. */
void page_make(const struct route_ask *ask, struct route_answer *out);

/* In health.c: whether all shards run; whether everything is as it should be. */
void health_make(const struct route_ask *ask, struct route_answer *out);
void ready_make(const struct route_ask *ask, struct route_answer *out);
