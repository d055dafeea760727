/* rlimits.c - see rlimits.h. */
#include "src/run/rlimits.h"

#include <errno.h>
#include <sys/resource.h>

#include "shard/regbuf.h"
#include "src/setup/needs.h"
#include "src/run/privs.h"

static void raise_limit(int resource, rlim_t want);

int rlimits_raise(const struct setup *setup, struct err *err)
{
	rlim_t need = needs_files(setup);
	struct rlimit now;

	raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
	raise_limit(RLIMIT_NOFILE, need);
	if (getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur < need) {
		err_set(err,
			"open files: %llu are needed (one per flow and output), the limit is %llu; "
			"raise it with `ulimit -n %llu' or LimitNOFILE=%llu in the unit",
			(unsigned long long)need, (unsigned long long)now.rlim_cur,
			(unsigned long long)need, (unsigned long long)need);
		return -EMFILE;
	}
	return 0;
}

uint64_t rlimits_lockable_bytes(uint64_t rings_bytes)
{
	struct rlimit limit;
	uint64_t left;

	if (privs_lock_freely() || getrlimit(RLIMIT_MEMLOCK, &limit) < 0 ||
	    limit.rlim_cur == RLIM_INFINITY) {
		return REGBUF_ALL;
	}
	left = limit.rlim_cur > rings_bytes ? limit.rlim_cur - rings_bytes : 0;
	return left < limit.rlim_cur / 2 ? left : limit.rlim_cur / 2;
}

/* The hard limit can be raised only with CAP_SYS_RESOURCE, hence two tries. */
static void raise_limit(int resource, rlim_t want)
{
	struct rlimit now, wanted;

	if (getrlimit(resource, &now) < 0 || now.rlim_cur >= want) {
		return;
	}
	wanted.rlim_cur = want;
	wanted.rlim_max = now.rlim_max > want ? now.rlim_max : want;
	if (setrlimit(resource, &wanted) < 0) {
		now.rlim_cur = now.rlim_max < want ? now.rlim_max : want;
		(void)setrlimit(resource, &now);
	}
}
