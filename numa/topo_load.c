/* topo_load.c - reads a topology, in a child that may die of it (steps 1 and 2).
 *
 * hwloc does not look at what malloc returns, and some XML files that no lstopo has written end it
 * by an assertion or a signal, or keep it busy. So a child reads the machine (src/base/errand.h)
 * and tells what it has found as bytes (numa/topo_flat.h): however it ends, the operator is told in
 * a sentence, and nothing is left. hwloc also takes orders from environment variables: another
 * machine's file, plugins, what to call allowed. Where shards run is for options alone to say, so
 * the variables are taken out first. What sysfs tells beside is read here, by code of our own.
 * Control thread, before there are others. Units: ms.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "numa/topo.h"
#include "numa/topo_flat.h"
#include "numa/topo_here.h"
#include "numa/topo_read.h"
#include "src/base/errand.h"

#define ORDER_PREFIX   "HWLOC_"
#define ORDER_NAME_MAX 64 /* longer than any name that hwloc knows */

#define PATIENCE_MS 60000 /* a machine with 1024 CPUs takes hwloc about one second */

/* What stands before a topology's bytes in the pipe. */
struct verdict {
	int rc;
	struct err err;
};

static void drop_orders(void);
static bool read_and_tell(void *context, int fd);
static int judge(const struct errand_answer *answer, const char *spec, struct topo *out,
		 struct err *err);
static int tell_end(const char *spec, const char *how, struct err *err);

int topo_load(const char *spec, struct topo *out, struct err *err)
{
	struct errand errand = {.run = read_and_tell,
				.context = &spec,
				.answer_max = TOPO_FLAT_MAX,
				.patience_ms = PATIENCE_MS};
	struct errand_answer answer;
	struct err how;
	int rc;

	drop_orders();
	rc = errand_run(&errand, &answer, &how);
	if (rc == 0) {
		rc = judge(&answer, spec, out, err);
	} else if (answer.begun) {
		rc = tell_end(spec, how.text, err);
	} else {
		err_set(err, "cannot read the topology: %.400s", how.text);
	}
	errand_answer_free(&answer);
	return rc;
}

/* From the front again after each, since taking one out moves the others. Before threads start. */
static void drop_orders(void)
{
	for (char **at = environ; at && *at;) {
		char name[ORDER_NAME_MAX];
		size_t len = strcspn(*at, "=");

		if (strncmp(*at, ORDER_PREFIX, strlen(ORDER_PREFIX)) != 0 || len >= sizeof(name)) {
			at++;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)len, *at);
		log_warn("environment: %s is ignored; --topology names another machine, for plans "
			 "only",
			 name);
		if (unsetenv(name) < 0) {
			return;
		}
		at = environ;
	}
}

/* The child. */
static bool read_and_tell(void *context, int fd)
{
	const char *spec = *(const char **)context;
	struct verdict verdict = {0};
	struct topo topo;
	size_t len = 0;
	void *bytes = NULL;

	verdict.rc = topo_read(spec, &topo, &verdict.err);
	if (verdict.rc == 0) {
		bytes = topo_flat_write(&topo, &len);
		if (!bytes) {
			verdict.rc = -ENOMEM;
			err_set(&verdict.err, "cannot read the topology: %s", strerror(ENOMEM));
		}
	}
	return errand_tell(fd, &verdict, sizeof(verdict)) && errand_tell(fd, bytes, len);
}

static int judge(const struct errand_answer *answer, const char *spec, struct topo *out,
		 struct err *err)
{
	const size_t head = sizeof(struct verdict);
	struct verdict verdict = {.rc = -EBADMSG};
	struct topo topo = {0};
	int rc;

	if (answer->len >= head) {
		memcpy(&verdict, answer->bytes, head);
	}
	if (verdict.rc < 0 && verdict.rc != -EBADMSG) {
		err_set(err, "%.*s", (int)sizeof(err->text) - 1, verdict.err.text);
		return verdict.rc;
	}
	rc = verdict.rc < 0 ? -EBADMSG
			    : topo_flat_read(answer->bytes + head, answer->len - head, &topo);
	if (rc == 0 && topo.this_machine) {
		rc = topo_here_fill(&topo);
	}
	if (rc == -EBADMSG) {
		return tell_end(spec, "what it said makes no sense", err);
	}
	if (rc < 0) {
		err_set(err, "cannot read the topology: %s", strerror(-rc));
		topo_free(&topo);
		return rc;
	}
	*out = topo;
	return 0;
}

/* Why there is none, where it was not for the child to say. */
static int tell_end(const char *spec, const char *how, struct err *err)
{
	err_set(err,
		"%s%s: hwloc could not read it: %.128s; expected %s; `lstopo' reads it in the same "
		"way",
		spec ? "--topology " : "this machine", spec ? spec : "", how,
		spec ? "a description that it can read, as `lstopo --of xml' of hwloc 2 writes"
		     : "enough memory, and /sys as the kernel has it");
	return -EIO;
}
