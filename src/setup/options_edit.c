/* options_edit.c - from the options that run to changed ones: what a command edits in memory.
 *
 * Rules are taken over by their text, so that each is read and expanded anew, and keep the names
 * that they have. Pure but for memory; control thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/cli/file.h"
#include "src/cli/line.h"
#include "src/setup/options.h"

static int copy_texts(const struct opt *from, struct opt *to);
static char **text_at(struct opt *opt, const struct cli_row *row);
static bool is_taken(const struct conf *conf, const char *name);
static void leave_out(struct cli_line *line, const char *name);

int options_copy(const struct opt *from, struct opt *out, struct err *err)
{
	struct opt opt = *from;
	int rc;

	opt.conf = (struct conf){0};
	opt.cpus_os = NULL;
	rc = copy_texts(from, &opt);
	if (rc == 0 && from->cpus_os) {
		opt.cpus_os = calloc(from->cpus_count, sizeof(*opt.cpus_os));
		rc = opt.cpus_os ? 0 : -ENOMEM;
	}
	if (rc < 0) {
		err_set(err, "options: out of memory; free some and try again");
		options_free(&opt);
		return rc;
	}
	if (from->cpus_os) {
		memcpy(opt.cpus_os, from->cpus_os, from->cpus_count * sizeof(*opt.cpus_os));
	}
	*out = opt;
	return 0;
}

int options_take_rule(struct conf *to, const struct conf_rule *rule, struct err *err)
{
	int rc = conf_add_rule(to, rule->text, rule->where, err);

	if (rc == 0) {
		memcpy(to->rules[to->rule_count - 1].name, rule->name, sizeof(rule->name));
	}
	return rc;
}

int options_add_rule(struct conf *to, const struct conf *others, const char *text,
		     const char *where, struct err *err)
{
	uint32_t number = to->rule_count + others->rule_count + 1;
	struct conf_rule *rule;
	char automatic[CONF_NAME_MAX];
	int rc = conf_add_rule(to, text, where, err);

	if (rc < 0) {
		return rc;
	}
	rule = &to->rules[to->rule_count - 1];
	snprintf(automatic, sizeof(automatic), "rule%u", to->rule_count);
	if (strcmp(rule->name, automatic) != 0) {
		return 0; /* it has one of its own */
	}
	to->rule_count--; /* to look at the others only */
	while (is_taken(to, rule->name) || is_taken(others, rule->name)) {
		snprintf(rule->name, sizeof(rule->name), "rule%u", number++);
	}
	to->rule_count++;
	return 0;
}

int options_parse_instead(int argc, char **argv, const struct options_text *text, struct opt *out,
			  struct err *err)
{
	struct opt opt = {0};
	struct cli_line line = {0};
	struct cli_fill fill;
	int rc = cli_fill_init(&fill, &options_table, &opt, err);

	if (rc == 0) {
		rc = cli_line_split(&options_table, argc - 1, argv + 1, &line, err);
	}
	if (rc == 0) {
		leave_out(&line, "config");
		leave_out(&line, "rule");
		rc = cli_file_apply(&fill, text->text, text->len, text->name, err);
	}
	if (rc == 0) {
		rc = cli_line_apply(&line, &fill, err);
	}
	if (rc == 0) {
		rc = options_check(&opt, &fill, err);
	}
	if (rc == 0) {
		rc = conf_check_twins(&opt.conf, err);
	}
	cli_line_free(&line);
	if (rc < 0) {
		options_free(&opt);
		return rc;
	}
	*out = opt;
	return 0;
}

/* All of them, or none: those that could not be had are NULL, and all may be freed. */
static int copy_texts(const struct opt *from, struct opt *to)
{
	const struct cli_row *row;
	int rc = 0;

	for (size_t i = 0; (row = cli_row_at(&options_table, i)) != NULL; i++) {
		const char *text;

		if (row->kind != CLI_TEXT) {
			continue;
		}
		text = *text_at((struct opt *)from, row);
		*text_at(to, row) = text ? strdup(text) : NULL;
		rc = text && !*text_at(to, row) ? -ENOMEM : rc;
	}
	return rc;
}

static char **text_at(struct opt *opt, const struct cli_row *row)
{
	return (char **)((char *)opt + row->offset);
}

static bool is_taken(const struct conf *conf, const char *name)
{
	for (uint32_t i = 0; i < conf->rule_count; i++) {
		if (strcmp(conf->rules[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static void leave_out(struct cli_line *line, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < line->count; i++) {
		if (strcmp(line->pairs[i].row->name, name) != 0) {
			line->pairs[kept++] = line->pairs[i];
		}
	}
	line->count = kept;
}
