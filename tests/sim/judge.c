/* judge.c - see judge.h.
 *
 * A child runs the trace and writes what it thinks of it into memory that both have. The linker
 * sends must_fail() here (--wrap), so that an assertion of the product's is a verdict like a law of
 * the simulation's, with its file and line, which tells one failure from another while a trace is
 * shortened. Shortening is Zeller's: halves, then quarters, and so on down to single events, again
 * and again until none can be left away.
 */
#include "tests/sim/judge.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/must.h"

#define RUN_S_MAX 60

static struct sim_verdict *shared;

/* What the product's must() comes to. */
_Noreturn void __wrap_must_fail(const char *file, int line, const char *condition);

void sim_broken(const char *format, ...)
{
	va_list args;

	if (shared == NULL) {
		abort();
	}
	va_start(args, format);
	vsnprintf(shared->why, sizeof(shared->why), format, args);
	va_end(args);
	shared->failed = true;
	_exit(1);
}

void __wrap_must_fail(const char *file, int line, const char *condition)
{
	sim_broken("must at %s:%d: %s", file, line, condition);
}

_Noreturn static void run(const struct sim_trace *trace)
{
	struct sim_world *w = calloc(1, sizeof(*w));

	must(w);
	alarm(RUN_S_MAX);
	sim_open(w, &trace->conf);
	for (shared->done = 0; shared->done < trace->count; shared->done++) {
		w->clock_reads = 0;
		sim_do(w, &trace->events[shared->done]);
		sim_check(w);
	}
	sim_close(w);
	_exit(0);
}

void sim_judge(const struct sim_trace *trace, struct sim_verdict *out)
{
	int status = 0;
	pid_t child;

	if (shared == NULL) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	}
	if (shared == MAP_FAILED) {
		abort();
	}
	*shared = (struct sim_verdict){0};
	fflush(NULL);
	child = fork();
	if (child == 0) {
		run(trace);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		abort();
	}
	if (!shared->failed && status != 0) {
		shared->failed = true;
		snprintf(shared->why, sizeof(shared->why), "it ended by signal %d, status %d",
			 WIFSIGNALED(status) ? WTERMSIG(status) : 0, WEXITSTATUS(status));
	}
	*out = *shared;
}

/* Numbers in the words of a law are of this run only; those of a place in a file are not. */
static bool is_same(const struct sim_verdict *a, const struct sim_verdict *b)
{
	size_t words = strcspn(a->why, "#");

	return a->failed && b->failed && words == strcspn(b->why, "#") &&
	       strncmp(a->why, b->why, words) == 0;
}

static bool is_shorter(struct sim_trace *trace, struct sim_verdict *verdict, uint32_t from,
		       uint32_t count)
{
	struct sim_trace less = {.conf = trace->conf, .count = trace->count - count};
	struct sim_verdict told;
	size_t behind = less.count - from;

	less.events = calloc(less.count + 1UL, sizeof(*less.events));
	must(less.events);
	memcpy(less.events, trace->events, from * sizeof(*less.events));
	memcpy(less.events + from, trace->events + from + count, behind * sizeof(*less.events));
	sim_judge(&less, &told);
	free(less.events);
	if (!is_same(verdict, &told)) {
		return false;
	}
	memmove(trace->events + from, trace->events + from + count,
		behind * sizeof(*trace->events));
	trace->count = less.count;
	*verdict = told;
	return true;
}

void sim_shorten(struct sim_trace *trace, struct sim_verdict *verdict)
{
	uint32_t part;

	if (verdict->done < trace->count) {
		trace->count = verdict->done + 1;
	}
	part = trace->count / 2;
	while (part > 0) {
		bool any = false;

		for (uint32_t at = 0; at < trace->count;) {
			uint32_t left = trace->count - at, count = part < left ? part : left;

			if (is_shorter(trace, verdict, at, count)) {
				any = true;
			} else {
				at += count;
			}
		}
		part = part > 1 || !any ? part / 2 : 1;
	}
}
