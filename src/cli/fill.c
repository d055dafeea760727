/* fill.c - defaults first, then one option at a time.
 *
 * Defaults are text and are read by the same code as arguments, so that help cannot differ from
 * what happens. One thread.
 */
#include "src/cli/fill.h"

#include <errno.h>
#include <string.h>

#include "src/base/must.h"
#include "src/cli/value.h"

int cli_fill_init(struct cli_fill *fill, const struct cli_table *table, void *into, struct err *err)
{
	const struct cli_row *row;

	*fill = (struct cli_fill){.table = table, .into = into};
	for (size_t i = 0; (row = cli_row_at(table, i)) != NULL; i++) {
		int rc;

		must(i < CLI_ROWS_MAX);
		if (!row->initial) {
			continue;
		}
		rc = cli_value_set(row, into, row->initial, row->name, err);
		must(rc == 0 || rc == -ENOMEM);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

int cli_fill_set(struct cli_fill *fill, const struct cli_row *row, const char *value,
		 const char *where, struct err *err)
{
	int rc = row->kind == CLI_CALL ? row->call(fill, value, where, err)
				       : cli_value_set(row, fill->into, value, where, err);

	if (rc == 0) {
		fill->given[cli_row_position(fill->table, row)] = true;
	}
	return rc;
}

bool cli_fill_was_given(const struct cli_fill *fill, const char *name)
{
	const struct cli_row *row = cli_row_find(fill->table, name, strlen(name));

	must(row != NULL);
	return fill->given[cli_row_position(fill->table, row)];
}
