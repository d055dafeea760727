/* options_help.c - --help of numacastctl: all of it, or one command's.
 *
 * Commands and options come from the table. Within 100 columns. Standard output; one thread.
 */
#include <stdio.h>

#include "src/cli/help.h"
#include "src/ctl/options.h"

#define SUBJECT_ENTRY(id, name, help) cli_help_print_entry(name, help, NULL);

static void print_command(const struct ctl_command *command);
static void print_all(void);

void ctl_options_print_help(const struct ctl_command *command)
{
	if (command) {
		printf("Usage: numacastctl %s [OPTION]...%s%s\n", command->table.command,
		       command->operands ? " " : "", command->operands ? command->operands : "");
		print_command(command);
		cli_help_print(&command->table);
		return;
	}
	printf("Usage: numacastctl [OPTION]... COMMAND [WORD]...\n"
	       "Asks a running numacastd what it does, and tells it what to do.\n"
	       "\nCommands:\n");
	for (const struct ctl_command *at = ctl_commands; at->table.command; at++) {
		print_command(at);
	}
	print_all();
	printf("\nWhat show takes, and for rules, flows and outputs the names of rules:\n");
	PROTOCOL_SUBJECTS(SUBJECT_ENTRY)
	printf("\nExit status: 0 done, 1 refused, failed or not healthy, 2 wrong command line,\n"
	       "3 no daemon answers.\n"
	       "Manual: numacastctl(1).\n");
}

static void print_command(const struct ctl_command *command)
{
	char name[80];

	snprintf(name, sizeof(name), "%s%s%s", command->table.command, command->operands ? " " : "",
		 command->operands ? command->operands : "");
	if (ctl_command_help(command)) {
		cli_help_print_entry(name, ctl_command_help(command), NULL);
	}
}

/* The options of all commands, each group once. */
static void print_all(void)
{
	const struct cli_group *groups[CLI_ROWS_MAX] = {NULL};
	const struct cli_table table = {.program = "numacastctl", .groups = groups};
	size_t count = 0;

	for (const struct ctl_command *at = ctl_commands; at->table.command; at++) {
		for (const struct cli_group *const *g = at->table.groups; *g; g++) {
			size_t i = 0;

			while (i < count && groups[i] != *g) {
				i++;
			}
			if (i == count && g[1] && g[2]) { /* its own */
				groups[count++] = *g;
			}
		}
	}
	for (const struct cli_group *const *g = ctl_commands[0].table.groups; *g; g++) {
		groups[count++] = *g; /* those of all */
	}
	cli_help_print(&table);
}
