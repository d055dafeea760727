/* members.h - which machine relays what, for every member, in the plan of any of them.
 *
 * As a table, as JSON and in the picture. Nothing is printed where nothing is shared. Reads only;
 * control thread.
 */
#pragma once

#include "src/view/svg.h"
#include "src/view/view.h"

struct json_t;

/* How many flows each relays and stands by for, and then each flow with both names. */
void view_members_print(const struct view *view, FILE *out);

/* The same as an object; there is a partition. */
struct json_t *view_members_object(const struct view *view);

/* A bar for each member, as long as its part of the flows. Height in CSS pixels, 0 without members;
 * `at' is where it begins. */
double view_members_height(const struct view *view);
void view_members_paint(const struct view *view, struct svg_rect at, FILE *out);
