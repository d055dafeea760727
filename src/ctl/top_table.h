/* top_table.h - the rows of a view in a picture, below the heads of their columns.
 *
 * Columns that have no room go, first those of the highest rank; what room is left over goes to
 * texts. Pure, one thread.
 */
#pragma once

#include "src/ctl/top_frame.h"
#include "src/ctl/top_state.h"

/* `head' is the line of the heads, beyond the picture when there is to be none; from `first' on
 * there are `page' lines for rows. */
void top_table_draw(const struct top_state *state, struct top_frame *frame, unsigned head,
		    unsigned first, unsigned page);
