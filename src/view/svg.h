/* svg.h - the few shapes and words of SVG that pictures of plans are made of.
 *
 * Knows nothing of plans. Text is escaped here and nowhere else, so whatever an operator or a
 * topology file called something cannot break the picture. Colours live in the style sheet that
 * svg_open writes, once for light and once for dark surroundings (prefers-color-scheme); shapes
 * name a class. Units: CSS pixels. Errors are found by ferror(out) at the end.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* What a text is for: its size and weight. */
enum svg_font {
	SVG_FONT_TITLE,
	SVG_FONT_HEAD,
	SVG_FONT_BODY,
	SVG_FONT_SMALL
};

struct svg_rect {
	double x, y, w, h;
};

/* Begins a picture with its style sheet and background. */
void svg_open(FILE *out, double width, double height, const char *title);
void svg_close(FILE *out);

/* A rounded rectangle of class `class_name'; with `tip' not NULL it shows that text when pointed
 * at. */
void svg_box(FILE *out, struct svg_rect rect, const char *class_name, const char *tip);

/* A text whose base line begins at x, y. */
void svg_text(FILE *out, double x, double y, enum svg_font font, const char *class_name,
	      const char *text);

/* The same, with what does not fit into `width' cut off and an ellipsis in its place; then the
 * whole text is its tip. */
void svg_text_fit(FILE *out, struct svg_rect where, enum svg_font font, const char *class_name,
		  const char *text);

/* About how wide a text is; the viewer's font decides, so this leans to the wide side. */
double svg_text_width(enum svg_font font, const char *text);
