/* precedence.c - see precedence.h.
 *
 * How much nicer: enough for the scheduler to let a shard that wakes run at once (EEVDF, a thread
 * that spins beside it: within 20 us in 9 of 10 cases and 90 us in 99 of 100; with the same nice
 * value at times 1 ms in one of 10), and so little that a change makes its way on a machine where
 * everybody waits: a third of what others get. Control thread.
 */
#include "src/run/precedence.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#include "src/base/log.h"
#include "src/run/supervisor.h"

#define NICER      5
#define NICEST     19
#define RT_LESS_BY 1

static int lower_priority(int policy);
static int be_nicer(void);

void precedence_settle(struct supervisor *sup)
{
	int rc = near_settle(&sup->changer.near, &sup->setup->topo, &sup->setup->plan);

	if (rc < 0) {
		log_debug("control: cannot keep off the CPUs of shards: %s", strerror(-rc));
	}
}

void precedence_give_way(void)
{
	int policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
	bool real_time = policy == SCHED_FIFO || policy == SCHED_RR;
	int rc = real_time ? lower_priority(policy) : be_nicer();

	if (rc < 0) {
		log_debug("control: cannot come after the shards: %s", strerror(-rc));
	}
}

static int lower_priority(int policy)
{
	struct sched_param param;

	if (sched_getparam(0, &param) < 0) {
		return -errno;
	}
	param.sched_priority -= RT_LESS_BY;
	if (param.sched_priority < sched_get_priority_min(policy)) {
		param.sched_priority = 0;
		policy = SCHED_OTHER;
	}
	return sched_setscheduler(0, policy, &param) < 0 ? -errno : 0;
}

/* On Linux a nice value is a thread's own. */
static int be_nicer(void)
{
	int now, wanted;

	errno = 0;
	now = getpriority(PRIO_PROCESS, 0);
	if (now == -1 && errno != 0) {
		return -errno;
	}
	wanted = now + NICER < NICEST ? now + NICER : NICEST;
	return setpriority(PRIO_PROCESS, 0, wanted) < 0 ? -errno : 0;
}
