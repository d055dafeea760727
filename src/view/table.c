/* table.c - counts flows by interface and writes tables into a picture.
 *
 * One entry for each owner of each flow is sorted by (interface, node of the shard); runs in that
 * order are the interfaces and, where the node is another one, the guests. Pure but for painting.
 */
#include "src/view/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/view/fast.h"
#include "src/view/spread.h"
#include "src/view/sum.h"

#define LINE     18.0
#define TEXT_MAX 256

/* An owner of a flow. */
struct entry {
	const struct view_flow *flow;
	uint32_t number; /* of the flow */
	int to_os;       /* node of the shard */
	bool far;        /* another one than the interface's */
	bool first;      /* stands for its flow where flows are counted */
	bool flow_far;   /* any owner of the flow is far */
};

static struct entry *list_entries(const struct view *view, uint32_t count);
static void list_flow(const struct view *view, uint32_t flow, struct entry *entries);
static int compare_entries(const void *left, const void *right);
static void count_entry(struct view_table *table, const struct entry *entry, bool new_nic,
			bool new_node);
static double paint_nics(const struct view *view, const struct view_table *table,
			 struct svg_rect at, FILE *out);
static bool shows_flows(const struct view *view);
static void paint_flows(const struct view *view, struct svg_rect at, FILE *out);
static void paint_flow(const struct view *view, uint32_t flow, uint32_t owner, struct svg_rect at,
		       FILE *out);
static double width_of_why(const struct view *view);
static void describe_why(const struct view *view, uint32_t flow, uint32_t owner,
			 char why[TEXT_MAX]);
static void paint_row(FILE *out, struct svg_rect at, const double *widths, const char *const *texts,
		      const char *class_name);

int view_table_build(const struct view *view, struct view_table *out)
{
	uint32_t count = view->plan->first_owner[view->plan->flow_count];
	struct entry *entries = list_entries(view, count);
	struct view_table table = {0};

	table.nics = calloc((size_t)count + 1, sizeof(table.nics[0]));
	table.guests = calloc((size_t)count + 1, sizeof(table.guests[0]));
	if (!entries || !table.nics || !table.guests) {
		free(entries);
		view_table_free(&table);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		bool new_nic =
			i == 0 || strcmp(entries[i - 1].flow->ifname, entries[i].flow->ifname) != 0;
		bool new_node = i == 0 || entries[i - 1].to_os != entries[i].to_os;

		count_entry(&table, &entries[i], new_nic, new_node);
	}
	free(entries);
	*out = table;
	return 0;
}

double view_table_height(const struct view *view, const struct view_table *table)
{
	double height = table->nic_count > 0 ? (table->nic_count + 2) * LINE : 0;

	if (shows_flows(view)) {
		uint32_t owners = view->plan->first_owner[view->plan->flow_count];

		height += (owners + 2) * LINE;
	}
	return height;
}

void view_table_paint(const struct view *view, const struct view_table *table, struct svg_rect at,
		      FILE *out)
{
	if (table->nic_count > 0) {
		at.y = paint_nics(view, table, at, out);
	}
	if (shows_flows(view)) {
		paint_flows(view, at, out);
	}
}

void view_table_free(struct view_table *table)
{
	free(table->nics);
	free(table->guests);
	memset(table, 0, sizeof(*table));
}

static struct entry *list_entries(const struct view *view, uint32_t count)
{
	struct entry *entries = calloc((size_t)count + 1, sizeof(*entries));

	for (uint32_t flow = 0; entries && flow < view->plan->flow_count; flow++) {
		list_flow(view, flow, entries);
	}
	if (entries) {
		qsort(entries, count, sizeof(*entries), compare_entries);
	}
	return entries;
}

static void list_flow(const struct view *view, uint32_t flow, struct entry *entries)
{
	const struct plan *plan = view->plan;
	uint32_t first = plan->first_owner[flow];

	for (uint32_t i = first; i < plan->first_owner[flow + 1]; i++) {
		uint32_t shard = plan->owners[i].shard;

		entries[i].flow = &view->flows[flow];
		entries[i].number = flow;
		entries[i].to_os = plan->shards[shard].home_os;
		entries[i].far = view_sum_place(view, flow, shard) == VIEW_PLACE_REMOTE;
		entries[i].first = i == first;
		entries[first].flow_far |= entries[i].far;
	}
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left;
	const struct entry *b = right;
	int order = strcmp(a->flow->ifname, b->flow->ifname);

	order = order ? order : (a->to_os > b->to_os) - (a->to_os < b->to_os);
	return order ? order : (a->number > b->number) - (a->number < b->number);
}

static void count_entry(struct view_table *table, const struct entry *entry, bool new_nic,
			bool new_node)
{
	struct view_table_nic *nic;

	table->nic_count += new_nic;
	nic = &table->nics[table->nic_count - 1];
	nic->ifname = entry->flow->ifname;
	nic->node_os = entry->flow->node_os;
	nic->flow_count += entry->first;
	nic->far_count += entry->first && entry->flow_far;
	if (entry->far) {
		struct view_table_guest *guest;

		table->guest_count += new_nic || new_node;
		guest = &table->guests[table->guest_count - 1];
		guest->ifname = entry->flow->ifname;
		guest->from_os = entry->flow->node_os;
		guest->to_os = entry->to_os;
		guest->owner_count++;
	}
}

static double paint_nics(const struct view *view, const struct view_table *table,
			 struct svg_rect at, FILE *out)
{
	static const double widths[] = {170, 70, 90, 90, 90, 250};
	static const char *const head[] = {"interface", "node",     "flows", "local",
					   "remote",    "found by", NULL};

	at.y += LINE;
	paint_row(out, at, widths, head, "t-dim");
	for (uint32_t i = 0; i < table->nic_count; i++) {
		const struct view_table_nic *nic = &table->nics[i];
		const struct topo_nic *known = topo_find_nic(view->topo, nic->ifname);
		char node[VIEW_BYTES_TEXT_MAX];
		char all[VIEW_BYTES_TEXT_MAX];
		char near[VIEW_BYTES_TEXT_MAX];
		char far[VIEW_BYTES_TEXT_MAX];
		uint32_t near_count = nic->flow_count - nic->far_count;
		bool placed = nic->node_os != TOPO_UNKNOWN;
		const char *texts[] = {nic->ifname[0] ? nic->ifname : "(any)",
				       view_sum_number(nic->node_os, node),
				       view_sum_number(nic->flow_count, all),
				       placed ? view_sum_number(near_count, near) : "?",
				       placed ? view_sum_number(nic->far_count, far) : "?",
				       known ? known->via : "not in this topology",
				       NULL};

		at.y += LINE;
		paint_row(out, at, widths, texts, nic->far_count ? "t-far" : "t-main");
	}
	return at.y + LINE;
}

static bool shows_flows(const struct view *view)
{
	return view->plan->flow_count > 0 && view->plan->flow_count <= PLAN_TABLE_FLOWS_MAX;
}

static void paint_flows(const struct view *view, struct svg_rect at, FILE *out)
{
	const double why_width = width_of_why(view);
	const double rest = at.w - 120 - 60 - 60 - 190 - why_width;
	const double widths[] = {120, rest, 60, 60, 190, why_width};
	static const char *const head[] = {"rule", "flow", "node", "outputs", "owner", "why", NULL};
	const struct plan *plan = view->plan;

	at.y += LINE;
	paint_row(out, at, widths, head, "t-dim");
	for (uint32_t flow = 0; flow < plan->flow_count; flow++) {
		for (uint32_t i = plan->first_owner[flow]; i < plan->first_owner[flow + 1]; i++) {
			at.y += LINE;
			paint_flow(view, flow, i, at, out);
		}
	}
}

static void paint_flow(const struct view *view, uint32_t flow, uint32_t owner, struct svg_rect at,
		       FILE *out)
{
	const double why_width = width_of_why(view);
	const double rest = at.w - 120 - 60 - 60 - 190 - why_width;
	const double widths[] = {120, rest, 60, 60, 190, why_width};
	const struct view_flow *f = &view->flows[flow];
	const struct plan_owner *by = &view->plan->owners[owner];
	const struct plan_shard *shard = &view->plan->shards[by->shard];
	enum view_place place = view_sum_place(view, flow, by->shard);
	bool again = owner > view->plan->first_owner[flow];
	char node[VIEW_BYTES_TEXT_MAX];
	char outputs[VIEW_BYTES_TEXT_MAX];
	char home[VIEW_BYTES_TEXT_MAX];
	char text[TEXT_MAX];
	char why[TEXT_MAX];
	const char *texts[] = {again ? "" : f->name,
			       again ? "" : f->ingress,
			       again ? "" : view_sum_number(f->node_os, node),
			       again ? "" : view_sum_number(f->output_count, outputs),
			       text,
			       why,
			       NULL};

	describe_why(view, flow, owner, why);
	snprintf(text, sizeof(text), "s%" PRIu32 " on cpu %d, node %s", by->shard, shard->cpu_os,
		 view_sum_number(shard->home_os, home));
	paint_row(out, at, widths, texts,
		  place == VIEW_PLACE_REMOTE  ? "t-far"
		  : place == VIEW_PLACE_LOCAL ? "t-local"
					      : "t-main");
}

/* CPUs in the kernel take more words. */
static double width_of_why(const struct view *view)
{
	uint32_t unknown;

	return view_fast_count(view, &unknown) > 0 ? 330 : 200;
}

/* Why this owner, its share, and whether the source that was asked for is among it. */
static void describe_why(const struct view *view, uint32_t flow, uint32_t owner, char why[TEXT_MAX])
{
	char share[VIEW_SHARE_TEXT_MAX], source[ADDR_TEXT_MAX] = "";
	char fast[VIEW_FAST_TEXT_MAX];
	uint32_t its_owner;
	bool its =
		view_spread_asked(view, flow, &its_owner) == VIEW_ASKED_OWNER && its_owner == owner;

	if (its) {
		addr_format(view->source, source);
	}
	snprintf(why, TEXT_MAX, "%s%s%s%s%s%s", view_fast_text(&view->flows[flow], fast),
		 view->flows[flow].fast ? "; " : "", plan_why_name(view->plan->owners[owner].why),
		 view_spread_text(view, flow, owner, share), its ? ": " : "", source);
}

/* A row of texts; `widths' are those of the columns. */
static void paint_row(FILE *out, struct svg_rect at, const double *widths, const char *const *texts,
		      const char *class_name)
{
	for (uint32_t i = 0; texts[i]; i++) {
		svg_text_fit(out, (struct svg_rect){at.x, at.y, widths[i] - 8, 0}, SVG_FONT_BODY,
			     class_name, texts[i]);
		at.x += widths[i];
	}
}
