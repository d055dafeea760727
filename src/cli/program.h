/* program.h - the command line of a program of several commands.
 *
 * The first word that is no option and no option's value is the command; options may stand before
 * it as well as behind. One thread.
 */
#pragma once

#include <stdbool.h>

#include "src/cli/line.h"

struct cli_program {
	const struct cli_table *const *commands; /* ends with NULL */
	const struct cli_table *look;            /* what may stand without one: --help */
	const char *expected; /* when there is none: "one such as show or stats" */
};

/* What was read. */
struct cli_given {
	const struct cli_table *table; /* of the command; NULL: there is none */
	bool looks;                    /* at something that wins over the command */
	struct cli_line line;          /* to be freed */
};

/* Reads `argv' as main has it into the program's struct, which holds what rows without a default
 * are to hold: all options of the command's table; or, when `out->looks', what was to be looked at
 * alone. Without the latter there is a command. 0; -EINVAL with `err' = the word, what was
 * expected, what to do; -ENOMEM with `err'. On failure there is nothing to free in `out'. */
int cli_program_read(const struct cli_program *program, int argc, char **argv, void *into,
		     struct cli_given *out, struct err *err);
