/* row.h - what an option of one of our programs is: a row of a table.
 *
 *     row       the rows, and finding one by name
 *     nearest   which of some names somebody meant
 *     value     a row and a text to a value in the program's struct
 *     fill      a struct being filled: initial values, and what was given
 *     line      the command line's way to it
 *     program   the same of a program of several commands
 *     file      a configuration file's way to it
 *     help      what --help prints
 *
 * The machine knows no program: a program gives it rows, each of which names a member of the
 * program's own struct, and has what no row can say read by functions of its own. A program of
 * several commands has a table for each, and tables may share groups of rows. Constant data, any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/log.h"

#define CLI_ROWS_MAX 64 /* of one table */

struct cli_fill;
struct cli_row;

enum cli_kind {
	CLI_FLAG,    /* bool; no argument, or =on, =off */
	CLI_NUMBER,  /* min..max, or a word of `choices' */
	CLI_COUNT,   /* the same, with k, M or G for powers of 1000 */
	CLI_SIZE,    /* the same in bytes, with K, M or G for powers of 1024 */
	CLI_SECONDS, /* the same in nanoseconds, written as seconds: "2", "0.5" */
	CLI_RATIO,   /* double min..max */
	CLI_CHOICE,  /* a word of `choices' */
	CLI_TEXT,    /* char *, not empty; owned by the struct */
	CLI_ACTION, /* the member becomes `min'; an argument, when there are choices, is one of them
		     * and goes to `detail' */
	CLI_OWN,    /* whatever `read' makes of it */
	CLI_CALL,   /* whatever `call' does; it makes its own refusals */
};

/* Flags of a row. */
enum {
	CLI_NOT_IN_FILE = 1, /* asks for something to be done now, so it stands on the command line
			      * alone */
	CLI_FIRST = 2,       /* read before all others: --help and what changes it */
	CLI_REPEATS = 4,     /* as often as wanted, in order, before all that may stand once */
	CLI_LIVE = 8,        /* may change while the program runs; all others need a restart */
};

/* 0 with the value stored below `into', or -EINVAL, or -ENOMEM; on failure nothing has changed. */
typedef int cli_read(const struct cli_row *row, void *into, const char *value);

/* The same, with `err' = "WHERE: ...". `where' names the flag, with its number, or the line. */
typedef int cli_call(struct cli_fill *fill, const char *value, const char *where, struct err *err);

struct cli_row {
	const char *name; /* without dashes */
	char letter;      /* -h, or 0 */
	unsigned flags;
	enum cli_kind kind;
	const char *arg; /* as --help shows it: "N", "LIST"; NULL: none */
	size_t offset;   /* of the member; CLI_AT gives both */
	size_t size;     /* of the member, bytes: numbers and positions are stored in 4 or 8 */
	uint64_t min, max;
	const char *const *choices; /* ends with NULL */
	const uint64_t *meanings;   /* what each choice stores; NULL: its position */
	size_t detail;              /* CLI_ACTION: offset of an unsigned */
	cli_read *read;             /* CLI_OWN */
	cli_call *call;             /* CLI_CALL */
	const char *takes;          /* CLI_OWN, for refusals: "a unicast address" */
	const char *initial;        /* the default, read like an argument; NULL: none */
	const char *help;           /* lines, separated by '\n' */
	const char *example;        /* a valid argument, for messages; NULL: `initial' */
};

/* The place of `member' in the program's `type'. */
#define CLI_AT(type, member) \
	.offset = offsetof(type, member), .size = sizeof(((const type *)0)->member)

/* Rows that --help shows under one title. */
struct cli_group {
	const char *title;
	const struct cli_row *rows; /* ends with a row without a name */
};

struct cli_table {
	const char *program;                     /* "numacastd" */
	const char *command;                     /* "send", one of several; NULL: there are none */
	const struct cli_group *const *groups;   /* ends with NULL */
	const struct cli_table *const *commands; /* all of the program's, ends with NULL */
	const char *operands;                    /* what stands beside options: "TARGET" */
	const char *no_operands; /* when nothing may: why, and what to do, for refusals */
	bool once;               /* an option that stands twice is refused; else the last wins */
};

/* The row at `position', in the order of --help; NULL behind the last. */
const struct cli_row *cli_row_at(const struct cli_table *table, size_t position);

/* Where `row' stands in `table', of which it must be one. */
size_t cli_row_position(const struct cli_table *table, const struct cli_row *row);

/* NULL when there is none. `name' need not end after `len'. */
const struct cli_row *cli_row_find(const struct cli_table *table, const char *name, size_t len);
const struct cli_row *cli_row_find_letter(const struct cli_table *table, char letter);

/* The row that a word of a command line names: `-p', `--plates', or `--plates=4', of which `*value'
 * is then what stands behind the `=', else NULL. NULL when there is none. */
const struct cli_row *cli_row_of_word(const struct cli_table *table, const char *word,
				      const char **value);

/* The row whose name is most like `name', or NULL when none is close. */
const struct cli_row *cli_row_nearest(const struct cli_table *table, const char *name, size_t len);

/* Whether the option's argument may be left out (and then stands after `=' only). */
bool cli_row_arg_optional(const struct cli_row *row);

/* The table of the command `word' among `commands', of which there is at least one; else -EINVAL
 * with `err' = the word, what was expected, what to do. */
int cli_table_find(const struct cli_table *const *commands, const char *word,
		   const struct cli_table **out, struct err *err);
