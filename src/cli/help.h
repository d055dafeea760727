/* help.h - the part of --help that a table of options knows.
 *
 * Standard output, one thread.
 */
#pragma once

#include "src/cli/row.h"

/* Prints every group's title and every row, with its default in brackets, within 100 columns. */
void cli_help_print(const struct cli_table *table);
