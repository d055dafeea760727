/* options_live.c - options in use: what may change while the daemon runs, and giving them back.
 *
 * Each row of the table says so by itself (CLI_LIVE). What a running shard was built from - its
 * place, memory, engine, queues - cannot change under it. Pure, control thread.
 */
#include "src/setup/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/setup/options_value.h"

static bool may_spin(const struct opt *opt);
static bool is_same(const struct cli_row *row, const struct opt *a, const struct opt *b);
static bool is_same_text(const char *a, const char *b);

int options_check_live(const struct opt *running, const struct opt *wanted, struct err *err)
{
	char names[256] = "";
	const struct cli_row *row;

	for (size_t i = 0; (row = cli_row_at(&options_table, i)) != NULL; i++) {
		size_t used = strlen(names);

		if (!(row->flags & CLI_LIVE) && !is_same(row, running, wanted)) {
			snprintf(names + used, sizeof(names) - used, "%s--%s", used ? ", " : "",
				 row->name);
		}
	}
	/* A ring that was not opened to spin cannot see everything while it does. */
	if (!may_spin(running) && may_spin(wanted)) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
			 wanted->waits.spin_us > 0 ? "--spin" : "--latency");
	}
	if (names[0] == '\0') {
		return 0;
	}
	err_set(err,
		"%s: needs a restart to change; expected as it was at the start; put it back, or "
		"restart",
		names);
	return -EINVAL;
}

enum log_level options_log_level(const struct opt *opt)
{
	if (opt->verbose) {
		return LOG_LEVEL_DEBUG;
	}
	return opt->quiet ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
}

void options_free(struct opt *opt)
{
	conf_free(&opt->conf);
	free(opt->topology);
	free(opt->cpus_os);
	free(opt->exit_report);
	free(opt->control);
	free(opt->control_group);
	free(opt->metrics_host);
	free(opt->user);
	free(opt->health_file);
	free(opt->member);
	free(opt->members);
	*opt = (struct opt){0};
}

static bool may_spin(const struct opt *opt)
{
	return opt->waits.spin_us > 0 || opt->waits.latency_us > 0;
}

static bool is_same(const struct cli_row *row, const struct opt *a, const struct opt *b)
{
	const char *left = (const char *)a + row->offset, *right = (const char *)b + row->offset;

	if (row->kind == CLI_CALL || row->kind == CLI_ACTION) {
		return true; /* rules and files; the command line is the same */
	}
	if (row->kind == CLI_TEXT) {
		return is_same_text(*(char *const *)(const void *)left,
				    *(char *const *)(const void *)right);
	}
	if (row->kind == CLI_OWN && row->read == options_read_cpus) {
		return a->cpus_count == b->cpus_count &&
		       (a->cpus_count == 0 ||
			memcmp(a->cpus_os, b->cpus_os, a->cpus_count * sizeof(*a->cpus_os)) == 0);
	}
	return memcmp(left, right, row->size) == 0;
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}
