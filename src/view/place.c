/* place.c - where the boxes of a map stand.
 *
 * One rule for every box with children: they flow from left to right and wrap at the width that
 * the box may have, below a head for its own text. Widths are handed down (a page is about as
 * wide as a screen, sockets share it evenly, nodes share a socket), sizes come back up. So a
 * machine with two cores and one with 192 are laid out by the same few lines. Pure. Units: CSS
 * pixels.
 */
#include "src/view/map.h"

#define CORE_WIDTH  52.0
#define CORE_HEIGHT 44.0
#define NIC_WIDTH   190.0
#define NIC_HEIGHT  22.0
#define LIVE_WIDTH  86.0 /* of a core that says what it does */
#define LIVE_HEIGHT 66.0
#define LINK_HEIGHT 36.0 /* of an interface that does */
#define GAP         6.0
#define NODE_MIN    236.0
#define SOCKET_MIN  (NODE_MIN + 16)

static void measure(struct map *map, uint32_t id, double width);
static double core_width(const struct map *map);
static double cache_width(const struct map *map, uint32_t id, double width);
static double share(const struct map *map, uint32_t id, double width);
static uint32_t columns(uint32_t count, uint32_t most);
static uint32_t count_children(const struct map *map, uint32_t id, enum map_kind kind);
static struct svg_rect flow(struct map *map, uint32_t id, double width);
static void even_row(struct map *map, uint32_t first, uint32_t end, double height);
static void stand(struct map *map, uint32_t id, double x, double y);
static double padding(enum map_kind kind);

void map_place(struct map *map, double x, double y, double width)
{
	measure(map, 0, width);
	stand(map, 0, x, y);
}

double map_head_height(enum map_kind kind)
{
	switch (kind) {
	case MAP_SOCKET:
		return 22;
	case MAP_NODE:
		return 52;
	case MAP_CACHE:
		return 15;
	case MAP_PAGE:
	case MAP_CORE:
	case MAP_NIC:
	case MAP_LINK:
	case MAP_GUEST:
		break;
	}
	return 0;
}

static void measure(struct map *map, uint32_t id, double width)
{
	struct map_box *box = &map->boxes[id];
	double pad = padding(box->kind);
	double inner = width - 2 * pad;
	struct svg_rect size;

	if (box->kind == MAP_CORE) {
		box->at.w = core_width(map);
		box->at.h = map->live ? LIVE_HEIGHT : CORE_HEIGHT;
		return;
	}
	if (box->kind == MAP_NIC || box->kind == MAP_LINK || box->kind == MAP_GUEST) {
		box->at.w = inner < NIC_WIDTH ? inner : NIC_WIDTH;
		box->at.h = map->live && box->kind != MAP_GUEST ? LINK_HEIGHT : NIC_HEIGHT;
		return;
	}
	if (box->kind == MAP_CACHE) {
		inner = cache_width(map, id, inner);
	}
	for (uint32_t c = box->first_child; c != MAP_NONE; c = map->boxes[c].next) {
		measure(map, c, share(map, id, inner));
	}
	size = flow(map, id, inner);
	if (box->kind == MAP_NODE && size.w < NODE_MIN - 2 * pad) {
		size.w = NODE_MIN - 2 * pad;
	}
	box->at.w = size.w + 2 * pad;
	box->at.h = size.h + pad + map_head_height(box->kind) + (size.h > 0 ? 0 : -pad / 2);
}

static double core_width(const struct map *map)
{
	return map->live ? LIVE_WIDTH : CORE_WIDTH;
}

/* A cache's cores stand in a block that is wider than high. */
static double cache_width(const struct map *map, uint32_t id, double width)
{
	uint32_t cores = count_children(map, id, MAP_CORE);
	uint32_t most = cores > 32 ? 12 : 8;
	double core = core_width(map);

	while (most > 1 && most * (core + GAP) - GAP > width) {
		most--;
	}
	return columns(cores, most) * (core + GAP) - GAP;
}

/* The width that each child may have. */
static double share(const struct map *map, uint32_t id, double width)
{
	uint32_t cols = 1;

	switch (map->boxes[id].kind) {
	case MAP_PAGE:
		cols = columns(map->socket_count, map->socket_count > 4 ? 4 : 2);
		while (cols > 1 && (width - GAP * (cols - 1)) / cols < SOCKET_MIN) {
			cols--;
		}
		break;
	case MAP_SOCKET:
		cols = columns(count_children(map, id, MAP_NODE), width > 1000 ? 4 : 2);
		while (cols > 1 && (width - GAP * (cols - 1)) / cols < NODE_MIN) {
			cols--;
		}
		break;
	default:
		return width;
	}
	return (width - GAP * (cols - 1)) / cols;
}

/* How many boxes stand side by side: all while they are few, then rows of even length. */
static uint32_t columns(uint32_t count, uint32_t most)
{
	uint32_t rows = (count + most - 1) / most;

	return rows > 1 ? (count + rows - 1) / rows : count ? count : 1;
}

static uint32_t count_children(const struct map *map, uint32_t id, enum map_kind kind)
{
	uint32_t count = 0;

	for (uint32_t c = map->boxes[id].first_child; c != MAP_NONE; c = map->boxes[c].next) {
		count += map->boxes[c].kind == kind;
	}
	return count;
}

/* Lays the children out in rows and returns the size that they need. */
static struct svg_rect flow(struct map *map, uint32_t id, double width)
{
	struct svg_rect size = {0};
	uint32_t row_first = map->boxes[id].first_child;
	double x = 0;
	double y = 0;
	double row = 0;

	for (uint32_t c = row_first; c != MAP_NONE; c = map->boxes[c].next) {
		struct map_box *box = &map->boxes[c];
		bool other_kind = box->kind != map->boxes[row_first].kind;

		if (x > 0 && (x + box->at.w > width + 0.5 || other_kind)) {
			even_row(map, row_first, c, row);
			row_first = c;
			x = 0;
			y += row + GAP;
			row = 0;
		}
		box->at.x = x;
		box->at.y = y;
		x += box->at.w + GAP;
		row = box->at.h > row ? box->at.h : row;
		size.w = x - GAP > size.w ? x - GAP : size.w;
		size.h = y + row;
	}
	even_row(map, row_first, MAP_NONE, row);
	return size;
}

/* Boxes that stand side by side end at the same height, as far as boxes are containers. */
static void even_row(struct map *map, uint32_t first, uint32_t end, double height)
{
	for (uint32_t c = first; c != end; c = map->boxes[c].next) {
		if (map->boxes[c].kind == MAP_SOCKET || map->boxes[c].kind == MAP_NODE) {
			map->boxes[c].at.h = height;
		}
	}
}

/* Turns places within the parent into places on the page. */
static void stand(struct map *map, uint32_t id, double x, double y)
{
	struct map_box *box = &map->boxes[id];
	double pad = padding(box->kind);

	box->at.x = x;
	box->at.y = y;
	for (uint32_t c = box->first_child; c != MAP_NONE; c = map->boxes[c].next) {
		stand(map, c, x + pad + map->boxes[c].at.x,
		      y + map_head_height(box->kind) + map->boxes[c].at.y);
	}
}

static double padding(enum map_kind kind)
{
	return kind == MAP_PAGE ? 0 : kind == MAP_CACHE ? 5 : 8;
}
