/* row.c - finds rows and commands by their names.
 *
 * Tables are short and are walked from the start each time. Pure, any thread.
 */
#include "src/cli/row.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/base/must.h"
#include "src/cli/nearest.h"

#define COMMANDS_SHOWN_MAX 200

static void list_commands(const struct cli_table *const *commands, char *text);

const struct cli_row *cli_row_at(const struct cli_table *table, size_t position)
{
	for (const struct cli_group *const *group = table->groups; *group; group++) {
		for (const struct cli_row *row = (*group)->rows; row->name; row++) {
			if (position-- == 0) {
				return row;
			}
		}
	}
	return NULL;
}

size_t cli_row_position(const struct cli_table *table, const struct cli_row *row)
{
	const struct cli_row *other;
	size_t position = 0;

	while ((other = cli_row_at(table, position)) != row) {
		must(other != NULL);
		position++;
	}
	must(position < CLI_ROWS_MAX);
	return position;
}

const struct cli_row *cli_row_find(const struct cli_table *table, const char *name, size_t len)
{
	const struct cli_row *row;

	for (size_t i = 0; (row = cli_row_at(table, i)) != NULL; i++) {
		if (strlen(row->name) == len && memcmp(row->name, name, len) == 0) {
			return row;
		}
	}
	return NULL;
}

const struct cli_row *cli_row_find_letter(const struct cli_table *table, char letter)
{
	const struct cli_row *row;

	for (size_t i = 0; (row = cli_row_at(table, i)) != NULL; i++) {
		if (row->letter != 0 && row->letter == letter) {
			return row;
		}
	}
	return NULL;
}

const struct cli_row *cli_row_of_word(const struct cli_table *table, const char *word,
				      const char **value)
{
	size_t len;

	*value = NULL;
	if (word[0] != '-') {
		return NULL;
	}
	if (word[1] != '-') {
		return word[1] && !word[2] ? cli_row_find_letter(table, word[1]) : NULL;
	}
	len = strcspn(word + 2, "=");
	*value = word[2 + len] ? word + 2 + len + 1 : NULL;
	return cli_row_find(table, word + 2, len);
}

const struct cli_row *cli_row_nearest(const struct cli_table *table, const char *name, size_t len)
{
	const struct cli_row *nearest = NULL;
	const struct cli_row *row;
	struct cli_nearest meant = cli_nearest_to(name, len);

	for (size_t i = 0; (row = cli_row_at(table, i)) != NULL; i++) {
		if (cli_nearest_offer(&meant, row->name)) {
			nearest = row;
		}
	}
	return nearest;
}

bool cli_row_arg_optional(const struct cli_row *row)
{
	return row->kind == CLI_FLAG || row->kind == CLI_ACTION;
}

int cli_table_find(const struct cli_table *const *commands, const char *word,
		   const struct cli_table **out, struct err *err)
{
	struct cli_nearest meant = cli_nearest_to(word, strlen(word));
	char all[COMMANDS_SHOWN_MAX];
	const char *nearest = NULL;

	for (const struct cli_table *const *at = commands; *at; at++) {
		if (strcmp((*at)->command, word) == 0) {
			*out = *at;
			return 0;
		}
		nearest = cli_nearest_offer(&meant, (*at)->command) ? (*at)->command : nearest;
	}
	must(commands[0] != NULL);
	list_commands(commands, all);
	err_set(err, "'%.60s': unknown command; expected %s, as %s --help explains; %s%s", word,
		all, commands[0]->program, nearest ? "did you mean " : "write one of them first",
		nearest ? nearest : "");
	return -EINVAL;
}

/* "send or recv": all commands, into `text'. */
static void list_commands(const struct cli_table *const *commands, char *text)
{
	size_t used = 0;

	for (const struct cli_table *const *at = commands; *at && used < COMMANDS_SHOWN_MAX; at++) {
		const char *before = at == commands ? "" : at[1] ? ", " : " or ";

		used += (size_t)snprintf(text + used, COMMANDS_SHOWN_MAX - used, "%s%s", before,
					 (*at)->command);
	}
}
