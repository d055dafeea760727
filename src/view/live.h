/* live.h - how shards and interfaces look by what they do at present.
 *
 * Internal to picture.c. Colour says how loaded something is, in four steps, and whether it loses
 * datagrams; each says so in words and numbers as well. Pure but for what is written to `out'.
 * Units: CSS pixels.
 */
#pragma once

#include <stdio.h>

#include "src/view/map.h"
#include "src/view/svg.h"
#include "src/view/view.h"

#define LIVE_MARGIN        6.0
#define LIVE_RATE_TEXT_MAX 16

/* What a picture has above its map, and how high that is where the picture is `width' wide. */
void live_paint_legend(const struct view_live *live, FILE *out);
double live_legend_height(double width);

/* A core that has shards. */
void live_paint_core(const struct map_core *core, struct svg_rect at, FILE *out);

/* An interface, of which `via' tells how its node was found; `item' is NULL where no rule uses it.
 */
void live_paint_nic(const char *name, const struct view_live_item *item, const char *via,
		    struct svg_rect at, FILE *out);
const struct view_live_item *live_find_nic(const struct view_live *live, const char *name);

/* "0", "<0.1", "0.3", "12", "4.7k", "13M"; in `buf' of LIVE_RATE_TEXT_MAX bytes, where needed. */
const char *live_rate(double per_s, char *buf);
