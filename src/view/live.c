/* live.c - colours and words for what shards and interfaces do at present; see live.h. */
#include "src/view/live.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define TEXT_MAX     256
#define LINE         12.0
#define LEGEND_LINE  17.0
#define LEGEND_FIRST 16.0 /* base line */
#define BAR          4.0

static const struct {
	const char *class_name;
	const char *text;
} legend[] = {
	{"b-quiet", "no traffic"}, {"b-load1", "load to 25 %"},    {"b-load2", "to 50 %"},
	{"b-load3", "to 75 %"},    {"b-load4", "above"},           {"b-losing", "loses datagrams"},
	{"b-idle", "no shard"},    {"b-system", "for the system"}, {"b-barred", "not ours"},
};

static double lay_legend(double width, FILE *out);
static const char *item_class(const struct view_live_item *item);
static void describe(const struct view_live_item *item, char *text, size_t len);
static void paint_lines(const struct view_live_item *item, struct svg_rect at, FILE *out);
static void paint_bar(double load, struct svg_rect at, FILE *out);

void live_paint_legend(const struct view_live *live, FILE *out)
{
	char text[TEXT_MAX];
	double y = lay_legend(live->width, out);

	snprintf(text, sizeof(text), "datagrams a second, mean of the last %.1f s", live->window_s);
	svg_text_fit(
		out,
		(struct svg_rect){LIVE_MARGIN, y + LEGEND_LINE, live->width - 2 * LIVE_MARGIN, 0},
		SVG_FONT_SMALL, "t-dim", text);
}

double live_legend_height(double width)
{
	return lay_legend(width, NULL) + LEGEND_LINE + 8;
}

void live_paint_core(const struct map_core *core, struct svg_rect at, FILE *out)
{
	const struct view_live_item *live = &core->live;
	char words[TEXT_MAX];
	char text[TEXT_MAX * 2];
	int used;

	describe(live, words, sizeof(words));
	snprintf(text, sizeof(text),
		 "CPU %d\n%" PRIu32 " shard(s), from %" PRIu32 "; %" PRIu32 " flow(s)%s\n%s",
		 core->cpu_os, core->shard_count, core->first_shard, core->flow_count,
		 core->far ? ", some of another node" : "", words);
	svg_box(out, at, item_class(live), text);
	used = snprintf(text, sizeof(text), "s%" PRIu32, core->first_shard);
	if (core->shard_count > 1) {
		used += snprintf(text + used, sizeof(text) - (size_t)used, "+%" PRIu32,
				 core->shard_count - 1);
	}
	if (live->load >= 0) {
		snprintf(text + used, sizeof(text) - (size_t)used, " %.0f%%", live->load * 100);
	}
	svg_text_fit(out, (struct svg_rect){at.x + 6, at.y + 15, at.w - 8, 0}, SVG_FONT_HEAD,
		     "t-main", text);
	paint_lines(live, (struct svg_rect){at.x + 6, at.y + 15 + LINE, at.w - 8, 0}, out);
	paint_bar(live->load, at, out);
}

void live_paint_nic(const char *name, const struct view_live_item *item, const char *via,
		    struct svg_rect at, FILE *out)
{
	static const struct view_live_item unused = {.load = -1};
	const struct view_live_item *live = item ? item : &unused;
	const char *shown = name[0] ? name : "(any)";
	struct svg_rect line = {at.x + 6, at.y + 27, at.w - 8, 0};
	char words[TEXT_MAX];
	char text[TEXT_MAX * 2];

	describe(live, words, sizeof(words));
	snprintf(text, sizeof(text), "%s: %s\n%s", shown, via, item ? words : "in no rule");
	svg_box(out, at, item_class(live), text);
	if (live->load >= 0) {
		snprintf(text, sizeof(text), "%s %.0f%%", shown, live->load * 100);
	} else {
		snprintf(text, sizeof(text), "%s", shown);
	}
	svg_text_fit(out, (struct svg_rect){at.x + 6, at.y + 15, at.w - 8, 0}, SVG_FONT_BODY,
		     "t-main", text);
	svg_text_fit(out, line, SVG_FONT_SMALL, live->lost_per_s > 0 ? "t-lost" : "t-main",
		     item ? words : "in no rule");
	paint_bar(live->load, at, out);
}

const struct view_live_item *live_find_nic(const struct view_live *live, const char *name)
{
	for (uint32_t i = 0; i < live->nic_count; i++) {
		if (strcmp(live->nics[i].name, name) == 0) {
			return &live->nics[i];
		}
	}
	return NULL;
}

const char *live_rate(double per_s, char *buf)
{
	static const char *const units[] = {"", "k", "M", "G"};
	double value = per_s;
	unsigned unit = 0;

	if (per_s > 0 && per_s < 0.05) {
		return "<0.1";
	}
	while (value >= 999.5 && unit < 3) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, LIVE_RATE_TEXT_MAX, value > 0 && value < 9.95 ? "%.1f%s" : "%.0f%s", value,
		 units[unit]);
	return buf;
}

/* Returns the last base line; `out' may be NULL. */
static double lay_legend(double width, FILE *out)
{
	double x = LIVE_MARGIN, y = LEGEND_FIRST;

	for (size_t i = 0; i < sizeof(legend) / sizeof(legend[0]); i++) {
		double entry = 17 + svg_text_width(SVG_FONT_SMALL, legend[i].text) + 14;

		if (x > LIVE_MARGIN && x + entry > width) {
			x = LIVE_MARGIN;
			y += LEGEND_LINE;
		}
		if (out) {
			svg_box(out, (struct svg_rect){x + 1, y - 10, 12, 12}, legend[i].class_name,
				NULL);
			svg_text(out, x + 18, y, SVG_FONT_SMALL, "t-dim", legend[i].text);
		}
		x += entry;
	}
	return y;
}

static const char *item_class(const struct view_live_item *item)
{
	static const char *const steps[] = {"b-load1", "b-load2", "b-load3", "b-load4"};
	int step = item->load < 0 ? 0 : (int)(item->load * 4);

	if (item->lost_per_s > 0) {
		return "b-losing";
	}
	if (item->in_per_s + item->out_per_s <= 0) {
		return "b-quiet";
	}
	return steps[step < 3 ? step : 3];
}

/* "lost 3/s, in 12k/s, out 24k/s", what is lost first, since the end may be cut off. */
static void describe(const struct view_live_item *item, char *text, size_t len)
{
	char in[LIVE_RATE_TEXT_MAX], out[LIVE_RATE_TEXT_MAX], lost[LIVE_RATE_TEXT_MAX];
	int used = 0;

	if (item->lost_per_s > 0) {
		used = snprintf(text, len, "lost %s, ", live_rate(item->lost_per_s, lost));
	}
	snprintf(text + used, len - (size_t)used, "in %s, out %s", live_rate(item->in_per_s, in),
		 live_rate(item->out_per_s, out));
}

/* One below the other. */
static void paint_lines(const struct view_live_item *item, struct svg_rect at, FILE *out)
{
	char rate[LIVE_RATE_TEXT_MAX];
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "in %s", live_rate(item->in_per_s, rate));
	svg_text_fit(out, at, SVG_FONT_SMALL, "t-main", text);
	at.y += LINE;
	snprintf(text, sizeof(text), "out %s", live_rate(item->out_per_s, rate));
	svg_text_fit(out, at, SVG_FONT_SMALL, "t-main", text);
	if (item->lost_per_s > 0) {
		at.y += LINE;
		snprintf(text, sizeof(text), "lost %s", live_rate(item->lost_per_s, rate));
		svg_text_fit(out, at, SVG_FONT_SMALL, "t-lost", text);
	}
}

/* How loaded it is, once more, at the lower edge. */
static void paint_bar(double load, struct svg_rect at, FILE *out)
{
	double part = load < 0 ? 0 : load > 1 ? 1 : load;

	if (part * (at.w - 4) >= 1) {
		svg_box(out,
			(struct svg_rect){at.x + 2, at.y + at.h - BAR - 2, (at.w - 4) * part, BAR},
			"b-bar", NULL);
	}
}
