/* help.c - walks a table of options, so that no option can be missing from --help.
 *
 * What is printed before and behind it is the program's own. Standard output, one thread.
 */
#include "src/cli/help.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 26 /* where the explanations begin */
#define HELP_WIDTH  100

static void print_row(const struct cli_row *row);
static void print_initial(const char *initial, size_t used);

void cli_help_print(const struct cli_table *table)
{
	for (const struct cli_group *const *group = table->groups; *group; group++) {
		printf("\n%s:\n", (*group)->title);
		for (const struct cli_row *row = (*group)->rows; row->name; row++) {
			print_row(row);
		}
	}
}

void cli_help_print_entry(const char *name, const char *help, const char *initial)
{
	const char *line = help;

	printf("  %-*s", HELP_COLUMN - 2, name);
	if (strlen(name) > HELP_COLUMN - 3) {
		printf("\n%*s", HELP_COLUMN, "");
	}
	for (;;) {
		size_t len = strcspn(line, "\n");

		printf("%.*s", (int)len, line);
		if (!line[len]) {
			break;
		}
		printf("\n%*s", HELP_COLUMN, "");
		line += len + 1;
	}
	print_initial(initial, HELP_COLUMN + strlen(line));
}

/* "--name ARG", or "-h, --name ARG". */
static void print_row(const struct cli_row *row)
{
	bool optional = cli_row_arg_optional(row);
	char flag[64];
	int used = snprintf(flag, sizeof(flag), "%s--%s", row->letter ? "-h, " : "", row->name);

	if (row->letter) {
		flag[1] = row->letter;
	}
	if (row->arg) {
		snprintf(flag + used, sizeof(flag) - (size_t)used, optional ? "[=%s]" : " %s",
			 row->arg);
	}
	cli_help_print_entry(flag, row->help, row->initial);
}

/* The default in brackets, on a line of its own where `used' columns leave too little room. */
static void print_initial(const char *initial, size_t used)
{
	if (initial && used + strlen(" []") + strlen(initial) > HELP_WIDTH) {
		printf("\n%*s[%s]", HELP_COLUMN, "", initial);
	} else if (initial) {
		printf(" [%s]", initial);
	}
	printf("\n");
}
