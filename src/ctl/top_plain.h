/* top_plain.h - what `top' shows where there is no screen.
 *
 * One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "src/ctl/top_state.h"

/* A picture as wide as COLUMNS says, and at most as high as LINES, or one line of JSON: the totals
 * with their rates, and the rows. 0 or -errno. */
int top_plain_print(struct top_state *state, bool json, FILE *out);
