/* top_rows.h - the rows of a view in two answers, one after the other, and what has become of each.
 *
 * A rate is known of a row that is in both answers, and whose count has not shrunk: another row of
 * the same name, after a rule was removed and added again, begins anew. Pure, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "src/ctl/top_view.h"

struct json_t;

struct top_rows {
	const struct top_view *view;
	struct json_t *now, *before; /* arrays of objects; `before' NULL: there is none */
	double now_s, before_s;      /* the daemon's uptime, seconds */
	size_t count;                /* of `now' */
	size_t *at_before;           /* of each where it stood before; TOP_NOWHERE */
};

#define TOP_NOWHERE ((size_t)-1)

/* Takes the next answer's `rows', which become its own, at `now_s'. What was before is forgotten
 * when the view is another, or when time has gone back: the daemon is another. 0 or -ENOMEM, and
 * then all is forgotten. */
int top_rows_take(struct top_rows *rows, const struct top_view *view, struct json_t *now,
		  double now_s);

/* Forgets what was, so that rates begin anew. Accepts all-zero. */
void top_rows_forget(struct top_rows *rows);

/* Of `row' and the view's `column': a number to sort by and to show. NAN: not known. A cause's is
 * whether there is any. */
double top_rows_value(const struct top_rows *rows, size_t row, unsigned column);

/* A text column's; "" where there is nothing. `*past' is set for the cause of what was lost before
 * this moment, and for why a row waits. The row's own. */
const char *top_rows_text(const struct top_rows *rows, size_t row, unsigned column, bool *past);

/* The losses of a result of `stats', a row for each cause that there was: "cause", "count". A new
 * array; NULL: out of memory. */
struct json_t *top_rows_of_losses(const struct json_t *stats);

/* The integer at `path', which may go through an object; the sum of an object's. */
double top_rows_sum(const struct json_t *row, const char *path);
