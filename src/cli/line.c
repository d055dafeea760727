/* line.c - the command line's way into a program's struct.
 *
 * An option's value is the next word or stands behind a `='; where it may be left out it stands
 * behind a `=' only. Where a table takes operands, they may stand anywhere, and behind `--' there
 * is nothing else. One thread.
 */
#include "src/cli/line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHERE_BYTES 64

static int allocate(struct cli_line *line, int argc, struct err *err);
static int take_operand(const struct cli_table *table, const char *word, struct cli_line *line,
			struct err *err);
static const struct cli_row *find_row(const struct cli_table *table, const char *word,
				      const char **value, struct err *err);
static void refuse_unknown(const struct cli_table *table, const char *word,
			   const struct cli_row *nearest, struct err *err);
static const char *command_with(const struct cli_table *table, const char *name, size_t len);
static int check_once(const struct cli_line *line, struct err *err);
static int apply(struct cli_fill *fill, const struct cli_pair *pair, unsigned number,
		 struct err *err);
static int check_action(const struct cli_row *row, const struct cli_row **action, struct err *err);

int cli_line_split(const struct cli_table *table, int argc, char **argv, struct cli_line *out,
		   struct err *err)
{
	struct cli_line line = {0};
	bool only_operands = false;
	int rc = allocate(&line, argc, err);

	for (int i = 0; i < argc && rc == 0; i++) {
		struct cli_pair *pair = &line.pairs[line.count];

		if (!only_operands && table->operands && strcmp(argv[i], "--") == 0) {
			only_operands = true;
			continue;
		}
		if (only_operands || cli_line_is_operand(argv[i])) {
			rc = take_operand(table, argv[i], &line, err);
			continue;
		}
		pair->row = find_row(table, argv[i], &pair->value, err);
		if (!pair->row) {
			rc = -EINVAL;
			break;
		}
		line.count++;
		if (pair->value || cli_row_arg_optional(pair->row)) {
			continue;
		}
		if (i + 1 == argc) {
			err_set(err, "--%s: no value follows; expected --%s %s; add it",
				pair->row->name, pair->row->name, pair->row->arg);
			rc = -EINVAL;
		} else {
			pair->value = argv[++i];
		}
	}
	if (rc == 0 && table->once) {
		rc = check_once(&line, err);
	}
	if (rc != 0) {
		cli_line_free(&line);
		return rc;
	}
	*out = line;
	return 0;
}

int cli_line_look(const struct cli_line *line, struct cli_fill *fill, const struct cli_row **out,
		  struct err *err)
{
	const struct cli_pair *winner = NULL;

	for (size_t i = 0; i < line->count; i++) {
		const struct cli_pair *pair = &line->pairs[i];
		int rc;

		if (!(pair->row->flags & CLI_FIRST)) {
			continue;
		}
		rc = apply(fill, pair, 0, err);
		if (rc != 0) {
			return rc;
		}
		if (pair->row->kind == CLI_ACTION &&
		    (!winner || cli_row_position(fill->table, pair->row) <
					cli_row_position(fill->table, winner->row))) {
			winner = pair;
		}
	}
	*out = winner ? winner->row : NULL;
	return winner ? apply(fill, winner, 0, err) : 0;
}

int cli_line_apply(const struct cli_line *line, struct cli_fill *fill, struct err *err)
{
	unsigned stood[CLI_ROWS_MAX] = {0};
	const struct cli_row *action = NULL;
	int rc = 0;

	for (size_t i = 0; i < line->count && rc == 0; i++) {
		const struct cli_pair *pair = &line->pairs[i];

		if (pair->row->flags & CLI_REPEATS) {
			rc = apply(fill, pair, ++stood[cli_row_position(fill->table, pair->row)],
				   err);
		}
	}
	for (size_t i = 0; i < line->count && rc == 0; i++) {
		const struct cli_pair *pair = &line->pairs[i];

		if (!(pair->row->flags & CLI_REPEATS)) {
			rc = check_action(pair->row, &action, err);
			rc = rc == 0 ? apply(fill, pair, 0, err) : rc;
		}
	}
	return rc;
}

bool cli_line_is_operand(const char *word)
{
	return word[0] != '-' || !word[1] || strcmp(word, "--") == 0;
}

void cli_line_free(struct cli_line *line)
{
	free(line->pairs);
	free((void *)line->operands);
	*line = (struct cli_line){0};
}

static int allocate(struct cli_line *line, int argc, struct err *err)
{
	size_t room = argc > 0 ? (size_t)argc : 1;

	line->pairs = calloc(room, sizeof(*line->pairs));
	line->operands = (const char **)calloc(room, sizeof(*line->operands));
	if (!line->pairs || !line->operands) {
		err_set(err,
			"out of memory while reading the command line; free some and try again");
		return -ENOMEM;
	}
	return 0;
}

static int take_operand(const struct cli_table *table, const char *word, struct cli_line *line,
			struct err *err)
{
	if (!table->operands) {
		err_set(err, "'%.80s': unexpected argument; %s", word, table->no_operands);
		return -EINVAL;
	}
	line->operands[line->operand_count++] = word;
	return 0;
}

/* The row that `word' names, and its value when that stands behind a `='; NULL with `err'. */
static const struct cli_row *find_row(const struct cli_table *table, const char *word,
				      const char **value, struct err *err)
{
	const struct cli_row *row = cli_row_of_word(table, word, value);

	if (!row) {
		refuse_unknown(table, word,
			       word[1] == '-'
				       ? cli_row_nearest(table, word + 2, strcspn(word + 2, "="))
				       : cli_row_find(table, word + 1, strlen(word + 1)),
			       err);
	}
	return row;
}

static void refuse_unknown(const struct cli_table *table, const char *word,
			   const struct cli_row *nearest, struct err *err)
{
	int len = (int)strcspn(word, "=");
	const char *other = len > 2 ? command_with(table, word + 2, (size_t)len - 2) : NULL;
	const char *blank = table->command ? " " : "";
	const char *command = table->command ? table->command : "";

	len = len > 60 ? 60 : len;
	if (other) {
		err_set(err,
			"%.*s: belongs to %s %s; expected one of those in %s%s%s --help; leave it "
			"out",
			len, word, table->program, other, table->program, blank, command);
	} else {
		err_set(err, "%.*s: unknown option; expected one of those in %s%s%s --help; %s%s",
			len, word, table->program, blank, command,
			nearest ? "did you mean --" : "check the spelling",
			nearest ? nearest->name : "");
	}
}

/* The command other than this that knows the option `name'; NULL when none does. */
static const char *command_with(const struct cli_table *table, const char *name, size_t len)
{
	for (const struct cli_table *const *at = table->commands; at && *at; at++) {
		if (*at != table && cli_row_find(*at, name, len)) {
			return (*at)->command;
		}
	}
	return NULL;
}

static int check_once(const struct cli_line *line, struct err *err)
{
	for (size_t i = 0; i < line->count; i++) {
		const struct cli_row *row = line->pairs[i].row;

		for (size_t j = 0; j < i && !(row->flags & CLI_REPEATS); j++) {
			if (line->pairs[j].row == row) {
				err_set(err,
					"--%s: stands twice; an option is given once; remove one "
					"of the two",
					row->name);
				return -EINVAL;
			}
		}
	}
	return 0;
}

/* `number' is which of its name the option is; 0 when there can be only one. */
static int apply(struct cli_fill *fill, const struct cli_pair *pair, unsigned number,
		 struct err *err)
{
	char where[WHERE_BYTES];

	if (number > 0) {
		snprintf(where, sizeof(where), "--%s %u", pair->row->name, number);
	} else {
		snprintf(where, sizeof(where), "--%s", pair->row->name);
	}
	return cli_fill_set(fill, pair->row, pair->value, where, err);
}

/* `*action' is the action before `row', and then `row' when that is one. */
static int check_action(const struct cli_row *row, const struct cli_row **action, struct err *err)
{
	if (row->kind != CLI_ACTION) {
		return 0;
	}
	if (*action && *action != row) {
		err_set(err, "--%s: comes with --%s; one run does one of the two; remove one",
			row->name, (*action)->name);
		return -EINVAL;
	}
	*action = row;
	return 0;
}
