/* main.c - numacastd: reads the options, then does the one thing they ask for.
 *
 * Exit status: 0 success, 1 failure at run time, 2 usage or configuration error. To follow a
 * datagram from here: supervisor.c starts a worker per shard, worker.c pins it and gives it memory,
 * shard/shard.c opens its sockets, shard/relay.c is the turn in which datagrams pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/base/out.h"
#include "src/base/sink.h"
#include "src/host/inspect.h"
#include "src/setup/options.h"
#include "src/view/view.h"
#include "src/run/supervisor.h"

#define EXIT_OK    0
#define EXIT_RUN   1
#define EXIT_USAGE 2

static void open_streams(void);
static int finish(int status);
static int dispatch(struct opt *opt, int argc, char **argv);
static int say_valid(const struct opt *opt);
static int with_setup(struct opt *opt, int argc, char **argv);
static int print_plan(const struct setup *setup);
static int exit_status(int rc);

int main(int argc, char **argv)
{
	bool prefixed = !isatty(STDERR_FILENO) && getenv("JOURNAL_STREAM") != NULL;
	struct opt opt = {0};
	struct err err = {0};
	int status, rc;

	open_streams();
	log_init(LOG_LEVEL_INFO, prefixed);
	rc = options_parse(argc, argv, &opt, &err);
	if (rc < 0) {
		fprintf(stderr, "numacastd: %s\n", err.text);
		return rc == -ENOMEM ? EXIT_RUN : EXIT_USAGE; /* the service manager tries again */
	}
	log_set_level(options_log_level(&opt));
	status = finish(dispatch(&opt, argc, argv));
	options_free(&opt);
	sink_end();
	return status;
}

/* A closed standard stream would be the number of the next socket, and a log line a datagram. What
 * takes its place cannot be written to either, so that a lost answer is noticed as before. */
static void open_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0) {
		close(fd);
	}
}

/* What was printed must have arrived, or nothing was done. */
static int finish(int status)
{
	int rc = out_finish(stdout);

	if (status == EXIT_OK && rc < 0) {
		log_error("standard output: cannot write all of the answer: %s; expected a file "
			  "with room, or a reader",
			  strerror(-rc));
		return EXIT_RUN;
	}
	return status;
}

static int dispatch(struct opt *opt, int argc, char **argv)
{
	switch (opt->mode) {
	case OPT_MODE_HELP:
		options_print_help();
		return EXIT_OK;
	case OPT_MODE_VERSION:
		options_print_version(opt->verbose);
		return EXIT_OK;
	case OPT_MODE_CHECK:
		return say_valid(opt);
	default:
		return with_setup(opt, argc, argv);
	}
}

/* --check: everything that can be said without touching the host. */
static int say_valid(const struct opt *opt)
{
	printf("configuration is valid: %u rules, %u flows, %u outputs\n", opt->conf.rule_count,
	       opt->conf.flow_count, opt->conf.output_count);
	return EXIT_OK;
}

static int with_setup(struct opt *opt, int argc, char **argv)
{
	bool relaying = opt->mode == OPT_MODE_RELAY;
	struct setup setup;
	struct err err = {0};
	int status;
	int rc = setup_prepare(&setup, opt, relaying, &err);

	if (rc < 0) {
		log_error("%s", err.text);
		status = exit_status(rc);
	} else if (relaying) {
		status = supervisor_run(&setup, argc, argv);
	} else if (opt->mode == OPT_MODE_PLAN) {
		status = print_plan(&setup);
	} else {
		status = host_inspect(&setup, stdout);
	}
	setup_free(&setup);
	return status;
}

static int print_plan(const struct setup *setup)
{
	int rc = view_print(setup, stdout);

	if (rc < 0) {
		log_error("--plan: cannot write the plan: %s", strerror(-rc));
	}
	return exit_status(rc);
}

/* What the configuration asks for cannot be had: the operator must change it. */
static int exit_status(int rc)
{
	if (rc == 0) {
		return EXIT_OK;
	}
	return rc == -EINVAL ? EXIT_USAGE : EXIT_RUN;
}
