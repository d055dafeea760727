/* top_layout.h - from what `top' knows to a picture of it, of any size.
 *
 * From above: a title, the totals, the views, the heads of columns, rows, keys. Where there are few
 * lines they go one by one until rows alone remain; where there are few columns, those that matter
 * least are left out. Pure, one thread.
 */
#pragma once

#include "src/ctl/top_frame.h"
#include "src/ctl/top_state.h"

#define TOP_NUMBER_BYTES 16

/* Draws into `frame', which is blank; notes in `state' how many rows it has room for, and scrolls
 * no further than to the last row. */
void top_layout_draw(struct top_state *state, struct top_frame *frame);

/* A number in at most six characters: "12.3k"; "-" for NAN. */
void top_layout_number(double value, char text[TOP_NUMBER_BYTES]);
