/* main.c - numacast-probe: sends sequence-numbered traffic, and receives it judging what came.
 *
 * It stands on both sides of the relay, as the instrument of our tests and benches and a tool to
 * keep. Two commands, send and recv, each one thread:
 *
 *     options.c, target.c                    the command line
 *     wire.c                                 what a datagram holds
 *     send.c, burst.c                        send
 *     recv.c, tally.c, stats.c, report.c     recv
 *     run.c, sock.c                          what both share
 *
 * Exit status: 0 all well, 1 faults or failure at run time, 2 wrong command line.
 */
#include <stdio.h>
#include <errno.h>
#include <string.h>

#include "src/base/log.h"
#include "src/base/out.h"
#include "src/probe/options.h"
#include "src/probe/run.h"
#include "src/probe/wire.h"

static int run(const struct probe_opt *opt);

int main(int argc, char **argv)
{
	struct probe_opt opt;
	struct err err;
	int status, rc;

	log_init(LOG_LEVEL_INFO, false);
	rc = probe_options_parse(argc, argv, &opt, &err);
	if (rc != 0) {
		log_error("numacast-probe: %s", err.text);
		return rc == -ENOMEM ? 1 : 2;
	}
	probe_wire_init();
	probe_run_catch_signals();
	status = run(&opt);
	probe_options_free(&opt);
	rc = out_finish(stdout);
	if (rc < 0) {
		log_error("numacast-probe: cannot write the result to standard output: %s",
			  strerror(-rc));
		status = 1;
	}
	return status;
}

static int run(const struct probe_opt *opt)
{
	switch (opt->mode) {
	case PROBE_MODE_HELP:
		probe_options_print_help(opt->command);
		return 0;
	case PROBE_MODE_VERSION:
		printf("numacast-probe %s\n", PACKAGE_VERSION);
		return 0;
	case PROBE_MODE_SEND:
		return probe_send(opt);
	case PROBE_MODE_RECV:
		return probe_recv(opt);
	}
	return 1;
}
