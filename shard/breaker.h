/* breaker.h - tells a flow whose datagrams circle from one whose sender repeats itself.
 *
 * Relays, bridges and kernels of other hosts may carry what we send back to where we receive it.
 * Nothing in such a datagram says so: with src=keep, ttl=keep and sport=keep it is the same in
 * every byte. What tells the two apart is what becomes of it when we do not send it on: one that
 * circles comes no more, one that its sender repeats comes as before. So an examination is an
 * experiment:
 *
 *     watch    remembers the first datagrams that are not equal, and counts how often each comes.
 *              Few flows bring the same ones again and again; all others are innocent here, and
 *              lose nothing
 *     cut      keeps out a few of those, each time they come, and lets all others pass
 *     listen   lets all pass again, and counts. If those few come far less often by now, compared
 *              with the others, it was we who kept them going. (Not always we alone: where several
 *              relays multiply what they hear, what one of them keeps out loses against the rest.)
 *
 * A flow that is convicted twice in a row circles. From then on a memory of what was relayed lately
 * keeps out what comes again: what is new passes, and the circle is broken for as long as it is
 * there. Datagrams are known by a digest of their payload. Times in nanoseconds of one clock. Pure;
 * shard thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXAM_MARKS_MAX   256 /* different datagrams that are remembered of one examination */
#define EXAM_SLOTS       (2 * EXAM_MARKS_MAX)
#define EXAM_RIPE        4     /* times that one must come to be suspicious */
#define EXAM_RIPE_MIN    8     /* so many must, else it is a sender with little to say */
#define EXAM_TESTS       8     /* of these, that are kept out */
#define EXAM_FEWER       4     /* so much less often must they come afterwards */
#define EXAM_EXPECT_MIN  12    /* fewer to be expected say nothing */
#define EXAM_RETURNS     8     /* all but one in so many come again: no less suspicious */
#define EXAM_LOUD        8     /* one that is more than one in so many says nothing of the rest */
#define EXAM_WATCHED_MIN 16384 /* without any that came again: innocent */
#define EXAM_WATCHED_MAX 262144
#define EXAM_WATCH_NS    2000000000ULL
#define EXAM_ROUNDS      4 /* of the first trial: times that the others come; doubled each time */
#define EXAM_CUT_LONG_NS \
	200000000ULL /* where copies multiply, and how often one comes tells little */
#define EXAM_LISTEN_NS  2000000000ULL /* at most */
#define EXAM_CUT_MAX_NS 2000000000ULL
#define EXAM_TURNED_MIN 4 /* so many came from two senders: copies may multiply */

#define MEMORY_WAYS      4
#define MEMORY_SETS      512
#define MEMORY_TIME_BITS 24
#define MEMORY_MS        1000 /* what came again within so long circles */
#define MEMORY_STRICT_MS 200  /* the same of a flow that nobody convicted */

enum exam_role {
	EXAM_NONE,
	EXAM_TEST,
	EXAM_CONTROL,
};

struct exam_mark {
	uint64_t digest;            /* 0: a free slot */
	uint32_t first_us, last_us; /* since the examination began */
	uint32_t who;               /* sent it first */
	uint32_t count : 29;        /* times it came */
	uint32_t role : 2;          /* enum exam_role */
	uint32_t turned : 1;        /* somebody else sent it, too */
};

enum exam_stage {
	EXAM_WATCHES,
	EXAM_CUTS,
	EXAM_LISTENS,
};

struct exam {
	enum exam_stage stage;
	uint64_t began_ns;
	uint64_t until_ns; /* when the stage ends */
	uint64_t round_ns; /* longest mean time between two comings of one that is kept out */
	uint32_t controls; /* how many there are */
	uint32_t rounds;   /* to be kept out of: times that one would come */
	uint32_t watched;  /* datagrams */
	uint32_t returns;  /* of these, that were remembered */
	uint32_t mark_count;
	uint32_t ripe_count;
	uint32_t turned_count;
	uint32_t ripe_at;    /* `watched' when there were EXAM_RIPE_MIN; 0: not yet */
	uint32_t ripe_marks; /* `mark_count' then */
	uint32_t tests_seen, controls_seen;   /* how often they came while watched */
	uint32_t controls_passed;             /* the same, while others were kept out */
	uint32_t tests_heard, controls_heard; /* the same, while listening */
	struct exam_mark marks[EXAM_SLOTS];
};

enum exam_verdict {
	EXAM_GOES_ON,
	EXAM_INNOCENT,  /* nothing in it is suspicious; it has lost nothing */
	EXAM_ACQUITTED, /* its sender repeats itself; a few of its datagrams were kept out */
	EXAM_UNCLEAR,   /* it fell silent, or changed */
	EXAM_CIRCLES,
};

/* `trial': how often it was tried before. Each time more is kept out. */
void exam_begin(struct exam *exam, unsigned trial, uint64_t now_ns);

/* Takes one datagram of the flow; `who' stands for its sender. True when it is to be kept out. */
bool exam_take(struct exam *exam, uint64_t digest, uint32_t who, uint64_t now_ns);

/* What is known by now; to be asked after what came together was taken, and while nothing comes.
 * `losing': datagrams of the flow were lost since it began, as they are where copies multiply. */
enum exam_verdict exam_judge(struct exam *exam, bool losing, uint64_t now_ns);

/* About how many different datagrams go round: those that are remembered are a sample of them. */
uint32_t exam_population(const struct exam *exam);

/* What was relayed lately, of all flows of a shard: the upper bits of each digest, and when it was,
 * in milliseconds of MEMORY_TIME_BITS bits. All zero: nothing. */
struct breaker_memory {
	uint64_t sets[MEMORY_SETS][MEMORY_WAYS];
};

/* Whether a datagram was here less than `span_ms' ago; from now on it was. */
bool memory_knows(struct breaker_memory *memory, uint64_t digest, uint32_t span_ms,
		  uint64_t now_ns);

/* Of `len' bytes: equal ones have the same, and others hardly ever. `seed' sets kinds apart. Never
 * 0. */
uint64_t breaker_digest(const void *bytes, size_t len, uint64_t seed);
