/* simulate.c - runs simulations by seed, or one trace, and says what fails and how.
 *
 *     simulate [--from SEED] [--seeds COUNT] [--events COUNT]
 *     simulate --replay FILE
 *
 * A seed that fails is shortened, and the trace that is left is printed as it can be replayed. Exit
 * status 1 when one failed, 2 for what is not understood. make check runs a hundred seeds, make
 * simulate as many as one asks for.
 */
#include <getopt.h>
#include <stdlib.h>

#include "tests/sim/judge.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEEDS 25 /* each takes five times as long */
#else
#define SEEDS 100
#endif
#define EVENTS 10000

static bool tell(struct sim_trace *trace, struct sim_verdict *verdict)
{
	if (!verdict->failed) {
		return true;
	}
	printf("seed %u fails at event %u: %s\n", trace->conf.seed, verdict->done, verdict->why);
	sim_shorten(trace, verdict);
	printf("the same with %u events, at the last: %s\n", trace->count, verdict->why);
	sim_trace_print(trace, stdout);
	return false;
}

static bool simulate(uint32_t seed, uint32_t events)
{
	struct sim_verdict verdict;
	struct sim_trace trace;
	bool good;

	sim_trace_make(&trace, seed, events);
	sim_judge(&trace, &verdict);
	good = tell(&trace, &verdict);
	sim_trace_free(&trace);
	return good;
}

static int replay(const char *path)
{
	FILE *file = fopen(path, "r");
	struct sim_verdict verdict;
	struct sim_trace trace;

	if (file == NULL || sim_trace_read(&trace, file) < 0) {
		fprintf(stderr, "%s: no trace\n", path);
		return 2;
	}
	fclose(file);
	sim_judge(&trace, &verdict);
	printf("%u events: %s\n", trace.count, verdict.failed ? verdict.why : "all laws hold");
	sim_trace_free(&trace);
	return verdict.failed;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"from", required_argument, NULL, 'f'},
						{"seeds", required_argument, NULL, 's'},
						{"events", required_argument, NULL, 'e'},
						{"replay", required_argument, NULL, 'r'},
						{0}};
	uint32_t from = 1, seeds = SEEDS, events = EVENTS, failed = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		uint32_t number = optarg ? (uint32_t)strtoul(optarg, NULL, 10) : 0;

		switch (option) {
		case 'f':
			from = number;
			break;
		case 's':
			seeds = number;
			break;
		case 'e':
			events = number;
			break;
		case 'r':
			return replay(optarg);
		default:
			return 2;
		}
	}
	for (uint32_t i = 0; i < seeds; i++) {
		failed += !simulate(from + i, events);
	}
	printf("%u seeds of %u events: %u failed\n", seeds, events, failed);
	return failed > 0;
}
