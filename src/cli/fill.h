/* fill.h - a program's struct while a table of options fills it.
 *
 * First every default, then whatever is given: on the command line (line.h), in files (file.h).
 * One thread.
 */
#pragma once

#include "src/cli/row.h"

struct cli_fill {
	const struct cli_table *table;
	void *into;               /* the program's struct */
	bool given[CLI_ROWS_MAX]; /* by position: not left at its default */
	bool again;               /* files were read before: what has become of one is looked at */
};

/* Begins with every default. `into' holds what rows without a default are to hold, as a rule all
 * zero. 0, or -ENOMEM with `err'. */
int cli_fill_init(struct cli_fill *fill, const struct cli_table *table, void *into,
		  struct err *err);

/* Does what the row says with `value' (NULL: none given) and notes that it was given; `where' names
 * the flag or the line. 0, or as value.h says and the row's call. */
int cli_fill_set(struct cli_fill *fill, const struct cli_row *row, const char *value,
		 const char *where, struct err *err);

/* Whether the option `name', one of the table's, was given. */
bool cli_fill_was_given(const struct cli_fill *fill, const char *name);
