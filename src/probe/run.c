/* run.c - stop signal, clocks and progress line of numacast-probe.
 *
 * One thread. Units: nanoseconds.
 */
#include "src/probe/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clock.h"

volatile sig_atomic_t probe_stop;

static uint64_t progress_next_ns;
static bool progress_shown;

static void on_signal(int number);

void probe_run_catch_signals(void)
{
	/* Without SA_RESTART, so that a wait ends; reset, so that a second signal kills. */
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

uint32_t probe_run_boot(void)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	FILE *file = fopen(path, "re");
	char text[64] = "";
	uint32_t hash = 2166136261u; /* FNV-1a */
	bool known = file != NULL && fgets(text, sizeof(text), file) != NULL;

	if (!known) {
		log_warn("numacast-probe: %s: cannot read which boot of this host it is: %s; by "
			 "the monotonic clock no latency is known",
			 path, strerror(errno));
	}
	if (file != NULL) {
		fclose(file);
	}
	if (!known) {
		return 0;
	}
	for (const char *c = text; *c != '\0'; c++) {
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	}
	return hash;
}

uint64_t probe_run_realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

bool probe_run_progress_due(const struct probe_opt *opt, uint64_t now_ns)
{
	if (now_ns < progress_next_ns || opt->quiet) {
		return false;
	}
	progress_next_ns = now_ns + NS_PER_S;
	return isatty(STDERR_FILENO) == 1;
}

void probe_run_progress(const char *line)
{
	fprintf(stderr, "\r%s\033[K", line);
	progress_shown = true;
}

void probe_run_progress_wipe(void)
{
	if (progress_shown) {
		fprintf(stderr, "\r\033[K");
		progress_shown = false;
	}
}

static void on_signal(int number)
{
	probe_stop = 1;
}
