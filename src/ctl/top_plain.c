/* top_plain.c - see top_plain.h. */
#include "src/ctl/top_plain.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "src/base/json_reserve.h"
#include "src/base/out.h"
#include "src/ctl/present.h"
#include "src/ctl/top_frame.h"
#include "src/ctl/top_layout.h"

#define COLUMNS_USUAL 100
#define LINES_USUAL   40
#define HEAD_LINES    4 /* above the rows */
#define SIZE_MOST     1000

static int print_json(const struct top_state *state, FILE *out);
static unsigned size_of(const char *name, unsigned usual);

int top_plain_print(struct top_state *state, bool json, FILE *out)
{
	unsigned lines = size_of("LINES", LINES_USUAL);
	struct top_frame frame;
	int rc;

	if (json) {
		return print_json(state, out);
	}
	if (lines > state->picked_count + HEAD_LINES) {
		lines = (unsigned)state->picked_count + HEAD_LINES;
	}
	rc = top_frame_init(&frame, size_of("COLUMNS", COLUMNS_USUAL), lines);
	if (rc == 0) {
		top_layout_draw(state, &frame);
	}
	for (unsigned line = 0; rc == 0 && line < frame.lines; line++) {
		char *text = top_frame_text(&frame, line);

		rc = text ? 0 : -ENOMEM;
		fprintf(out, "%s\n", text ? text : "");
		free(text);
	}
	fputc('\n', out);
	top_frame_free(&frame);
	return rc == 0 ? out_finish(out) : rc;
}

static int print_json(const struct top_state *state, FILE *out)
{
	json_t *line = json_object(), *stats = json_copy(state->stats);
	const char *name = top_views[state->view].name;
	int rc;

	if (stats && state->stats_before) {
		present_add_rates(stats, state->stats_before);
	}
	rc = json_object_set_new(line, "stats", stats) < 0 ||
			     json_object_set(line, name, state->rows.now) < 0 ||
			     json_dumpf(line, out, JSON_COMPACT) < 0
		     ? -EIO
		     : 0;
	rc = json_reserve_was_short() ? -ENOMEM : rc;
	json_decref(line);
	fputc('\n', out);
	return rc == 0 ? out_finish(out) : rc;
}

static unsigned size_of(const char *name, unsigned usual)
{
	const char *text = getenv(name);
	long size = text ? strtol(text, NULL, 10) : 0;

	return size > 0 && size <= SIZE_MOST ? (unsigned)size : usual;
}
