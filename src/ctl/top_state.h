/* top_state.h - what `top' knows and shows at a moment, and what a key makes of it.
 *
 * Pure: no clock, no terminal. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "src/ctl/top_pick.h"
#include "src/ctl/top_rows.h"
#include "src/ctl/top_view.h"

#define TOP_INTERVAL_MIN_S 0.1
#define TOP_INTERVAL_MAX_S 86400.0
#define TOP_MESSAGE_BYTES  256

/* Keys that are no characters; others are what they write. */
enum top_key {
	TOP_KEY_NONE = 0,
	TOP_KEY_TAB = '\t',
	TOP_KEY_ENTER = '\n',
	TOP_KEY_ESCAPE = 27,
	TOP_KEY_BACKSPACE = 127,
	TOP_KEY_UP = 0x200000, /* beyond Unicode */
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_BACK_TAB,
	TOP_KEY_RESIZE,
};

/* What is to be done after a key. */
enum top_effect {
	TOP_DRAW, /* the picture again */
	TOP_ASK,  /* and first the daemon, for another view */
	TOP_QUIT,
};

struct top_state {
	unsigned view;
	struct top_choice choices[TOP_VIEWS];
	size_t scrolled[TOP_VIEWS]; /* rows above the first that is shown */
	double interval_s;
	struct json_t *stats, *stats_before; /* results of `stats'; NULL: none yet */
	struct top_rows rows;                /* of the view, once `rows.view' says so */
	size_t *picked, picked_count;        /* of these, what is shown */
	size_t page;                         /* rows that the last picture had room for */
	bool plain;                          /* no keys are pressed */
	bool helping;
	bool typing;                     /* a filter, which holds at once */
	bool anew;                       /* the next answer is of another daemon, or may be */
	char message[TOP_MESSAGE_BYTES]; /* what is wrong; "": nothing */
};

void top_state_init(struct top_state *state, unsigned view, double interval_s);
void top_state_free(struct top_state *state);

/* The next answers, results of `stats' and of the view's request, which become the state's; `rows'
 * NULL: the view needs none. 0, -ENOMEM, or -EPROTO when they are not what was asked for. */
int top_state_take(struct top_state *state, struct json_t *stats, struct json_t *rows);

/* There is no daemon, because of `why': the last picture stays, and the next answer is compared
 * with nothing, so that rates begin anew. */
void top_state_lose(struct top_state *state, const char *why);

/* A picture has room for `page' rows. */
void top_state_fit(struct top_state *state, size_t page);

enum top_effect top_state_press(struct top_state *state, unsigned key);

/* Of the totals in `stats': a second, of the sum at `path'; NAN: not known. */
double top_state_rate(const struct top_state *state, const char *path);
