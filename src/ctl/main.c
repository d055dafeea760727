/* main.c - numacastctl: asks a running numacastd what it does, and tells it what to do.
 *
 * A command line is one request to the daemon's control socket, or several of a batch:
 *
 *     options.c, options_help.c    the command line
 *     client.c                     the connection
 *     order.c, batch.c             one command, many
 *     present.c, table.c              what is answered, for people
 *     top.c and what it names      looking again and again
 *     completion.c                 for shells
 *
 * Exit status: enum ctl_status.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "src/base/json_reserve.h"
#include "src/base/out.h"
#include "src/ctl/batch.h"
#include "src/ctl/client.h"
#include "src/ctl/completion.h"
#include "src/ctl/options.h"
#include "src/ctl/order.h"
#include "src/ctl/top.h"

static enum ctl_status run(const struct ctl_opt *opt);
static enum ctl_status ask(const struct ctl_opt *opt);

int main(int argc, char **argv)
{
	struct ctl_opt opt;
	struct err err;
	enum ctl_status status;
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	json_reserve_init();
	rc = ctl_options_parse(argc, argv, &opt, &err);
	if (rc < 0) {
		fprintf(stderr, "numacastctl: %s\n", err.text);
		return rc == -ENOMEM ? CTL_FAILED : CTL_USAGE;
	}
	status = run(&opt);
	ctl_options_free(&opt);
	rc = out_finish(stdout);
	if (rc < 0 && status == CTL_OK) {
		fprintf(stderr, "numacastctl: cannot print the answer: %s\n", strerror(-rc));
		status = CTL_FAILED;
	}
	return (int)status;
}

static enum ctl_status run(const struct ctl_opt *opt)
{
	if (opt->mode == CTL_MODE_HELP) {
		ctl_options_print_help(opt->command);
		return CTL_OK;
	}
	if (opt->mode == CTL_MODE_VERSION) {
		printf("numacastctl %s\n", PACKAGE_VERSION);
		return CTL_OK;
	}
	if (strcmp(opt->command->table.command, "batch") == 0) {
		return batch_do(opt);
	}
	if (strcmp(opt->command->table.command, "top") == 0) {
		return top_do(opt);
	}
	if (strcmp(opt->command->table.command, "completion") == 0) {
		completion_print(opt->operands[0], stdout);
		return CTL_OK;
	}
	return ask(opt);
}

static enum ctl_status ask(const struct ctl_opt *opt)
{
	struct client client;
	enum ctl_status status;
	struct err err;

	if (client_open(opt->control, opt->timeout_ns, &client, &err) < 0) {
		fprintf(stderr, "numacastctl: %s\n", err.text);
		return CTL_UNREACHABLE;
	}
	status = order_do(&client, opt, "numacastctl");
	client_close(&client);
	return status;
}
