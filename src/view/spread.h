/* spread.h - how flows are divided, for the printers of a plan, and whose share a source is.
 *
 * Internal to src/view/. Pure but for what is written to `out'.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "src/view/view.h"

#define VIEW_SHARE_TEXT_MAX 32

/* How many shards have a share of the flow; 0: it is not divided by source or CPU. */
uint32_t view_spread_shares(const struct view *view, uint32_t flow);

/* What lets each shard have its own: "filter", "reuseport"; "source join" of a group whose rule
 * names the source; NULL: nothing does, or needs to. */
const char *view_spread_mechanism(const struct view *view, uint32_t flow);

/* ", share 1 of 4", or "" when the flow of `owner', a position in plan->owners, is not divided.
 * Returns `buf', which holds VIEW_SHARE_TEXT_MAX bytes. */
const char *view_spread_text(const struct view *view, uint32_t flow, uint32_t owner, char *buf);

/* Which owner, a position in plan->owners, would get a datagram from view->source by `flow'. */
enum view_asked {
	VIEW_ASKED_NONE,   /* no source was asked for, or it is not the flow's */
	VIEW_ASKED_OWNER,  /* `owner' */
	VIEW_ASKED_ALL,    /* every owner, each for its own outputs */
	VIEW_ASKED_BY_CPU, /* one of them, by the CPU on which it comes in */
};
enum view_asked view_spread_asked(const struct view *view, uint32_t flow, uint32_t *owner);

/* One line for each rule that divides a flow, how it does, and the notes on it. */
void view_spread_print(const struct view *view, FILE *out);

/* Where view->source goes, flow by flow, when it was asked for. */
void view_spread_print_asked(const struct view *view, FILE *out);
