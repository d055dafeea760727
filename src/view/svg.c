/* svg.c - writes SVG as text.
 *
 * librsvg, which many viewers and our tests use, knows neither CSS variables nor media queries, so
 * each class has its light colour as the rule and its dark one in a media query at the end. No
 * state but the stream. Control thread.
 */
#include "src/view/svg.h"

#include <stdbool.h>
#include <string.h>

#define RADIUS 4.0

/* Classes: a filled shape (b-*), or a text colour (t-*). Keep both halves in the same order. */
static const char light_rules[] = ".bg{fill:#ffffff}"
				  ".b-socket{fill:#eef1f5;stroke:#b9c3d0}"
				  ".b-node{fill:#ffffff;stroke:#8a97a8}"
				  ".b-cache{fill:#f3f5f8;stroke:#d5dbe4}"
				  ".b-local{fill:#c9ead2;stroke:#2f8a4e}"
				  ".b-far{fill:#fcdcb6;stroke:#c26d12}"
				  ".b-free{fill:#dbe8fb;stroke:#5b87c7}"
				  ".b-idle{fill:#ffffff;stroke:#c5cdd8}"
				  ".b-system{fill:#e6def5;stroke:#8768c0}"
				  ".b-barred{fill:#dfe3e8;stroke:#dfe3e8}"
				  ".b-nic{fill:#1f4e79;stroke:#1f4e79}"
				  ".b-guest{fill:none;stroke:#c26d12;stroke-dasharray:4 3}"
				  ".b-load{fill:#2f8a4e;stroke:none}"
				  ".b-quiet{fill:#ffffff;stroke:#8a97a8}"
				  ".b-load1{fill:#e3eefb;stroke:#5b87c7}"
				  ".b-load2{fill:#bfd8f5;stroke:#4574b5}"
				  ".b-load3{fill:#93bdec;stroke:#35629f}"
				  ".b-load4{fill:#6aa2e2;stroke:#244d85}"
				  ".b-losing{fill:#ffd9d3;stroke:#b3261e;stroke-width:3}"
				  ".b-bar{fill:#244d85;stroke:none}"
				  ".t-main{fill:#18202b}"
				  ".t-dim{fill:#566273}"
				  ".t-nic{fill:#ffffff}"
				  ".t-far{fill:#a65608}"
				  ".t-local{fill:#22703c}"
				  ".t-lost{fill:#8c1d18;font-weight:bold}";

static const char dark_rules[] = ".bg{fill:#12161c}"
				 ".b-socket{fill:#1b222b;stroke:#3d4958}"
				 ".b-node{fill:#12161c;stroke:#66758a}"
				 ".b-cache{fill:#1a2029;stroke:#333e4c}"
				 ".b-local{fill:#1d4a2c;stroke:#55b878}"
				 ".b-far{fill:#5c3a10;stroke:#e69a45}"
				 ".b-free{fill:#1d3557;stroke:#6f9bdd}"
				 ".b-idle{fill:#12161c;stroke:#3d4958}"
				 ".b-system{fill:#37294f;stroke:#a58adb}"
				 ".b-barred{fill:#2a313b;stroke:#2a313b}"
				 ".b-nic{fill:#9cc7ee;stroke:#9cc7ee}"
				 ".b-guest{fill:none;stroke:#e69a45;stroke-dasharray:4 3}"
				 ".b-load{fill:#55b878;stroke:none}"
				 ".b-quiet{fill:#12161c;stroke:#66758a}"
				 ".b-load1{fill:#17263b;stroke:#5b87c7}"
				 ".b-load2{fill:#1c375c;stroke:#6f9bdd}"
				 ".b-load3{fill:#234a7d;stroke:#86b1ee}"
				 ".b-load4{fill:#2b5fa1;stroke:#a5c8fa}"
				 ".b-losing{fill:#551712;stroke:#ff8a7a;stroke-width:3}"
				 ".b-bar{fill:#a5c8fa;stroke:none}"
				 ".t-main{fill:#e8edf3}"
				 ".t-dim{fill:#a0adbd}"
				 ".t-nic{fill:#0d1a28}"
				 ".t-far{fill:#f0ad62}"
				 ".t-local{fill:#7fd29b}"
				 ".t-lost{fill:#ffb4a9;font-weight:bold}";

static const double font_px[] = {18, 13, 12, 10};
static const char *const font_class[] = {"f0", "f1", "f2", "f3"};

static void put_text(FILE *out, double x, double y, enum svg_font font, const char *class_name,
		     const char *text, size_t len, const char *tip);
static void put_title(FILE *out, const char *text);
static void put_escaped(FILE *out, const char *text, size_t len);
static double chars_width(enum svg_font font, size_t chars);

void svg_open(FILE *out, double width, double height, const char *title)
{
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\" font-family=\"DejaVu Sans,Verdana,sans-serif\">\n",
		width, height, width, height);
	put_title(out, title);
	fprintf(out,
		"<style>rect{stroke-width:1}text{white-space:pre}"
		".f0{font-size:%gpx;font-weight:bold}.f1{font-size:%gpx;font-weight:bold}"
		".f2{font-size:%gpx}.f3{font-size:%gpx}"
		"%s@media (prefers-color-scheme:dark){%s}</style>\n",
		font_px[0], font_px[1], font_px[2], font_px[3], light_rules, dark_rules);
	fprintf(out, "<rect class=\"bg\" width=\"%.0f\" height=\"%.0f\"/>\n", width, height);
}

void svg_close(FILE *out)
{
	fputs("</svg>\n", out);
}

void svg_box(FILE *out, struct svg_rect rect, const char *class_name, const char *tip)
{
	fprintf(out,
		"<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		"rx=\"%g\"",
		class_name, rect.x, rect.y, rect.w, rect.h, rect.h < 8 ? 1 : RADIUS);
	if (!tip) {
		fputs("/>\n", out);
		return;
	}
	fputc('>', out);
	put_title(out, tip);
	fputs("</rect>\n", out);
}

void svg_text(FILE *out, double x, double y, enum svg_font font, const char *class_name,
	      const char *text)
{
	put_text(out, x, y, font, class_name, text, strlen(text), NULL);
}

void svg_text_fit(FILE *out, struct svg_rect where, enum svg_font font, const char *class_name,
		  const char *text)
{
	size_t len = strlen(text);
	size_t fits = len;

	if (chars_width(font, len) <= where.w) {
		svg_text(out, where.x, where.y, font, class_name, text);
		return;
	}
	while (fits > 1 && chars_width(font, fits + 1) > where.w) {
		fits--;
	}
	put_text(out, where.x, where.y, font, class_name, text, fits, text);
}

double svg_text_width(enum svg_font font, const char *text)
{
	return chars_width(font, strlen(text));
}

static void put_text(FILE *out, double x, double y, enum svg_font font, const char *class_name,
		     const char *text, size_t len, const char *tip)
{
	fprintf(out, "<text class=\"%s %s\" x=\"%.1f\" y=\"%.1f\">", font_class[font], class_name,
		x, y);
	if (tip) {
		put_title(out, tip);
	}
	put_escaped(out, text, len);
	fputs(tip ? "&#8230;</text>\n" : "</text>\n", out);
}

static void put_title(FILE *out, const char *text)
{
	fputs("<title>", out);
	put_escaped(out, text, strlen(text));
	fputs("</title>", out);
}

static void put_escaped(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		switch (c) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		default:
			fputc(c >= ' ' && c < 0x7f ? c : c == '\n' ? '\n' : '?', out);
		}
	}
}

static double chars_width(enum svg_font font, size_t chars)
{
	bool bold = font == SVG_FONT_TITLE || font == SVG_FONT_HEAD;

	return (double)chars * font_px[font] * (bold ? 0.68 : 0.6);
}
