/* top_view.h - what `top' shows: its views, and what stands in the columns of each.
 *
 *     top_view     the views, constant
 *     top_rows     two answers of the daemon, one after the other: values and rates
 *     top_pick     which rows are shown, in which order
 *     top_frame    a picture of cells, of any size
 *     top_layout   from the state of top to a picture
 *     top_state    that state, and what keys make of it
 *     top_link     the connection: asked without waiting, made again when the daemon comes again
 *     top_screen   the terminal
 *     top_plain    pictures where there is none
 *     top          the command: what happens when
 *
 * All but the last four are pure. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum top_kind {
	TOP_TEXT,   /* of the first path */
	TOP_NUMBER, /* as it is: an index */
	TOP_TOTAL,  /* a sum, in thousands, millions ... */
	TOP_RATE,   /* a second */
	TOP_BITS,   /* a second, of a sum of bytes */
	TOP_RATIO,  /* what was added to the sum, for each that was added to `over' */
	TOP_LEVEL,  /* the part of `over' that is not in the sum, in percent and as a bar */
	TOP_LOSS,   /* a rate whose being there at all is bad */
	TOP_LOST,   /* a total of such */
	TOP_ALARM,  /* whether it is so, which is bad */
	TOP_CAUSE,  /* the member of these objects that grows most, or has most; or why it waits */
};

#define TOP_PATHS_MAX   4
#define TOP_COLUMNS_MAX 14

struct top_column {
	const char *title;                /* NULL: behind the last */
	const char *paths[TOP_PATHS_MAX]; /* members as table.h has them; their sum */
	const char *over;
	enum top_kind kind;
	unsigned width; /* of the screen; a text's may be more */
	unsigned rank;  /* where there is no room for all, the highest go first; 0 stay */
};

#define TOP_KEYS_MAX 5

struct top_view {
	const char *name;               /* NULL: behind the last */
	const char *subject;            /* of show, and the array in its answer; NULL: of stats */
	const char *keys[TOP_KEYS_MAX]; /* members that tell rows apart */
	struct top_column columns[TOP_COLUMNS_MAX];
	unsigned sort; /* by this column at first; TOP_UNSORTED: as answered */
};

#define TOP_UNSORTED 99u

#define TOP_VIEWS 7

extern const struct top_view top_views[TOP_VIEWS + 1];

/* Whether the column is a text, which grows where there is room and is what filters look at. */
bool top_view_is_text(const struct top_column *column);

/* Whether more is to be seen first. */
bool top_view_falls(const struct top_column *column);

/* Which view has the name; TOP_VIEWS: none. */
unsigned top_view_find(const char *name);

struct json_t;

/* The request whose answer has the members that the view shows, and no others; that of `stats' for
 * NULL. NULL: out of memory. */
struct json_t *top_view_request(const struct top_view *view);
