/* top_frame.h - a picture of cells, as a terminal has them.
 *
 * Text is UTF-8 as it is known to be here, or any bytes: what is no character, or none that can be
 * printed, is `?'. A character takes the cells that the C library says it does, so setlocale comes
 * first. Whatever lies beyond an edge is left out. Pure, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

enum top_style {
	TOP_STYLE_PLAIN,
	TOP_STYLE_TITLE,  /* the bar at the top, and that at the bottom */
	TOP_STYLE_CHOSEN, /* among others: the view, the column that is sorted by */
	TOP_STYLE_HEAD,   /* of columns */
	TOP_STYLE_DIM,    /* of no interest now */
	TOP_STYLE_GOOD,
	TOP_STYLE_WARN,
	TOP_STYLE_BAD,
	TOP_STYLE_COUNT,
};

#define TOP_CELL_CODES 3

struct top_cell {
	wchar_t codes[TOP_CELL_CODES]; /* a character and what combines with it; 0: the right
					* half of the cell to the left */
	enum top_style style;
};

struct top_frame {
	unsigned columns, lines;
	struct top_cell *cells; /* line by line */
};

/* All blank. 0 or -ENOMEM. */
int top_frame_init(struct top_frame *frame, unsigned columns, unsigned lines);
void top_frame_free(struct top_frame *frame);

/* Puts `text' into the `width' cells from `column' on, to the left or to the right of them; what is
 * too long ends in `~', on the left where it stands to the right. Returns how many cells it took.
 */
unsigned top_frame_put(struct top_frame *frame, unsigned line, unsigned column, unsigned width,
		       const char *text, bool right, enum top_style style);

/* Gives a whole line a style. */
void top_frame_fill(struct top_frame *frame, unsigned line, enum top_style style);

/* How many cells `text' takes. */
unsigned top_frame_width(const char *text);

/* A character as UTF-8; how many bytes. */
#define TOP_CODE_BYTES 4
size_t top_frame_encode(unsigned code, char *out);

/* The line as UTF-8 without blanks at the end; to be freed. NULL: out of memory. */
char *top_frame_text(const struct top_frame *frame, unsigned line);
