/* line.h - the words of a command line.
 *
 * In three steps: split them, look at what wins over everything else (--help), apply the rest. The
 * words stay the caller's. One thread.
 */
#pragma once

#include "src/cli/fill.h"

/* An option as it stood on the command line. */
struct cli_pair {
	const struct cli_row *row;
	const char *value; /* NULL: none */
};

struct cli_line {
	struct cli_pair *pairs;
	size_t count;
	const char **operands;
	size_t operand_count;
};

/* Takes apart the `argc' words of `argv', which hold neither the program's name nor the command's:
 * -EINVAL with `err' at an option that is unknown, that lacks its value or, where the table says
 * so, stands twice, and at an operand where there may be none; -ENOMEM. Free `out' after 0 only. */
int cli_line_split(const struct cli_table *table, int argc, char **argv, struct cli_line *out,
		   struct err *err);

/* Applies what is CLI_FIRST. `*out' is the action among it that wins, the first in the table; NULL
 * when there is none. 0 or as cli_fill_set. */
int cli_line_look(const struct cli_line *line, struct cli_fill *fill, const struct cli_row **out,
		  struct err *err);

/* Applies all options: what is CLI_REPEATS first, in order, then all others, so that they win over
 * files. Two different actions are refused. 0 or as cli_fill_set; on failure part is applied. */
int cli_line_apply(const struct cli_line *line, struct cli_fill *fill, struct err *err);

/* Whether `word' is neither an option nor meant as one. */
bool cli_line_is_operand(const char *word);

/* Accepts all-zero. */
void cli_line_free(struct cli_line *line);
