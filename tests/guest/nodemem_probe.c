/* nodemem_probe.c - numa/nodemem on a real multi-node kernel, one question a run.
 *
 * Runs inside a test guest (tests/guest/cases), where the shell judges what it prints. `arena'
 * makes one arena exactly as a shard does (steps 2 and 6: pin, map, bind, populate, verify) and
 * says what came of it; with a second node it then moves the arena's pages there behind nodemem's
 * back, which nodemem_verify must notice. `pages' asks the kernel where the pages of another
 * process are: the second opinion on a running numacastd, made with the bare system call so that it
 * shares nothing with what it checks. `race' makes many arenas at once in threads just born, round
 * after round, as shards do at start, while memory like a thread's stack comes and goes beside
 * them. Units: bytes; node and CPU numbers are the kernel's.
 *
 *     nodemem_probe arena CPU NODE BYTES auto|1G|2M|thp|off any|require [MOVE_TO_NODE]
 *     nodemem_probe race ROUNDS BYTES auto|1G|2M|thp|off CPU:NODE...
 *     nodemem_probe pages PID START END PAGE_BYTES     (addresses in hexadecimal, as in /proc)
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "numa/nodemem.h"
#include "numa/pin.h"
#include "src/base/arena.h"

#define NODES_MAX      1024
#define PAGES_MAX      4096 /* asked about in one system call */
#define RACERS_MAX     128
#define STACK_BYTES    ((size_t)8 << 20)
#define MOVE_FOR_PAGES 2 /* MPOL_MF_MOVE of linux/mempolicy.h */

static const char *const huge_names[] = {"auto", "1G", "2M", "thp", "off"};

static int usage(void)
{
	fprintf(stderr, "usage: nodemem_probe arena CPU NODE BYTES auto|1G|2M|thp|off any|require "
			"[MOVE_TO_NODE]\n"
			"       nodemem_probe race ROUNDS BYTES auto|1G|2M|thp|off CPU:NODE...\n"
			"       nodemem_probe pages PID START END PAGE_BYTES\n");
	return 2;
}

static int parse_huge(const char *name, enum nodemem_huge *huge)
{
	for (unsigned int i = 0; i < sizeof(huge_names) / sizeof(huge_names[0]); i++) {
		if (strcmp(name, huge_names[i]) == 0) {
			*huge = (enum nodemem_huge)i;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *yes_no(bool value)
{
	return value ? "yes" : "no";
}

/* Moves every page of `arena' to `node_os'; 0 or -errno. */
static int move_arena(const struct arena *arena, int node_os)
{
	for (size_t at = 0; at < arena->len_bytes; at += arena->page_bytes) {
		void *page = arena->base + at;
		int status = 0;

		if (syscall(SYS_move_pages, 0, 1UL, &page, &node_os, &status, MOVE_FOR_PAGES) < 0) {
			return -errno;
		}
		if (status < 0) {
			return status;
		}
	}
	return 0;
}

/* One line about what nodemem_verify thinks after the pages went to `to_os'. */
static int show_moved(const struct arena *arena, int node_os, int to_os)
{
	uint64_t pages = 0;
	uint64_t misplaced = 0;
	int rc = move_arena(arena, to_os);

	if (rc < 0) {
		printf("moved rc=%s\n", strerror(-rc));
		return 1;
	}
	rc = nodemem_verify(arena->base, arena->len_bytes, arena->page_bytes, node_os, &pages,
			    &misplaced);
	printf("moved rc=%d pages=%llu misplaced=%llu\n", rc, (unsigned long long)pages,
	       (unsigned long long)misplaced);
	return rc < 0 ? 1 : 0;
}

static int run_arena(int argc, char **argv)
{
	struct arena arena = {0};
	struct nodemem_result got = {0};
	struct err err = {.text = ""};
	enum nodemem_huge huge = NODEMEM_HUGE_AUTO;
	int node_os = 0;
	int rc = 0;

	if (argc < 7 || argc > 8 || parse_huge(argv[5], &huge) < 0) {
		return usage();
	}
	node_os = (int)strtol(argv[3], NULL, 10);
	rc = pin_self((int)strtol(argv[2], NULL, 10));
	if (rc < 0) {
		printf("pin rc=%s\n", strerror(-rc));
		return 1;
	}
	rc = nodemem_arena(&arena, strtoul(argv[4], NULL, 10), node_os, huge,
			   strcmp(argv[6], "require") == 0, &got, &err);
	if (rc < 0) {
		printf("arena rc=%s mapped=%s\n", strerror(-rc), yes_no(arena.base != NULL));
		printf("err %s\n", err.text);
		return 1;
	}
	printf("arena rc=0 got=%s degraded=%s bound=%s verified=%s unverifiable=%s pages=%llu "
	       "misplaced=%llu bytes=%zu\n",
	       arena_huge_name(got.got), yes_no(got.degraded), yes_no(got.bound),
	       yes_no(got.verified), yes_no(got.unverifiable), (unsigned long long)got.pages,
	       (unsigned long long)got.pages_misplaced, arena.len_bytes);
	printf("note %s\n", got.note.text);
	if (argc == 8) {
		rc = show_moved(&arena, node_os, (int)strtol(argv[7], NULL, 10));
	}
	arena_unmap(&arena);
	return rc;
}

/* One thread of `race': what to do, and what came of it in one round. */
struct racer {
	pthread_t thread;
	int cpu_os;
	int node_os;
	size_t len_bytes;
	enum nodemem_huge huge;
	struct arena arena; /* held until all have theirs */
	int rc;
	uint64_t misplaced;
	struct err err; /* when nodemem refused */
};

static void *racer_main(void *arg)
{
	struct racer *racer = arg;
	struct nodemem_result got = {0};

	racer->rc = pin_self(racer->cpu_os);
	if (racer->rc == 0) {
		racer->rc = nodemem_arena(&racer->arena, racer->len_bytes, racer->node_os,
					  racer->huge, false, &got, &racer->err);
	}
	if (racer->rc == 0) {
		racer->misplaced = got.pages_misplaced;
	}
	return NULL;
}

/* What starting a thread does to the address space: memory of a stack's size is mapped, and its
 * highest byte touched. Where it touches an arena not yet marked as such, they merge. */
static void *stacks_main(void *arg)
{
	const atomic_bool *done = arg;

	while (!atomic_load(done)) {
		unsigned char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

		if (stack != MAP_FAILED) {
			*(volatile unsigned char *)(stack + STACK_BYTES - 1) = 1;
			munmap(stack, STACK_BYTES);
		}
	}
	return NULL;
}

/* Starts the racers and waits for them; adds up how many failed and how many have misplaced pages.
 */
static int race_once(struct racer *racers, int count, unsigned long *failed,
		     unsigned long *misplaced)
{
	for (int i = 0; i < count; i++) {
		if (pthread_create(&racers[i].thread, NULL, racer_main, &racers[i]) != 0) {
			fprintf(stderr, "nodemem_probe: cannot create a thread\n");
			return -EAGAIN;
		}
	}
	for (int i = 0; i < count; i++) {
		pthread_join(racers[i].thread, NULL);
		if (racers[i].rc != 0) {
			(*failed)++;
			printf("err %s\n", racers[i].err.text);
		}
		*misplaced += racers[i].rc == 0 && racers[i].misplaced > 0;
	}
	for (int i = 0; i < count; i++) {
		arena_unmap(&racers[i].arena);
	}
	return 0;
}

static int run_race(int argc, char **argv)
{
	static struct racer racers[RACERS_MAX];
	enum nodemem_huge huge = NODEMEM_HUGE_AUTO;
	unsigned long misplaced = 0;
	unsigned long failed = 0;
	int count = argc - 5;
	atomic_bool done = false;
	pthread_t stacks;
	int rc = 0;

	if (count < 1 || count > RACERS_MAX || parse_huge(argv[4], &huge) < 0) {
		return usage();
	}
	for (int i = 0; i < count; i++) {
		char *node = NULL;

		racers[i].cpu_os = (int)strtol(argv[5 + i], &node, 10);
		racers[i].node_os = *node == ':' ? (int)strtol(node + 1, NULL, 10) : NODE_UNKNOWN;
		racers[i].len_bytes = strtoul(argv[3], NULL, 10);
		racers[i].huge = huge;
	}
	if (pthread_create(&stacks, NULL, stacks_main, &done) != 0) {
		return 1;
	}
	for (long rounds = strtol(argv[2], NULL, 10); rounds > 0 && rc == 0; rounds--) {
		rc = race_once(racers, count, &failed, &misplaced);
	}
	atomic_store(&done, true);
	pthread_join(stacks, NULL);
	if (rc < 0) {
		return 1;
	}
	printf("race failed=%lu misplaced=%lu\n", failed, misplaced);
	return 0;
}

/* Adds the nodes of `count' pages from `start' on to `per_node'; absent pages go to the last entry.
 * 0 or -errno. */
static int count_pages(int pid, uintptr_t start, size_t count, size_t page_bytes,
		       unsigned long per_node[NODES_MAX + 1])
{
	static void *pages[PAGES_MAX];
	static int status[PAGES_MAX];

	for (size_t i = 0; i < count; i++) {
		pages[i] = (void *)(start + i * page_bytes); /* NOLINT(performance-no-int-to-ptr) */
	}
	if (syscall(SYS_move_pages, pid, count, pages, NULL, status, 0) < 0) {
		return -errno;
	}
	for (size_t i = 0; i < count; i++) {
		per_node[status[i] >= 0 && status[i] < NODES_MAX ? status[i] : NODES_MAX]++;
	}
	return 0;
}

/* Prints "N1=4" for each node that holds pages of the range, and "absent=2" for pages not there. */
static int run_pages(int argc, char **argv)
{
	unsigned long per_node[NODES_MAX + 1] = {0};

	if (argc != 6) {
		return usage();
	}
	int pid = (int)strtol(argv[2], NULL, 10);
	uintptr_t start = strtoul(argv[3], NULL, 16);
	uintptr_t end = strtoul(argv[4], NULL, 16);
	size_t page_bytes = strtoul(argv[5], NULL, 10);

	if (page_bytes == 0 || end <= start) {
		return usage();
	}
	while (start < end) {
		size_t left = (end - start) / page_bytes;
		size_t count = left < PAGES_MAX ? left : PAGES_MAX;
		int rc =
			count == 0 ? -EINVAL : count_pages(pid, start, count, page_bytes, per_node);

		if (rc < 0) {
			fprintf(stderr, "nodemem_probe: pages of process %d: %s\n", pid,
				strerror(-rc));
			return 1;
		}
		start += count * page_bytes;
	}
	for (int node_os = 0; node_os < NODES_MAX; node_os++) {
		if (per_node[node_os] > 0) {
			printf("N%d=%lu\n", node_os, per_node[node_os]);
		}
	}
	if (per_node[NODES_MAX] > 0) {
		printf("absent=%lu\n", per_node[NODES_MAX]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "arena") == 0) {
		return run_arena(argc, argv);
	}
	if (argc >= 2 && strcmp(argv[1], "race") == 0) {
		return run_race(argc, argv);
	}
	if (argc >= 2 && strcmp(argv[1], "pages") == 0) {
		return run_pages(argc, argv);
	}
	return usage();
}
