/* picture.c - a plan as a picture: the machine, its shards, its interfaces and who owns what.
 *
 * From top to bottom: what this is, a legend, the machine as nested boxes (map.c says what is
 * inside what, place.c where it stands), an interface in the box of its node and its name in a
 * dashed frame wherever shards of another node own flows of it, a table of ingress interfaces, and,
 * while they are few enough to read, the flows. Reads only; control thread. Units: CSS pixels.
 */
#include "src/view/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/view/fast.h"
#include "src/view/live.h"
#include "src/view/map.h"
#include "src/view/members.h"
#include "src/view/sum.h"
#include "src/view/table.h"
#include "src/view/svg.h"

#define MARGIN     20.0
#define MAP_WIDTH  1360.0
#define WIDTH_MIN  900.0
#define WIDTH_FAST 1060.0 /* at least, with what is relayed in the kernel */
#define MAP_TOP    122.0
#define TEXT_MAX   256

struct painter {
	const struct view *view;
	const struct map *map;
	const struct view_sum *sum;
	const struct view_table *table;
	FILE *out;
};

static void paint_live(const struct painter *p, struct map *map);
static void paint_head(const struct painter *p, double width);
static void describe_fast(const struct painter *p, char *text, size_t room);
static void paint_legend(const struct painter *p, double y);
static void paint_box(const struct painter *p, uint32_t id);
static void paint_socket(const struct painter *p, const struct map_box *box);
static void paint_node(const struct painter *p, const struct map_box *box);
static void paint_node_memory(const struct painter *p, const struct svg_rect *box,
			      const struct topo_node *node, const struct view_sum_node *sum);
static void describe_memory(const struct painter *p, const struct topo_node *node,
			    const struct view_sum_node *sum, char *text);
static void paint_cache(const struct painter *p, const struct map_box *box);
static void paint_core(const struct painter *p, const struct map_box *box);
static void paint_fast(const struct painter *p, const struct map_core *core, struct svg_rect at);
static const char *core_class(const struct map_core *core);
static void paint_nic(const struct painter *p, const struct map_box *box);
static const struct view_table_nic *find_ingress(const struct painter *p, const char *ifname);
static const char *plural(uint32_t count);
static void paint_guest(const struct painter *p, const struct map_box *box);

int view_picture(const struct view *view, FILE *out)
{
	struct map map = {0};
	struct view_sum sum = {0};
	struct view_table table = {0};
	struct painter p = {.view = view, .map = &map, .sum = &sum, .table = &table, .out = out};
	const struct svg_rect *page;
	uint32_t unknown, fast = view_fast_count(view, &unknown);
	double least = fast > 0 ? WIDTH_FAST : WIDTH_MIN;
	double width;
	double below, members;
	int rc = view_sum_build(view, &sum);

	rc = rc ? rc : view_table_build(view, &table);
	rc = rc ? rc : map_build(view, &table, &map);
	if (rc == 0 && view->live) {
		paint_live(&p, &map);
		rc = view_sum_status(out);
	} else if (rc == 0) {
		map_place(&map, MARGIN, MAP_TOP, MAP_WIDTH);
		page = &map.boxes[0].at;
		width = page->w + 2 * MARGIN > least ? page->w + 2 * MARGIN : least;
		below = page->y + page->h + MARGIN;
		members = below + view_table_height(view, &table);
		svg_open(out, width, members + view_members_height(view) + MARGIN,
			 view->topo->source);
		paint_head(&p, width);
		paint_box(&p, 0);
		view_table_paint(view, &table,
				 (struct svg_rect){MARGIN, below, width - 2 * MARGIN, 0}, out);
		view_members_paint(view, (struct svg_rect){MARGIN, members, width - 2 * MARGIN, 0},
				   out);
		svg_close(out);
		rc = view_sum_status(out);
	}
	view_table_free(&table);
	map_free(&map);
	view_sum_free(&sum);
	return rc;
}

/* Without head and tables: who looks at this has these elsewhere. */
static void paint_live(const struct painter *p, struct map *map)
{
	double width = p->view->live->width;
	double top = live_legend_height(width);
	const struct svg_rect *page = &map->boxes[0].at;

	map_place(map, LIVE_MARGIN, top, width - 2 * LIVE_MARGIN);
	width = page->w + 2 * LIVE_MARGIN > width ? page->w + 2 * LIVE_MARGIN : width;
	svg_open(p->out, width, page->y + page->h + LIVE_MARGIN, "what the machine does");
	live_paint_legend(p->view->live, p->out);
	paint_box(p, 0);
	svg_close(p->out);
}

static void paint_head(const struct painter *p, double width)
{
	const struct topo *topo = p->view->topo;
	const struct plan *plan = p->view->plan;
	struct svg_rect at = {MARGIN, 34, width - 2 * MARGIN, 0};
	char text[TEXT_MAX];
	char bytes[VIEW_BYTES_TEXT_MAX];

	svg_text_fit(p->out, at, SVG_FONT_TITLE, "t-main", topo->source);
	snprintf(text, sizeof(text),
		 "%" PRIu32 " socket%s, %" PRIu32 " node%s, %" PRIu32 " core%s, %" PRIu32
		 " CPU%s; %" PRIu32 " shard%s with %s each in %s pages",
		 topo->package_count, plural(topo->package_count), topo->node_count,
		 plural(topo->node_count), topo->core_count, plural(topo->core_count),
		 topo->cpu_count, plural(topo->cpu_count), plan->shard_count,
		 plural(plan->shard_count), view_sum_bytes(p->view->arena_bytes, bytes),
		 arena_huge_name(p->view->page));
	at.y = 56;
	svg_text_fit(p->out, at, SVG_FONT_BODY, "t-main", text);
	snprintf(text, sizeof(text),
		 "%" PRIu32 " flow%s: %" PRIu32 " local, %" PRIu32 " remote, %" PRIu32
		 " whose interface has no known node",
		 plan->flow_count, plural(plan->flow_count), p->sum->flows_local,
		 p->sum->flows_remote, p->sum->flows_unknown);
	describe_fast(p, text + strlen(text), sizeof(text) - strlen(text));
	at.y = 74;
	svg_text_fit(p->out, at, SVG_FONT_BODY, p->sum->flows_remote ? "t-far" : "t-main", text);
	paint_legend(p, 100);
}

static void describe_fast(const struct painter *p, char *text, size_t room)
{
	uint32_t unknown, count = view_fast_count(p->view, &unknown);

	if (count > 0) {
		snprintf(text, room,
			 "; %" PRIu32 " may be relayed in the kernel, %" PRIu32 " on unknown CPUs",
			 count, unknown);
	}
}

static void paint_legend(const struct painter *p, double y)
{
	static const struct {
		const char *class_name;
		const char *text;
	} entries[] = {
		{"b-local", "shard that owns flows"},
		{"b-far", "owns flows of another node"},
		{"b-free", "shard without flows"},
		{"b-system", "left to the system"},
		{"b-idle", "no shard"},
		{"b-barred", "may not be used"},
		{"b-nic", "so many flows in the kernel"},
	};
	uint32_t unknown, fast = view_fast_count(p->view, &unknown);
	size_t count = sizeof(entries) / sizeof(entries[0]) - (fast > 0 ? 0 : 1);
	double x = MARGIN;

	for (size_t i = 0; i < count; i++) {
		svg_box(p->out, (struct svg_rect){x, y - 10, 12, 12}, entries[i].class_name, NULL);
		svg_text(p->out, x + 17, y, SVG_FONT_SMALL, "t-dim", entries[i].text);
		x += 17 + svg_text_width(SVG_FONT_SMALL, entries[i].text) + 16;
	}
}

static void paint_box(const struct painter *p, uint32_t id)
{
	const struct map_box *box = &p->map->boxes[id];

	switch (box->kind) {
	case MAP_PAGE:
		break;
	case MAP_SOCKET:
		paint_socket(p, box);
		break;
	case MAP_NODE:
		paint_node(p, box);
		break;
	case MAP_CACHE:
		paint_cache(p, box);
		break;
	case MAP_CORE:
		paint_core(p, box);
		break;
	case MAP_NIC:
		paint_nic(p, box);
		break;
	case MAP_LINK:
		live_paint_nic(p->view->live->nics[box->index].name,
			       &p->view->live->nics[box->index], "of no known node", box->at,
			       p->out);
		break;
	case MAP_GUEST:
		paint_guest(p, box);
		break;
	}
	for (uint32_t c = box->first_child; c != MAP_NONE; c = p->map->boxes[c].next) {
		paint_box(p, c);
	}
}

static void paint_socket(const struct painter *p, const struct map_box *box)
{
	char text[TEXT_MAX];

	svg_box(p->out, box->at, "b-socket", NULL);
	if (box->os == TOPO_UNKNOWN) {
		snprintf(text, sizeof(text), "%s",
			 p->view->topo->package_count ? "outside the sockets" : "machine");
	} else {
		snprintf(text, sizeof(text), "socket %d", box->os);
	}
	svg_text(p->out, box->at.x + 8, box->at.y + 16, SVG_FONT_BODY, "t-dim", text);
}

static void paint_node(const struct painter *p, const struct map_box *box)
{
	const struct topo *topo = p->view->topo;
	const struct topo_node *node = topo_find_node(topo, box->os);
	const struct view_sum_node *sum = node ? &p->sum->nodes[node - topo->nodes] : NULL;
	char text[TEXT_MAX];
	char bytes[VIEW_BYTES_TEXT_MAX];

	svg_box(p->out, box->at, "b-node", NULL);
	if (!node) {
		svg_text(p->out, box->at.x + 8, box->at.y + 17, SVG_FONT_HEAD, "t-main",
			 "no known node");
		svg_text_fit(p->out,
			     (struct svg_rect){box->at.x + 8, box->at.y + 31, box->at.w - 12, 0},
			     SVG_FONT_SMALL, "t-dim", "virtual, or the firmware does not say");
		return;
	}
	snprintf(text, sizeof(text), "node %d: %s%s%s", node->node_os,
		 node->memory_bytes ? view_sum_bytes(node->memory_bytes, bytes) : "no memory",
		 node->kind[0] ? " " : "", node->kind);
	svg_text_fit(p->out, (struct svg_rect){box->at.x + 8, box->at.y + 17, box->at.w - 12, 0},
		     SVG_FONT_HEAD, "t-main", text);
	snprintf(text, sizeof(text),
		 "%" PRIu32 " CPU%s, %" PRIu32 " shard%s, %" PRIu32 " flow%s in", node->cpu_count,
		 plural(node->cpu_count), sum->shard_count, plural(sum->shard_count),
		 sum->flow_count, plural(sum->flow_count));
	svg_text_fit(p->out, (struct svg_rect){box->at.x + 8, box->at.y + 31, box->at.w - 12, 0},
		     SVG_FONT_SMALL, "t-dim", text);
	paint_node_memory(p, &box->at, node, sum);
}

static void paint_node_memory(const struct painter *p, const struct svg_rect *box,
			      const struct topo_node *node, const struct view_sum_node *sum)
{
	bool is_short =
		sum->need->unused != TOPO_UNKNOWN && (uint64_t)sum->need->unused < sum->need->pages;
	struct svg_rect at = {box->x + 8, box->y + 44, box->w - 12, 0};
	char text[TEXT_MAX];

	describe_memory(p, node, sum, text);
	svg_text_fit(p->out, at, SVG_FONT_SMALL, is_short ? "t-far" : "t-dim", text);
}

/* "62.4 MiB: 32 huge pages, 12 free": what shards take from a node. */
static void describe_memory(const struct painter *p, const struct topo_node *node,
			    const struct view_sum_node *sum, char *text)
{
	char bytes[VIEW_BYTES_TEXT_MAX];
	char unused[VIEW_BYTES_TEXT_MAX];
	int used;

	if (sum->need->arena_count == 0) {
		snprintf(text, TEXT_MAX, "%s",
			 sum->shard_count > 0 ? "its shards take memory from elsewhere"
			 : node->allowed || node->memory_bytes == 0 ? "no memory taken here"
								    : "memory may not be used");
		return;
	}
	used = snprintf(text, TEXT_MAX, "%s",
			view_sum_bytes(sum->need->arena_count * p->view->arena_bytes, bytes));
	if (sum->need->pages == 0) {
		snprintf(text + used, TEXT_MAX - (size_t)used, " for %" PRIu32 " shard%s",
			 sum->need->arena_count, plural(sum->need->arena_count));
	} else if (sum->need->unused == TOPO_UNKNOWN) {
		snprintf(text + used, TEXT_MAX - (size_t)used, ": %" PRIu64 " huge pages",
			 sum->need->pages);
	} else {
		snprintf(text + used, TEXT_MAX - (size_t)used, ": %" PRIu64 " huge pages, %s free",
			 sum->need->pages, view_sum_number(sum->need->unused, unused));
	}
}

static void paint_cache(const struct painter *p, const struct map_box *box)
{
	char text[TEXT_MAX] = "cores";
	char bytes[VIEW_BYTES_TEXT_MAX];

	if (box->os != TOPO_UNKNOWN) {
		snprintf(text, sizeof(text), "cache %s",
			 view_sum_bytes(p->view->topo->l3_bytes[box->os], bytes));
	}
	svg_box(p->out, box->at, "b-cache", NULL);
	svg_text_fit(p->out, (struct svg_rect){box->at.x + 5, box->at.y + 11, box->at.w - 6, 0},
		     SVG_FONT_SMALL, "t-dim", text);
}

static void paint_core(const struct painter *p, const struct map_box *box)
{
	const struct map_core *core = &p->map->cores[box->index];
	struct svg_rect at = box->at;
	char text[TEXT_MAX];

	if (p->view->live && core->shard_count > 0) {
		live_paint_core(core, at, p->out);
		return;
	}
	snprintf(text, sizeof(text),
		 "%" PRIu32 " CPU(s), %d to %d\n%" PRIu32 " shard(s), %" PRIu32
		 " flow(s), load %" PRIu64,
		 core->thread_count, core->cpu_os, core->last_cpu_os, core->shard_count,
		 core->flow_count, core->load);
	svg_box(p->out, at, core_class(core), text);
	paint_fast(p, core, at);
	if (core->shard_count == 0) {
		snprintf(text, sizeof(text), "cpu %d", core->cpu_os);
		svg_text(p->out, at.x + 5, at.y + 24, SVG_FONT_SMALL, "t-dim", text);
		return;
	}
	if (core->shard_count == 1) {
		snprintf(text, sizeof(text), "s%" PRIu32, core->first_shard);
	} else {
		snprintf(text, sizeof(text), "s%" PRIu32 " +%" PRIu32, core->first_shard,
			 core->shard_count - 1);
	}
	svg_text_fit(p->out, (struct svg_rect){at.x + 5, at.y + 14, at.w - 6, 0}, SVG_FONT_HEAD,
		     "t-main", text);
	snprintf(text, sizeof(text), "cpu %d", core->cpu_os);
	svg_text(p->out, at.x + 5, at.y + 25, SVG_FONT_SMALL, "t-dim", text);
	if (core->flow_count > 0) {
		snprintf(text, sizeof(text), "%" PRIu32 " fl.", core->flow_count);
		svg_text(p->out, at.x + 5, at.y + 36, SVG_FONT_SMALL, "t-dim", text);
		svg_box(p->out,
			(struct svg_rect){
				at.x + 1, at.y + at.h - 3,
				(at.w - 2) * (double)core->load / (double)p->map->load_max, 2},
			"b-load", NULL);
	}
}

/* In the corner of a core: how many flows come to its CPUs and may be relayed there. */
static void paint_fast(const struct painter *p, const struct map_core *core, struct svg_rect at)
{
	char text[TEXT_MAX];
	double width;

	if (core->fast_count == 0) {
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu32, core->fast_count);
	width = svg_text_width(SVG_FONT_SMALL, text) + 6;
	at.x += at.w - width - 2;
	snprintf(text, sizeof(text),
		 "%" PRIu32 " flow(s) may be relayed in the kernel here, by interrupts of "
		 "their interface",
		 core->fast_count);
	svg_box(p->out, (struct svg_rect){at.x, at.y + 2, width, 12}, "b-nic", text);
	snprintf(text, sizeof(text), "%" PRIu32, core->fast_count);
	svg_text(p->out, at.x + 3, at.y + 11, SVG_FONT_SMALL, "t-nic", text);
}

static const char *core_class(const struct map_core *core)
{
	if (core->shard_count > 0) {
		return core->far ? "b-far" : core->flow_count > 0 ? "b-local" : "b-free";
	}
	if (!core->allowed) {
		return "b-barred";
	}
	return core->reserved ? "b-system" : "b-idle";
}

static void paint_nic(const struct painter *p, const struct map_box *box)
{
	const struct topo_nic *nic = &p->view->topo->nics[box->index];
	const struct view_table_nic *ingress = find_ingress(p, nic->name);
	struct svg_rect at = {box->at.x + 8, box->at.y + 15, box->at.w - 10, 0};
	char text[TEXT_MAX];

	if (p->view->live) {
		live_paint_nic(nic->name, live_find_nic(p->view->live, nic->name), nic->via,
			       box->at, p->out);
		return;
	}
	snprintf(text, sizeof(text), "%s: %s", nic->name, nic->via);
	svg_box(p->out, box->at, "b-nic", text);
	if (!ingress) {
		snprintf(text, sizeof(text), "%s", nic->name);
	} else if (ingress->far_count > 0) {
		snprintf(text, sizeof(text), "%s: %" PRIu32 " here, %" PRIu32 " away", nic->name,
			 ingress->flow_count - ingress->far_count, ingress->far_count);
	} else {
		snprintf(text, sizeof(text), "%s: %" PRIu32 " flow%s", nic->name,
			 ingress->flow_count, plural(ingress->flow_count));
	}
	svg_text_fit(p->out, at, SVG_FONT_BODY, "t-nic", text);
}

static const struct view_table_nic *find_ingress(const struct painter *p, const char *ifname)
{
	for (uint32_t i = 0; i < p->table->nic_count; i++) {
		if (strcmp(p->table->nics[i].ifname, ifname) == 0) {
			return &p->table->nics[i];
		}
	}
	return NULL;
}

static const char *plural(uint32_t count)
{
	return count == 1 ? "" : "s";
}

static void paint_guest(const struct painter *p, const struct map_box *box)
{
	const struct view_table_guest *guest = &p->table->guests[box->index];
	struct svg_rect at = {box->at.x + 8, box->at.y + 15, box->at.w - 10, 0};
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%" PRIu32 " from %s, node %d", guest->owner_count,
		 guest->ifname[0] ? guest->ifname : "(any)", guest->from_os);
	svg_box(p->out, box->at, "b-guest", text);
	svg_text_fit(p->out, at, SVG_FONT_BODY, "t-far", text);
}
