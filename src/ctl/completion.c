/* completion.c - see completion.h.
 *
 * Both scripts know three things: the commands, the options of each, and the words that its first
 * operand may be. The first word that is a command's name is the command. zsh also shows the first
 * line of each help. What an option's argument or another operand may be is left to the shell:
 * files.
 */
#include "src/ctl/completion.h"

#include <string.h>

#include "src/ctl/options.h"

static void print_bash(FILE *out);
static void print_words(const struct ctl_command *command, FILE *out);
static void print_zsh(FILE *out);
static void print_zsh_option(const struct cli_row *row, FILE *out);
static void print_zsh_text(const char *text, FILE *out);

void completion_print(const char *shell, FILE *out)
{
	if (strcmp(shell, "zsh") == 0) {
		print_zsh(out);
	} else {
		print_bash(out);
	}
}

static void print_bash(FILE *out)
{
	fputs("# Made by `numacastctl completion bash'.\n"
	      "_numacastctl()\n"
	      "{\n"
	      "    local cur=${COMP_WORDS[COMP_CWORD]} word words='",
	      out);
	for (const struct ctl_command *at = ctl_commands; at->table.command; at++) {
		if (ctl_command_help(at)) {
			fprintf(out, "%s ", at->table.command);
		}
	}
	fputs("--control --help --json --timeout --version'\n"
	      "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	      "        case $word in\n",
	      out);
	for (const struct ctl_command *at = ctl_commands; at->table.command; at++) {
		fprintf(out, "        %s) words='", at->table.command);
		print_words(at, out);
		fputs("' && break ;;\n", out);
	}
	fputs("        esac\n"
	      "    done\n"
	      "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "}\n"
	      "complete -o default -F _numacastctl numacastctl\n",
	      out);
}

static void print_words(const struct ctl_command *command, FILE *out)
{
	const struct cli_row *row;

	for (const char *const *word = command->words; word && *word; word++) {
		fprintf(out, "%s ", *word);
	}
	for (size_t i = 0; (row = cli_row_at(&command->table, i)) != NULL; i++) {
		fprintf(out, "%s--%s", i > 0 ? " " : "", row->name);
	}
}

static void print_zsh(FILE *out)
{
	fputs("#compdef numacastctl\n"
	      "# Made by `numacastctl completion zsh'.\n"
	      "local -a commands=(\n",
	      out);
	for (const struct ctl_command *at = ctl_commands; at->table.command; at++) {
		if (ctl_command_help(at)) {
			fprintf(out, "    '%s:", at->table.command);
			print_zsh_text(ctl_command_help(at), out);
			fputs("'\n", out);
		}
	}
	fputs(")\n"
	      "integer at=2\n"
	      "while (( at < CURRENT )) && [[ -z ${(M)commands:#$words[at]:*} ]]; do\n"
	      "    (( at++ ))\n"
	      "done\n"
	      "if (( at >= CURRENT )); then\n"
	      "    _describe -t commands command commands\n"
	      "    return\n"
	      "fi\n"
	      "shift $(( at - 1 )) words\n"
	      "(( CURRENT -= at - 1 ))\n"
	      "case $words[1] in\n",
	      out);
	for (const struct ctl_command *at = ctl_commands; at->table.command; at++) {
		const struct cli_row *row;

		fprintf(out, "%s)\n    _arguments -s", at->table.command);
		for (size_t i = 0; (row = cli_row_at(&at->table, i)) != NULL; i++) {
			print_zsh_option(row, out);
		}
		if (at->words) {
			fputs(" \\\n        '1:word:(", out);
			for (const char *const *word = at->words; *word; word++) {
				fprintf(out, "%s%s", word == at->words ? "" : " ", *word);
			}
			fputs(")'", out);
		}
		fprintf(out, "%s\n    ;;\n", at->operands ? " \\\n        '*:file:_files'" : "");
	}
	fputs("esac\n", out);
}

static void print_zsh_option(const struct cli_row *row, FILE *out)
{
	fprintf(out, " \\\n        '--%s%s[", row->name,
		row->arg && !cli_row_arg_optional(row) ? "=" : "");
	print_zsh_text(row->help, out);
	fputs("]", out);
	if (row->arg && !cli_row_arg_optional(row)) {
		fprintf(out, ":%s:%s", row->arg, row->kind == CLI_TEXT ? "_files" : "");
	}
	fputs("'", out);
}

/* Its first line, without what would end a quoted text, a description or a command. */
static void print_zsh_text(const char *text, FILE *out)
{
	for (; *text && *text != '\n'; text++) {
		fputc(strchr("'[]:\\", *text) ? ' ' : *text, out);
	}
}
