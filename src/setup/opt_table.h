/* opt_table.h - one row per option of numacastd, and what the files that read options share.
 *
 *     opt.c         the command line's way: words to rows, files, rules, contradictions
 *     opt_table.c   the rows, and finding one by name
 *     opt_value.c   a row and a text to a value in struct opt
 *     opt_file.c    a configuration file, line by line
 *     opt_help.c    --help and --version
 *
 * Only these, their tests and fuzz targets include this header. Control thread.
 */
#pragma once

#include <stddef.h>

#include "src/setup/opt.h"

#define OPT_FILE_BYTES_MAX (64u << 20) /* of one configuration file */
#define OPT_LINE_BYTES_MAX (CONF_RULE_TEXT_MAX + 4096)
#define OPT_ROWS_MAX       64

enum opt_group {
	OPT_GROUP_RULES,
	OPT_GROUP_INSPECT,
	OPT_GROUP_PLACEMENT,
	OPT_GROUP_MEMORY,
	OPT_GROUP_ENGINE,
	OPT_GROUP_TRAINS,
	OPT_GROUP_SOCKETS,
	OPT_GROUP_RUNNING,
	OPT_GROUP_COUNT,
};

enum opt_kind {
	OPT_KIND_FLAG,   /* bool; no argument, or =on, =off */
	OPT_KIND_U32,    /* min..max */
	OPT_KIND_AUTO,   /* uint32_t min..max, or "auto": 0 */
	OPT_KIND_INT,    /* int min..max, or "auto": -1 */
	OPT_KIND_SIZE,   /* uint32_t min..max bytes, with K, M, G */
	OPT_KIND_AMOUNT, /* uint32_t min..max, or a word of `choices': OPT_AMOUNT_* */
	OPT_KIND_BYTES,  /* the same, with K, M, G */
	OPT_KIND_RATIO,  /* double min..max */
	OPT_KIND_CHOICE, /* unsigned: position in `choices' */
	OPT_KIND_TEXT,   /* char *, not empty */
	OPT_KIND_CPUS,   /* cpus_os and cpus_count */
	OPT_KIND_COUNTS, /* uint32_t[POOL_CLASS_COUNT]: small=N,... */
	OPT_KIND_MODE,   /* mode becomes `min'; argument =choice goes to `offset' when there are any
			  */
	OPT_KIND_RULE,
	OPT_KIND_CONFIG,
};

struct opt_row {
	const char *name; /* without dashes */
	char letter;      /* -h, or 0 */
	bool command_line_only;
	enum opt_group group;
	enum opt_kind kind;
	const char *arg; /* as --help shows it: "N", "LIST"; NULL: none */
	size_t offset;   /* in struct opt */
	uint64_t min, max;
	const char *const *choices; /* ends with NULL */
	const char *initial;        /* the default, read like an argument; NULL: zero */
	const char *help;           /* lines, separated by '\n' */
	const char *example;        /* a valid argument, for messages; NULL: `initial' */
};

extern const struct opt_row opt_rows[];
extern const size_t opt_row_count;

/* NULL when there is none. `name' need not end after `len'. */
const struct opt_row *opt_row_find(const char *name, size_t len);
const struct opt_row *opt_row_find_letter(char letter);

/* The row whose name is most like `name', or NULL when none is close. */
const struct opt_row *opt_row_nearest(const char *name, size_t len);

/* Whether the option's argument may be left out (and then stands after `=' only). */
bool opt_row_arg_optional(const struct opt_row *row);

/* Stores `value' (NULL: none given). -EINVAL with `err' = "WHERE: ...", `where' naming the flag or
 * the line and `opt' unchanged; -ENOMEM. Not for OPT_KIND_RULE and OPT_KIND_CONFIG. */
int opt_set(struct opt *opt, const struct opt_row *row, const char *value, const char *where,
	    struct err *err);

/* Fills in every default. */
int opt_set_initial(struct opt *opt, struct err *err);

/* Which options were given, by position in opt_rows. */
struct opt_given {
	bool given[OPT_ROWS_MAX];
};

/* Applies a configuration file: opt_read_file reads `path', opt_read_text the `len' bytes of `text'
 * (which need not end in a zero byte) and calls them `path' in messages. On failure `opt' may hold
 * part of it. 0, -EINVAL (also when the file cannot be read) or -ENOMEM, with `err'. */
int opt_read_file(struct opt *opt, const char *path, struct opt_given *given, struct err *err);
int opt_read_text(struct opt *opt, const char *text, size_t len, const char *path,
		  struct opt_given *given, struct err *err);

/* Contradictions between options. 0 or -EINVAL. */
int opt_check(struct opt *opt, const struct opt_given *given, struct err *err);
