/* value.h - a row and a text become a value in the program's struct.
 *
 * Pure but for CLI_TEXT, which allocates; any thread.
 */
#pragma once

#include "src/cli/row.h"

/* Stores `value' (NULL: none given) below `into'. -EINVAL with `err' = "WHERE: ..." and `into'
 * unchanged, `where' naming the flag or the line; -ENOMEM with `err'. Not for CLI_CALL. */
int cli_value_set(const struct cli_row *row, void *into, const char *value, const char *where,
		  struct err *err);
