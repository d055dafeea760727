/* help.h - the part of --help that a table of options knows.
 *
 * Standard output, one thread.
 */
#pragma once

#include "src/cli/row.h"

/* Prints every group's title and every row, with its default in brackets, within 100 columns. */
void cli_help_print(const struct cli_table *table);

/* One entry as above: `name' to the left, the lines of `help' in their column, `initial', which may
 * be NULL, in brackets. */
void cli_help_print_entry(const char *name, const char *help, const char *initial);
