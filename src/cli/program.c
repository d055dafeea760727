/* program.c - see program.h.
 *
 * Which word is the command hangs on which options before it take the next word for a value; any
 * command's table may say so, since options of one name are alike in all. An option that none
 * knows has no command behind it, so that it is what is refused. One thread.
 */
#include "src/cli/program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int find_command(const struct cli_program *program, int argc, char **argv);
static const struct cli_row *find_row(const struct cli_table *const *tables, const char *word,
				      bool *out_takes_next);
static int collect(const struct cli_program *program, int argc, char **argv, int command,
		   char **words);
static int read_words(const struct cli_table *table, int count, char **words, void *into,
		      struct cli_given *given, struct err *err);

int cli_program_read(const struct cli_program *program, int argc, char **argv, void *into,
		     struct cli_given *out, struct err *err)
{
	char **words = (char **)calloc((size_t)argc + 1, sizeof(*words));
	int command = find_command(program, argc, argv), count = 0, rc = 0;
	struct cli_given given = {0};

	if (!words) {
		err_set(err, "out of memory while reading the command line; free some and try "
			     "again");
		return -ENOMEM;
	}
	if (command < argc) {
		rc = cli_table_find(program->commands, argv[command], &given.table, err);
	}
	if (rc == 0) {
		count = collect(program, argc, argv, command, words);
	}
	if (rc == 0 && command >= argc && count == 0) {
		err_set(err, "no command is given; expected %s; see %s --help", program->expected,
			program->look->program);
		rc = -EINVAL;
	}
	if (rc == 0) {
		rc = read_words(given.table ? given.table : program->look, count, words, into,
				&given, err);
	}
	free((void *)words);
	if (rc == 0) {
		*out = given;
	}
	return rc;
}

/* Its place in `argv'; `argc' when there is none. */
static int find_command(const struct cli_program *program, int argc, char **argv)
{
	const struct cli_table *const look[] = {program->look, NULL};
	bool takes_next;

	for (int i = 1; i < argc; i++) {
		if (cli_line_is_operand(argv[i])) {
			return i;
		}
		if (!find_row(program->commands, argv[i], &takes_next) &&
		    !find_row(look, argv[i], &takes_next)) {
			break;
		}
		i += takes_next;
	}
	return argc;
}

/* In the first of `tables' that has it. */
static const struct cli_row *find_row(const struct cli_table *const *tables, const char *word,
				      bool *out_takes_next)
{
	for (; *tables; tables++) {
		const char *value;
		const struct cli_row *row = cli_row_of_word(*tables, word, &value);

		if (row) {
			*out_takes_next = !value && !cli_row_arg_optional(row);
			return row;
		}
	}
	return NULL;
}

/* All words but the command. Without one, what only a command would take is left out, and what is
 * to be looked at remains, and what nobody knows. How many there are. */
static int collect(const struct cli_program *program, int argc, char **argv, int command,
		   char **words)
{
	const struct cli_table *const look[] = {program->look, NULL};
	int count = 0;

	for (int i = 1; i < argc; i++) {
		bool takes_next = false;

		if (command == argc && !find_row(look, argv[i], &takes_next) &&
		    find_row(program->commands, argv[i], &takes_next)) {
			i += takes_next;
		} else if (i != command) {
			words[count++] = argv[i];
		}
	}
	return count;
}

static int read_words(const struct cli_table *table, int count, char **words, void *into,
		      struct cli_given *given, struct err *err)
{
	const struct cli_row *shown = NULL;
	struct cli_fill fill;
	int rc = cli_fill_init(&fill, table, into, err);

	if (rc == 0) {
		rc = cli_line_split(table, count, words, &given->line, err);
	}
	if (rc == 0) {
		rc = cli_line_look(&given->line, &fill, &shown, err);
	}
	if (rc == 0 && !shown) {
		rc = cli_line_apply(&given->line, &fill, err);
	}
	if (rc != 0) {
		cli_line_free(&given->line);
	}
	given->looks = shown != NULL;
	return rc;
}
