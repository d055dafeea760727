/* top_state.c - see top_state.h. */
#include "src/ctl/top_state.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/ctl/top_frame.h"

static int pick(struct top_state *state);
static enum top_effect type(struct top_state *state, unsigned key);
static bool add_character(char *text, unsigned code);
static void remove_character(char *text);
static enum top_effect look(struct top_state *state, unsigned key);
static void scroll(struct top_state *state, unsigned key);
static enum top_effect turn_to(struct top_state *state, unsigned view);
static void sort_by(struct top_state *state, int step);
static void pace(struct top_state *state, double factor);

void top_state_init(struct top_state *state, unsigned view, double interval_s)
{
	*state = (struct top_state){.view = view, .interval_s = interval_s};
	for (unsigned v = 0; v < TOP_VIEWS; v++) {
		state->choices[v].sort = top_views[v].sort;
	}
}

void top_state_free(struct top_state *state)
{
	top_rows_forget(&state->rows);
	json_decref(state->stats);
	json_decref(state->stats_before);
	free(state->picked);
	*state = (struct top_state){0};
}

int top_state_take(struct top_state *state, json_t *stats, json_t *rows)
{
	const struct top_view *view = &top_views[state->view];
	const json_t *from = view->subject ? rows : stats;
	double now_s = json_real_value(json_object_get(from, "uptime_s"));
	json_t *array = view->subject ? json_incref(json_object_get(rows, view->subject))
				      : top_rows_of_losses(stats);
	int rc = 0;

	if (state->anew) {
		top_rows_forget(&state->rows);
		json_decref(state->stats);
		state->stats = NULL;
		state->anew = false;
	}
	json_decref(state->stats_before);
	state->stats_before = state->stats;
	state->stats = stats;
	json_decref(rows);
	if (!json_is_array(array) || !json_is_object(json_object_get(stats, "totals"))) {
		json_decref(array);
		return -EPROTO;
	}
	rc = top_rows_take(&state->rows, view, array, now_s);
	if (rc == 0) {
		state->message[0] = '\0';
		rc = pick(state);
	}
	return rc;
}

void top_state_lose(struct top_state *state, const char *why)
{
	snprintf(state->message, sizeof(state->message), "%s", why);
	state->anew = true;
}

void top_state_fit(struct top_state *state, size_t page)
{
	state->page = page;
	scroll(state, TOP_KEY_NONE);
}

enum top_effect top_state_press(struct top_state *state, unsigned key)
{
	if (state->typing) {
		return type(state, key);
	}
	if (state->helping && key != 'q' && key != TOP_KEY_RESIZE) {
		state->helping = false;
		return TOP_DRAW;
	}
	return look(state, key);
}

double top_state_rate(const struct top_state *state, const char *path)
{
	double seconds = json_real_value(json_object_get(state->stats, "uptime_s")) -
			 json_real_value(json_object_get(state->stats_before, "uptime_s"));
	double more = top_rows_sum(json_object_get(state->stats, "totals"), path) -
		      top_rows_sum(json_object_get(state->stats_before, "totals"), path);

	return state->stats_before && seconds > 0 && more >= 0 ? more / seconds : NAN;
}

/* Anew, of the rows that are there; none when memory is short. */
static int pick(struct top_state *state)
{
	size_t *picked, count;

	if (state->rows.view != &top_views[state->view]) {
		return 0;
	}
	if (top_pick(&state->rows, &state->choices[state->view], &picked, &count) < 0) {
		state->picked_count = 0;
		return -ENOMEM;
	}
	free(state->picked);
	state->picked = picked;
	state->picked_count = count;
	scroll(state, TOP_KEY_NONE);
	return 0;
}

static enum top_effect type(struct top_state *state, unsigned key)
{
	char *filter = state->choices[state->view].filter;

	switch (key) {
	case TOP_KEY_ESCAPE:
		filter[0] = '\0';
		state->typing = false;
		break;
	case TOP_KEY_ENTER:
		state->typing = false;
		break;
	case TOP_KEY_BACKSPACE:
		remove_character(filter);
		break;
	default:
		if (!add_character(filter, key)) {
			return TOP_DRAW;
		}
	}
	(void)pick(state);
	return TOP_DRAW;
}

/* In UTF-8; false: it is none, or there is no room. */
static bool add_character(char *text, unsigned code)
{
	size_t used = strlen(text);
	char bytes[TOP_CODE_BYTES];
	size_t len;

	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code >= TOP_KEY_UP) {
		return false;
	}
	len = top_frame_encode(code, bytes);
	if (used + len >= TOP_FILTER_BYTES) {
		return false;
	}
	memcpy(text + used, bytes, len);
	text[used + len] = '\0';
	return true;
}

static void remove_character(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && ((unsigned char)text[--len] & 0xc0) == 0x80) {
	}
	text[len] = '\0';
}

static enum top_effect look(struct top_state *state, unsigned key)
{
	struct top_choice *choice = &state->choices[state->view];

	if (key >= '1' && key < '1' + TOP_VIEWS) {
		return turn_to(state, key - '1');
	}
	switch (key) {
	case 'q':
	case 'Q':
		return TOP_QUIT;
	case TOP_KEY_TAB:
		return turn_to(state, (state->view + 1) % TOP_VIEWS);
	case TOP_KEY_BACK_TAB:
		return turn_to(state, (state->view + TOP_VIEWS - 1) % TOP_VIEWS);
	case '?':
	case 'h':
		state->helping = true;
		return TOP_DRAW;
	case '/':
		state->typing = true;
		return TOP_DRAW;
	case TOP_KEY_ESCAPE:
		choice->filter[0] = '\0';
		break;
	case 'l':
		choice->losing = !choice->losing;
		break;
	case 'r':
		choice->reverse = !choice->reverse;
		break;
	case '<':
	case TOP_KEY_LEFT:
		sort_by(state, -1);
		break;
	case '>':
	case TOP_KEY_RIGHT:
		sort_by(state, 1);
		break;
	case '+':
		pace(state, 0.5);
		break;
	case '-':
		pace(state, 2);
		break;
	default:
		scroll(state, key);
		return TOP_DRAW;
	}
	(void)pick(state);
	return TOP_DRAW;
}

static void scroll(struct top_state *state, unsigned key)
{
	size_t *first = &state->scrolled[state->view];
	size_t page = state->page > 0 ? state->page : 1;
	size_t most = state->picked_count > page ? state->picked_count - page : 0;

	switch (key) {
	case TOP_KEY_UP:
	case 'k':
		*first -= *first > 0;
		break;
	case TOP_KEY_DOWN:
	case 'j':
		*first += 1;
		break;
	case TOP_KEY_PAGE_UP:
		*first = *first > page ? *first - page : 0;
		break;
	case TOP_KEY_PAGE_DOWN:
	case ' ':
		*first += page;
		break;
	case TOP_KEY_HOME:
	case 'g':
		*first = 0;
		break;
	case TOP_KEY_END:
	case 'G':
		*first = most;
		break;
	default:
		break;
	}
	*first = *first > most ? most : *first;
}

static enum top_effect turn_to(struct top_state *state, unsigned view)
{
	if (view == state->view) {
		return TOP_DRAW;
	}
	state->view = view;
	state->picked_count = 0;
	return TOP_ASK;
}

/* By the column to the left or right of that which is sorted by; from the last to as answered. */
static void sort_by(struct top_state *state, int step)
{
	struct top_choice *choice = &state->choices[state->view];
	unsigned count = 0, now;

	while (top_views[state->view].columns[count].title) {
		count++;
	}
	now = choice->sort == TOP_UNSORTED ? count : choice->sort;
	now = (now + count + 1 + (unsigned)step) % (count + 1);
	choice->sort = now == count ? TOP_UNSORTED : now;
	choice->reverse = false;
}

static void pace(struct top_state *state, double factor)
{
	double interval_s = state->interval_s * factor;

	if (interval_s >= TOP_INTERVAL_MIN_S && interval_s <= TOP_INTERVAL_MAX_S) {
		state->interval_s = interval_s;
	}
}
