/* options.c - the commands of numacastctl, one row each, and the way from words to them.
 *
 * The first word is the command; options may stand anywhere. See options.h.
 */
#include "src/ctl/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/cli/nearest.h"
#include "src/cli/program.h"

#define AT(member)              CLI_AT(struct ctl_opt, member)
#define DAYS                    (86400 * NS_PER_S)
#define OPERANDS_ANY            ((size_t)-1)
#define TEXT_OF(number)         #number
#define WINDOW_TEXT(number)     TEXT_OF(number)
#define HELP_OF(id, name, help) [PROTOCOL_COMMAND_##id] = (help),

static const struct ctl_command *find_command(const char *word);
static int take_operands(struct cli_line *line, struct ctl_opt *opt, struct err *err);
static int check_word(const struct ctl_command *command, const char *word, struct err *err);

static const char *const subjects[] = {PROTOCOL_SUBJECTS(PROTOCOL_NAME) NULL};
static const char *const views[] = {"rules", "flows",  "outputs", "shards",
				    "pools", "losses", "legs",    NULL};
static const char *const shells[] = {"bash", "zsh", NULL};
static const char *const helps[] = {PROTOCOL_COMMANDS(HELP_OF)};

/* Rows are read across, so they are not one member a line. */
/* clang-format off */
static const struct cli_row stats_rows[] = {
	{.name = "watch", .kind = CLI_SECONDS, .arg = "SECONDS", AT(watch_ns),
	 .min = NS_PER_S / 10, .max = DAYS,
	 .help = "again and again, each SECONDS", .example = "2"},
	{.name = "count", .kind = CLI_COUNT, .arg = "N", AT(count), .min = 1, .max = 1ULL << 48,
	 .help = "with --watch: end after N times", .example = "10"},
	{.name = "rates", .kind = CLI_FLAG, AT(rates),
	 .help = "with each counter, how many a second since the time before; without\n"
		 "--watch during one second"},
	{0},
};

static const struct cli_row rebalance_rows[] = {
	{.name = "dry-run", .kind = CLI_FLAG, AT(dry_run),
	 .help = "only tell which flows would move, and why"},
	{.name = "window", .kind = CLI_SECONDS, .arg = "SECONDS", AT(window_ns),
	 .min = (uint64_t)(PROTOCOL_WINDOW_MIN_S * NS_PER_S),
	 .max = PROTOCOL_WINDOW_MAX_S * NS_PER_S, .initial = WINDOW_TEXT(PROTOCOL_WINDOW_S),
	 .help = "how long to measure what each flow costs"},
	{0},
};

static const struct cli_row active_rows[] = {
	{.name = "overlap", .kind = CLI_COUNT, .arg = "MS", AT(overlap_ms), .min = 0,
	 .max = PROTOCOL_OVERLAP_MAX_MS, .initial = "0",
	 .help = "end only after MS more, so that whoever is stood down next has\n"
		 "relayed beside this one for so long"},
	{.name = "after", .kind = CLI_TEXT, .arg = "FILE", AT(after),
	 .help = "relay from the datagrams on that another machine's `standby --marks'\n"
		 "has told, which FILE has, or with - standard input; after a hold",
	 .example = "marks.json"},
	{0},
};

static const struct cli_row standby_rows[] = {
	{.name = "overlap", .kind = CLI_COUNT, .arg = "MS", AT(overlap_ms), .min = 0,
	 .max = PROTOCOL_OVERLAP_MAX_MS, .initial = "0",
	 .help = "go on relaying for MS, and end then"},
	{.name = "marks", .kind = CLI_FLAG, AT(marks),
	 .help = "print from which datagrams on this machine has not relayed, as JSON,\n"
		 "for another machine's `active --after'"},
	{0},
};

static const struct cli_row hold_rows[] = {
	{.name = "for", .kind = CLI_COUNT, .arg = "MS", AT(for_ms), .min = 1,
	 .max = PROTOCOL_OVERLAP_MAX_MS, .initial = "2000",
	 .help = "go on after MS, when nobody has said `active --after'"},
	{0},
};

static const struct cli_row top_options[] = {
	{.name = "interval", .kind = CLI_SECONDS, .arg = "SECONDS", AT(interval_ns),
	 .min = NS_PER_S / 10, .max = DAYS, .initial = "1", .help = "how often to look"},
	{.name = "view", .kind = CLI_CHOICE, .arg = "VIEW", AT(view), .choices = views,
	 .initial = "rules",
	 .help = "what to show first: rules, flows, outputs, shards, pools, losses"},
	{.name = "count", .kind = CLI_COUNT, .arg = "N", AT(count), .min = 1, .max = 1ULL << 48,
	 .help = "end after N times", .example = "10"},
	{0},
};

static const struct cli_row drain_rows[] = {
	{.name = "wait", .kind = CLI_FLAG, AT(wait), .help = "end when the daemon has ended"},
	{0},
};

static const struct cli_row batch_rows[] = {
	{.name = "keep-going", .kind = CLI_FLAG, AT(keep_going),
	 .help = "go on after a command that failed"},
	{0},
};

static const struct cli_row common_rows[] = {
	{.name = "control", .kind = CLI_TEXT, .arg = "PATH", AT(control),
	 .help = "the daemon's socket; by default that in NUMACAST_CONTROL, or\n" PROTOCOL_PATH,
	 .example = PROTOCOL_PATH},
	{.name = "timeout", .kind = CLI_SECONDS, .arg = "SECONDS", AT(timeout_ns), .min = 1,
	 .max = DAYS, .initial = "10", .help = "how long to wait for each answer"},
	{.name = "json", .kind = CLI_FLAG, AT(json),
	 .help = "print what was answered as JSON, whose names are stable"},
	{0},
};

static const struct cli_row look_rows[] = {
	{.name = "help", .letter = 'h', .flags = CLI_FIRST, .kind = CLI_ACTION, AT(mode),
	 .min = CTL_MODE_HELP,
	 .help = "print this help, behind a command that command's, and exit"},
	{.name = "version", .letter = 'V', .flags = CLI_FIRST, .kind = CLI_ACTION, AT(mode),
	 .min = CTL_MODE_VERSION,
	 .help = "print the version of numacastctl and exit"},
	{0},
};
/* clang-format on */

static const struct cli_group stats_group = {"Options of stats", stats_rows};
static const struct cli_group active_group = {"Options of active", active_rows};
static const struct cli_group standby_group = {"Options of standby", standby_rows};
static const struct cli_group hold_group = {"Options of hold", hold_rows};
static const struct cli_group rebalance_group = {"Options of rebalance", rebalance_rows};
static const struct cli_group top_group = {"Options of top", top_options};
static const struct cli_group drain_group = {"Options of drain", drain_rows};
static const struct cli_group batch_group = {"Options of batch", batch_rows};
static const struct cli_group common_group = {"Options of every command", common_rows};
static const struct cli_group look_group = {"Look instead", look_rows};

static const struct cli_group *const plain_groups[] = {&common_group, &look_group, NULL};
static const struct cli_group *const stats_groups[] = {&stats_group, &common_group, &look_group,
						       NULL};
static const struct cli_group *const active_groups[] = {&active_group, &common_group, &look_group,
							NULL};
static const struct cli_group *const standby_groups[] = {&standby_group, &common_group, &look_group,
							 NULL};
static const struct cli_group *const hold_groups[] = {&hold_group, &common_group, &look_group,
						      NULL};
static const struct cli_group *const rebalance_groups[] = {&rebalance_group, &common_group,
							   &look_group, NULL};
static const struct cli_group *const top_groups[] = {&top_group, &common_group, &look_group, NULL};
static const struct cli_group *const drain_groups[] = {&drain_group, &common_group, &look_group,
						       NULL};
static const struct cli_group *const batch_groups[] = {&batch_group, &common_group, &look_group,
						       NULL};

static const struct cli_table *const tables[20];

/* Its options, and what stands beside them. */
#define TABLE(word, what, some_groups)                                             \
	.table = {.program = "numacastctl",                                        \
		  .command = (word),                                               \
		  .groups = (some_groups),                                         \
		  .commands = tables,                                              \
		  .operands = (what),                                              \
		  .no_operands = "expected options alone; see numacastctl --help", \
		  .once = true}

/* clang-format off */
const struct ctl_command ctl_commands[] = {
	{TABLE("show", "SUBJECT", plain_groups), PROTOCOL_COMMAND_SHOW, "SUBJECT [RULE]...",
	 subjects, 1, OPERANDS_ANY, NULL},
	{TABLE("stats", NULL, stats_groups), PROTOCOL_COMMAND_STATS, NULL, NULL, 0, 0, NULL},
	{TABLE("top", NULL, top_groups), CTL_NO_REQUEST, NULL, NULL, 0, 0,
	 "watch rates, losses and pools on a screen"},
	{TABLE("health", NULL, plain_groups), PROTOCOL_COMMAND_HEALTH, NULL, NULL, 0, 0, NULL},
	{TABLE("log-level", "LEVEL", plain_groups), PROTOCOL_COMMAND_LOG_LEVEL, "[LEVEL]",
	 log_level_names, 0, 1, NULL},
	{TABLE("version", NULL, plain_groups), PROTOCOL_COMMAND_VERSION, NULL, NULL, 0, 0, NULL},
	{TABLE("reload", NULL, plain_groups), PROTOCOL_COMMAND_RELOAD, NULL, NULL, 0, 0, NULL},
	{TABLE("replace", "FILE", plain_groups), PROTOCOL_COMMAND_REPLACE, "FILE|-", NULL, 1, 1,
	 NULL},
	{TABLE("add", "RULE", plain_groups), PROTOCOL_COMMAND_ADD, "RULE...", NULL, 1,
	 OPERANDS_ANY, NULL},
	{TABLE("remove", "NAME", plain_groups), PROTOCOL_COMMAND_REMOVE, "NAME...", NULL, 1,
	 OPERANDS_ANY, NULL},
	{TABLE("enable", "NAME", plain_groups), PROTOCOL_COMMAND_ENABLE, "NAME...", NULL, 1,
	 OPERANDS_ANY, NULL},
	{TABLE("disable", "NAME", plain_groups), PROTOCOL_COMMAND_DISABLE, "NAME...", NULL, 1,
	 OPERANDS_ANY, NULL},
	{TABLE("active", "NAME", active_groups), PROTOCOL_COMMAND_ACTIVE, "[NAME]...", NULL, 0,
	 OPERANDS_ANY, NULL},
	{TABLE("standby", "NAME", standby_groups), PROTOCOL_COMMAND_STANDBY, "[NAME]...", NULL, 0,
	 OPERANDS_ANY, NULL},
	{TABLE("hold", "NAME", hold_groups), PROTOCOL_COMMAND_HOLD, "[NAME]...", NULL, 0,
	 OPERANDS_ANY, NULL},
	{TABLE("rebalance", NULL, rebalance_groups), PROTOCOL_COMMAND_REBALANCE, NULL, NULL, 0, 0,
	 NULL},
	{TABLE("drain", NULL, drain_groups), PROTOCOL_COMMAND_DRAIN, NULL, NULL, 0, 0, NULL},
	{TABLE("batch", "FILE", batch_groups), CTL_NO_REQUEST, "FILE|-", NULL, 1, 1,
	 "do the commands in a file, or on standard input, one a line"},
	{TABLE("completion", "SHELL", plain_groups), CTL_NO_REQUEST, "SHELL", shells, 1, 1, NULL},
	{.table = {.command = NULL}},
};
/* clang-format on */

static const struct cli_table *const tables[20] = {
	&ctl_commands[0].table,  &ctl_commands[1].table,
	&ctl_commands[2].table,  &ctl_commands[3].table,
	&ctl_commands[4].table,  &ctl_commands[5].table,
	&ctl_commands[6].table,  &ctl_commands[7].table,
	&ctl_commands[8].table,  &ctl_commands[9].table,
	&ctl_commands[10].table, &ctl_commands[11].table,
	&ctl_commands[12].table, &ctl_commands[13].table,
	&ctl_commands[14].table, &ctl_commands[15].table,
	&ctl_commands[16].table, &ctl_commands[17].table,
	&ctl_commands[18].table, NULL,
};

/* What may stand in place of a command. */
static const struct cli_table look_table = {
	.program = "numacastctl",
	.groups = (const struct cli_group *const[]){&look_group, NULL},
	.no_operands = "expected a command; see numacastctl --help",
};

static const struct cli_program program = {
	.commands = tables,
	.look = &look_table,
	.expected = "one such as show or stats",
};

const char *ctl_command_help(const struct ctl_command *command)
{
	return command->id == CTL_NO_REQUEST ? command->help : helps[command->id];
}

int ctl_options_parse(int argc, char **argv, struct ctl_opt *out, struct err *err)
{
	struct cli_given given = {0};
	struct ctl_opt opt = {0};
	int rc = cli_program_read(&program, argc, argv, &opt, &given, err);

	if (rc == 0 && given.table) {
		opt.command = find_command(given.table->command);
	}
	if (rc == 0 && !given.looks) {
		rc = take_operands(&given.line, &opt, err);
	}
	cli_line_free(&given.line);
	if (rc != 0) {
		ctl_options_free(&opt);
		return rc;
	}
	*out = opt;
	return 0;
}

void ctl_options_free(struct ctl_opt *opt)
{
	free((void *)opt->operands);
	free(opt->control);
	free(opt->after);
	*opt = (struct ctl_opt){0};
}

static const struct ctl_command *find_command(const char *word)
{
	for (const struct ctl_command *at = ctl_commands; at->table.command; at++) {
		if (strcmp(at->table.command, word) == 0) {
			return at;
		}
	}
	return NULL;
}

static int take_operands(struct cli_line *line, struct ctl_opt *opt, struct err *err)
{
	const struct ctl_command *command = opt->command;

	if (command->id == PROTOCOL_COMMAND_STATS && opt->count > 0 && opt->watch_ns == 0) {
		err_set(err, "--count: comes without --watch, which it ends; expected both; add "
			     "--watch SECONDS");
		return -EINVAL;
	}
	if (line->operand_count < command->least || line->operand_count > command->most) {
		err_set(err, "%s: too %s words; expected %s %s; see numacastctl --help",
			command->table.command,
			line->operand_count < command->least ? "few" : "many",
			command->table.command, command->operands);
		return -EINVAL;
	}
	opt->operands = line->operands;
	opt->operand_count = line->operand_count;
	line->operands = NULL;
	return opt->operand_count > 0 && command->words ? check_word(command, opt->operands[0], err)
							: 0;
}

static int check_word(const struct ctl_command *command, const char *word, struct err *err)
{
	struct cli_nearest meant = cli_nearest_to(word, strlen(word));
	const char *nearest = NULL;
	char all[200] = "";

	for (const char *const *at = command->words; *at; at++) {
		size_t used = strlen(all);

		if (strcmp(*at, word) == 0) {
			return 0;
		}
		nearest = cli_nearest_offer(&meant, *at) ? *at : nearest;
		snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "", *at);
	}
	err_set(err, "%s: '%.60s' is not known; expected one of %s; %s%s", command->table.command,
		word, all, nearest ? "did you mean " : "write one of them", nearest ? nearest : "");
	return -EINVAL;
}
