/* rlimits.c - see rlimits.h. */
#include "src/run/rlimits.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>

#include "shard/regbuf.h"
#include "src/setup/cgroup.h"
#include "src/setup/marks.h"
#include "src/setup/needs.h"
#include "src/run/privs.h"

#define FILES_ROOM 1048576 /* as in our unit; the kernel's fs.nr_open, unless it was changed */

static void raise_limit(int resource, rlim_t want);
static int check_group_memory(const struct cgroup_limit *limit, uint64_t need, struct err *err);

int rlimits_raise(const struct setup *setup, struct err *err)
{
	rlim_t need = needs_files(setup);
	struct rlimit now;

	raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
	raise_limit(RLIMIT_NOFILE, need + marks_wanted(&setup->opt->conf));
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

void rlimits_leave_room(void)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_max < FILES_ROOM) {
		now.rlim_max = FILES_ROOM;
		(void)setrlimit(RLIMIT_NOFILE, &now);
	}
}

uint32_t rlimits_spare_files(const struct setup *setup)
{
	rlim_t need = needs_files(setup);
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) < 0 || now.rlim_cur <= need) {
		return 0;
	}
	return now.rlim_cur - need < UINT32_MAX ? (uint32_t)(now.rlim_cur - need) : UINT32_MAX;
}

int rlimits_check_group(const struct setup *setup, const char *root, struct err *err)
{
	struct needs_group need;
	struct cgroup group;
	int rc = needs_of_group(setup, &need);

	if (rc < 0) {
		err_set(err, "control group: out of memory");
		return rc;
	}
	cgroup_read(root, &group);
	if (need.threads > cgroup_room(&group.pids)) {
		err_set(err,
			"control group: %s is %" PRIu64 ", %" PRIu64 " are in use, and %" PRIu64
			" threads more are needed; give fewer --shards, or raise TasksMax= of the "
			"unit, the container's --pids-limit",
			group.pids.where, group.pids.max, group.pids.used, need.threads);
		return -EAGAIN;
	}
	if (group.cpu.max != CGROUP_UNLIMITED && group.cpu.max < need.cpus * 1000) {
		log_warn("control group: %s gives %" PRIu64 ".%02" PRIu64 " CPUs, and %" PRIu64
			 " run shards: when the time is used up all of them stand still; give "
			 "fewer --shards, or lift CPUQuota= of the unit, the container's --cpus",
			 group.cpu.where, group.cpu.max / 1000, group.cpu.max % 1000 / 10,
			 need.cpus);
	}
	return check_group_memory(&group.memory, need.memory_bytes, err);
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

static int check_group_memory(const struct cgroup_limit *limit, uint64_t need, struct err *err)
{
	if (need <= cgroup_room(limit)) {
		return 0;
	}
	if (need > limit->max) {
		err_set(err,
			"control group: %s is %" PRIu64 " MiB, and %" PRIu64
			" MiB are needed: the kernel would kill the process; give fewer --shards "
			"or a smaller --pool, reserve huge pages, or raise MemoryMax= of the unit, "
			"the container's --memory",
			limit->where, limit->max >> 20, need >> 20);
		return -ENOMEM;
	}
	log_warn("control group: %s is %" PRIu64 " MiB, of which %" PRIu64
		 " are in use and %" PRIu64
		 " more are needed: the kernel may kill the process; give fewer --shards or a "
		 "smaller --pool, reserve huge pages, or raise MemoryMax= of the unit",
		 limit->where, limit->max >> 20, limit->used >> 20, need >> 20);
	return 0;
}
