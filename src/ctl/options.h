/* options.h - the command line of numacastctl: its commands, and what each takes.
 *
 *     options.c         the table, one row a command, and the way from words to struct ctl_opt
 *     options_help.c    --help
 *
 * --help, completion and the manual's test walk the table. Pure; one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/log.h"
#include "src/base/protocol.h"
#include "src/cli/row.h"

/* Exit statuses. */
enum ctl_status {
	CTL_OK = 0,
	CTL_FAILED = 1,      /* refused, failed, or not healthy */
	CTL_USAGE = 2,       /* the command line is wrong */
	CTL_UNREACHABLE = 3, /* no daemon answers */
};

enum ctl_mode {
	CTL_MODE_RUN,
	CTL_MODE_HELP,
	CTL_MODE_VERSION,
};

struct ctl_opt {
	enum ctl_mode mode;
	const struct ctl_command *command; /* NULL with --help or --version in its place */
	const char **operands;             /* the words stay the caller's */
	size_t operand_count;
	char *control; /* --control PATH; NULL: not said */
	uint64_t timeout_ns;
	bool json;
	uint64_t watch_ns; /* 0: once */
	uint64_t count;    /* how often at most; 0: no end */
	uint64_t interval_ns;
	unsigned view; /* of top, a place in top_views */
	bool rates;
	bool wait;
	bool keep_going;
	bool dry_run;
	uint64_t overlap_ms;
	uint64_t for_ms;
	char *after;        /* of active: a file of marks; NULL: none */
	bool marks;         /* of standby */
	uint64_t window_ns; /* that is waited for beside the timeout */
};

struct ctl_command {
	struct cli_table table;   /* options; its `command' is the name */
	int id;                   /* enum protocol_command, of a request */
	const char *operands;     /* as --help shows them: "SUBJECT [RULE]..."; NULL: none */
	const char *const *words; /* what the first one may be, ends with NULL; NULL: anything */
	size_t least, most;       /* operands */
	const char *help;         /* of what is no request; NULL: not in --help */
};

#define CTL_NO_REQUEST (-1)

/* In the order of --help; ends with a row without a name. */
extern const struct ctl_command ctl_commands[];

/* One line; NULL: the command is not shown. */
const char *ctl_command_help(const struct ctl_command *command);

/* `argv' as main has it. 0; -EINVAL with `err' = the word, what was expected, what to do; -ENOMEM.
 * On failure there is nothing to free. */
int ctl_options_parse(int argc, char **argv, struct ctl_opt *out, struct err *err);
void ctl_options_free(struct ctl_opt *opt);

/* In options_help.c. Of `command', or NULL for all, to standard output. */
void ctl_options_print_help(const struct ctl_command *command);
