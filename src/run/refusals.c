/* refusals.c - see refusals.h.
 *
 * The handler runs on whichever thread made the call, the finisher included, which has the signal's
 * handler and the counters but no thread-local memory: so it only counts, by atomics, and changes
 * the register in which a result is returned. SIGSYS that is no answer of a filter of ours, by
 * somebody's kill(1) or a filter around the whole process, ends the process as it would have done
 * without us.
 */
#include "src/run/refusals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

#include "src/base/log.h"
#include "src/run/sandbox.h"

#define CALLS_MAX 512  /* numbers of calls; what is beyond counts as the last */
#define NO_CALL   (-1) /* a debugger answers in the place of the call that there was */
#define WORD_BITS 64
#define WORDS     (CALLS_MAX / WORD_BITS)

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1 /* si_code */
#endif

/* Written by the handler on any thread, read by control: relaxed atomics. */
static struct {
	uint64_t count;
	uint64_t seen[WORDS]; /* a bit for each call */
} refusals[CONFINE_COUNT];

static uint64_t told[CONFINE_COUNT][WORDS]; /* control's */

static uint64_t untold(enum confine_kind kind, int word);
static void answer(int signo, siginfo_t *info, void *context);
static bool set_result(ucontext_t *context, int result);
static void tell(enum confine_kind kind, int number);

int refusals_open(void)
{
	struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_RESTART};

	sigemptyset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

uint32_t refusals_mark(enum confine_kind kind)
{
	return (uint32_t)kind + 1;
}

uint64_t refusals_count(enum confine_kind kind)
{
	return __atomic_load_n(&refusals[kind].count, __ATOMIC_RELAXED);
}

uint64_t refusals_sum(void)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < CONFINE_COUNT; kind++) {
		sum += refusals_count((enum confine_kind)kind);
	}
	return sum;
}

void refusals_untold(struct refusals_news *out)
{
	*out = (struct refusals_news){0};
	for (int kind = CONFINE_COUNT - 1; kind >= 0; kind--) {
		for (int word = WORDS - 1; word >= 0; word--) {
			uint64_t news = untold((enum confine_kind)kind, word);

			if (news != 0) {
				out->count += (uint32_t)__builtin_popcountll(news);
				out->kind = (enum confine_kind)kind;
				out->number = word * WORD_BITS + __builtin_ctzll(news);
			}
		}
	}
}

void refusals_tell(void)
{
	static int told_refused;
	int refused = sandbox_refused();

	if (refused != told_refused) {
		log_warn("sandbox: the kernel refuses filters of system calls: %s; expected one "
			 "with CONFIG_SECCOMP_FILTER, and the system call seccomp to be allowed",
			 strerror(-refused));
		told_refused = refused;
	}
	for (int kind = 0; kind < CONFINE_COUNT; kind++) {
		for (int word = 0; word < WORDS; word++) {
			uint64_t news = untold((enum confine_kind)kind, word);

			told[kind][word] |= news;
			for (; news != 0; news &= news - 1) {
				tell((enum confine_kind)kind,
				     word * WORD_BITS + __builtin_ctzll(news));
			}
		}
	}
}

void refusals_tell_of(const struct refusals_news *before)
{
	char name[SANDBOX_CALL_MAX];

	if (before->count > 0) {
		log_error("sandbox: the process before was refused a system call to %s: %s, and "
			  "%u more; then it was killed; report it; --sandbox off allows all",
			  confine_name(before->kind), sandbox_name_call(before->number, name),
			  before->count - 1);
	}
}

static uint64_t untold(enum confine_kind kind, int word)
{
	return __atomic_load_n(&refusals[kind].seen[word], __ATOMIC_RELAXED) & ~told[kind][word];
}

static void answer(int signo, siginfo_t *info, void *context)
{
	unsigned kind = (unsigned)info->si_errno - 1; /* of refusals_mark */
	unsigned number = (unsigned)info->si_syscall;

	if (info->si_code == SYS_SECCOMP && info->si_syscall == NO_CALL) {
		return;
	}
	if (info->si_code != SYS_SECCOMP || kind >= CONFINE_COUNT || !set_result(context, -EPERM)) {
		(void)signal(signo, SIG_DFL);
		(void)raise(signo);
		return;
	}
	number = number < CALLS_MAX ? number : CALLS_MAX - 1;
	__atomic_fetch_or(&refusals[kind].seen[number / WORD_BITS],
			  (uint64_t)1 << number % WORD_BITS, __ATOMIC_RELAXED);
	__atomic_fetch_add(&refusals[kind].count, 1, __ATOMIC_RELAXED);
}

/* False on a processor of which we do not know where results stand. */
static bool set_result(ucontext_t *context, int result)
{
#if defined(__x86_64__)
	context->uc_mcontext.gregs[REG_RAX] = result;
	return true;
#elif defined(__aarch64__)
	context->uc_mcontext.regs[0] = (unsigned long long)result;
	return true;
#else
	(void)context;
	(void)result;
	return false;
#endif
}

static void tell(enum confine_kind kind, int number)
{
	char name[SANDBOX_CALL_MAX];

	log_error("sandbox: refused a system call to %s: %s; expected none but those that it is "
		  "known to make; report it; --sandbox off allows all",
		  confine_name(kind), sandbox_name_call(number, name));
}
