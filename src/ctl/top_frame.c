/* top_frame.c - see top_frame.h.
 *
 * UTF-8 is read and written here and not by the C library, whose conversions stop at what is wrong;
 * only the width of a character is asked of it. Code points of wchar_t are Unicode's with all C
 * libraries of Linux.
 */
#include "src/ctl/top_frame.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *read_code(const char *text, wchar_t *out);
static unsigned shown_width(wchar_t *code);
static struct top_cell *cell_at(const struct top_frame *frame, unsigned line, unsigned column);
static void put_code(struct top_frame *frame, unsigned line, unsigned column, wchar_t code,
		     enum top_style style);
static void combine_code(struct top_frame *frame, unsigned line, unsigned column, wchar_t code);
static const char *skip_cells(const char *text, unsigned cells);

int top_frame_init(struct top_frame *frame, unsigned columns, unsigned lines)
{
	size_t count = (size_t)columns * lines;

	*frame = (struct top_frame){.columns = columns, .lines = lines};
	frame->cells = calloc(count + 1, sizeof(*frame->cells));
	if (!frame->cells) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		frame->cells[i].codes[0] = L' ';
	}
	return 0;
}

void top_frame_free(struct top_frame *frame)
{
	free(frame->cells);
	*frame = (struct top_frame){0};
}

unsigned top_frame_put(struct top_frame *frame, unsigned line, unsigned column, unsigned width,
		       const char *text, bool right, enum top_style style)
{
	unsigned wide = top_frame_width(text), used = 0;
	bool cut = wide > width;

	if (width == 0 || line >= frame->lines) {
		return 0;
	}
	if (right && !cut) {
		column += width - wide;
	}
	if (right && cut) {
		put_code(frame, line, column, L'~', style);
		text = skip_cells(text, wide - width + 1);
		used = 1;
	}
	while (*text) {
		wchar_t code;
		const char *next = read_code(text, &code);
		unsigned cells = shown_width(&code);

		if (cut && !right && used + cells > width - 1) {
			put_code(frame, line, column + used, L'~', style);
			return used + 1;
		}
		if (column + used + cells > frame->columns) {
			return used;
		}
		if (cells > 0) {
			put_code(frame, line, column + used, code, style);
		} else if (used > 0) {
			combine_code(frame, line, column + used - 1, code);
		}
		if (cells == 2) {
			*cell_at(frame, line, column + used + 1) =
				(struct top_cell){.style = style};
		}
		used += cells;
		text = next;
	}
	return used;
}

void top_frame_fill(struct top_frame *frame, unsigned line, enum top_style style)
{
	for (unsigned c = 0; c < frame->columns && line < frame->lines; c++) {
		cell_at(frame, line, c)->style = style;
	}
}

unsigned top_frame_width(const char *text)
{
	unsigned width = 0;

	while (*text) {
		wchar_t code;

		text = read_code(text, &code);
		width += shown_width(&code);
	}
	return width;
}

size_t top_frame_encode(unsigned code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

char *top_frame_text(const struct top_frame *frame, unsigned line)
{
	char *text = malloc((size_t)frame->columns * TOP_CELL_CODES * TOP_CODE_BYTES + 1);
	size_t len = 0;

	if (!text) {
		return NULL;
	}
	for (unsigned c = 0; c < frame->columns; c++) {
		const struct top_cell *cell = cell_at(frame, line, c);

		for (size_t i = 0; i < TOP_CELL_CODES && cell->codes[i]; i++) {
			len += top_frame_encode((unsigned)cell->codes[i], text + len);
		}
	}
	while (len > 0 && text[len - 1] == ' ') {
		len--;
	}
	text[len] = '\0';
	return text;
}

/* The next character, or `?' for a byte that begins none. */
static const char *read_code(const char *text, wchar_t *out)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *at = (const unsigned char *)text;
	unsigned more = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
	uint32_t code = *at & (0x3fu >> more);

	*out = L'?';
	if (*at < 0x80) {
		*out = (wchar_t)*at;
		return text + 1;
	}
	if (*at < 0xc2 || *at > 0xf4) {
		return text + 1;
	}
	for (unsigned i = 1; i <= more; i++) {
		if ((at[i] & 0xc0) != 0x80) {
			return text + 1;
		}
		code = code << 6 | (at[i] & 0x3fu);
	}
	if (code >= least[more] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) {
		*out = (wchar_t)code;
		return text + 1 + more;
	}
	return text + 1;
}

/* What cannot be printed becomes `?'. */
static unsigned shown_width(wchar_t *code)
{
	int width = wcwidth(*code);

	if (width < 0 || *code == 0) {
		*code = L'?';
		width = 1;
	}
	return (unsigned)width;
}

/* NULL: beyond an edge. */
static struct top_cell *cell_at(const struct top_frame *frame, unsigned line, unsigned column)
{
	if (line >= frame->lines || column >= frame->columns) {
		return NULL;
	}
	return &frame->cells[(size_t)line * frame->columns + column];
}

static void put_code(struct top_frame *frame, unsigned line, unsigned column, wchar_t code,
		     enum top_style style)
{
	struct top_cell *cell = cell_at(frame, line, column);

	if (cell) {
		*cell = (struct top_cell){.codes = {code}, .style = style};
	}
}

/* With what stands there, or in the cell before when that is a left half. */
static void combine_code(struct top_frame *frame, unsigned line, unsigned column, wchar_t code)
{
	struct top_cell *cell = cell_at(frame, line, column);

	cell -= !cell->codes[0];
	for (size_t i = 1; i < TOP_CELL_CODES; i++) {
		if (!cell->codes[i]) {
			cell->codes[i] = code;
			return;
		}
	}
}

/* Behind at least so many cells. */
static const char *skip_cells(const char *text, unsigned cells)
{
	for (unsigned passed = 0; *text && passed < cells;) {
		wchar_t code;

		text = read_code(text, &code);
		passed += shown_width(&code);
	}
	return text;
}
