/* members.c - see members.h. */
#include "src/view/members.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_HEIGHT 24.0
#define ROW_HEIGHT  18.0
#define NAME_WIDTH  180.0
#define BAR_WIDTH   400.0
#define TEXT_MAX    160

/* Flows of one member. */
struct counts {
	uint32_t active, standby;
};

static struct counts count(const struct partition *partition, uint32_t member);
static const char *name_of(const struct partition *partition, uint32_t member);
static int name_width(const struct partition *partition);
static const char *rule_of(const struct view *view, const struct partition_flow *flow);

void view_members_print(const struct view *view, FILE *out)
{
	const struct partition *p = view->partition;
	char text[MEMBER_FLOW_TEXT_MAX];
	int width = p ? name_width(p) : 0;

	if (!p) {
		return;
	}
	fprintf(out, "\n%-*s  RELAYS  STANDS BY  SHARE   list %016" PRIx64 "\n", width, "MEMBER",
		p->members.hash);
	for (uint32_t m = 0; m < p->members.count; m++) {
		struct counts counts = count(p, m);

		fprintf(out, "%-*s  %6" PRIu32 "  %9" PRIu32 "  %4.1f%%%s\n", width, name_of(p, m),
			counts.active, counts.standby,
			p->flow_count > 0 ? 100.0 * counts.active / p->flow_count : 0.0,
			m == p->self ? "   this machine" : "");
	}
	fprintf(out, "\n%-*s  %-*s  OF ALL FLOWS\n", width, "RELAYS", width, "STANDS BY");
	for (uint32_t f = 0; f < p->flow_count; f++) {
		const struct partition_flow *flow = &p->flows[f];

		fprintf(out, "%-*s  %-*s  %s  %s\n", width, name_of(p, flow->rank.first), width,
			name_of(p, flow->rank.second), members_format_flow(&flow->in, text),
			rule_of(view, flow));
	}
}

json_t *view_members_object(const struct view *view)
{
	const struct partition *p = view->partition;
	json_t *members = json_array(), *flows = json_array();
	char hash[17], text[MEMBER_FLOW_TEXT_MAX];

	snprintf(hash, sizeof(hash), "%016" PRIx64, p->members.hash);
	for (uint32_t m = 0; m < p->members.count; m++) {
		struct counts counts = count(p, m);

		json_array_append_new(members, json_pack("{s:s, s:I, s:I}", "member", name_of(p, m),
							 "active", (json_int_t)counts.active,
							 "standby", (json_int_t)counts.standby));
	}
	for (uint32_t f = 0; f < p->flow_count; f++) {
		const struct partition_flow *flow = &p->flows[f];
		const char *second =
			flow->rank.second == MEMBER_NONE ? NULL : name_of(p, flow->rank.second);

		json_array_append_new(
			flows, json_pack("{s:s, s:s, s:s, s:s?}", "rule", rule_of(view, flow),
					 "ingress", members_format_flow(&flow->in, text), "active",
					 name_of(p, flow->rank.first), "standby", second));
	}
	return json_pack("{s:s, s:s, s:o, s:o}", "member", name_of(p, p->self), "hash", hash,
			 "members", members, "flows", flows);
}

double view_members_height(const struct view *view)
{
	return view->partition ? HEAD_HEIGHT + ROW_HEIGHT * view->partition->members.count : 0;
}

void view_members_paint(const struct view *view, struct svg_rect at, FILE *out)
{
	const struct partition *p = view->partition;
	char text[TEXT_MAX];

	if (!p) {
		return;
	}
	snprintf(text, sizeof(text),
		 "%" PRIu32 " machines share %" PRIu32 " flows; list %016" PRIx64, p->members.count,
		 p->flow_count, p->members.hash);
	svg_text(out, at.x, at.y + ROW_HEIGHT, SVG_FONT_BODY, "t-main", text);
	for (uint32_t m = 0; m < p->members.count; m++) {
		struct counts counts = count(p, m);
		double y = at.y + HEAD_HEIGHT + m * ROW_HEIGHT;
		double part = p->flow_count > 0 ? (double)counts.active / p->flow_count : 0;
		struct svg_rect name = {at.x, y + 13, NAME_WIDTH - 10, 0};

		svg_text_fit(out, name, SVG_FONT_BODY, m == p->self ? "t-main" : "t-dim",
			     name_of(p, m));
		svg_box(out, (struct svg_rect){at.x + NAME_WIDTH, y + 3, part * BAR_WIDTH + 1, 12},
			m == p->self ? "b-local" : "b-free", NULL);
		snprintf(text, sizeof(text), "relays %" PRIu32 ", stands by for %" PRIu32 "%s",
			 counts.active, counts.standby, m == p->self ? "; this machine" : "");
		svg_text(out, at.x + NAME_WIDTH + part * BAR_WIDTH + 10, y + 13, SVG_FONT_SMALL,
			 "t-dim", text);
	}
}

static struct counts count(const struct partition *partition, uint32_t member)
{
	struct counts counts = {0};

	for (uint32_t f = 0; f < partition->flow_count; f++) {
		counts.active += partition->flows[f].rank.first == member;
		counts.standby += partition->flows[f].rank.second == member;
	}
	return counts;
}

/* "-": nobody. */
static const char *name_of(const struct partition *partition, uint32_t member)
{
	return member == MEMBER_NONE ? "-" : partition->members.names[member];
}

static int name_width(const struct partition *partition)
{
	size_t width = sizeof("STANDS BY") - 1;

	for (uint32_t m = 0; m < partition->members.count; m++) {
		size_t len = strlen(partition->members.names[m]);

		width = len > width ? len : width;
	}
	return (int)width;
}

static const char *rule_of(const struct view *view, const struct partition_flow *flow)
{
	return view->conf->rules[flow->rule].name;
}
