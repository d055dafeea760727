/* group.c - does the control group give what the plan takes?
 *
 * A group that gives less memory than the shards touch has them killed without a word, one that
 * gives fewer threads refuses the start, and one that gives less CPU time puts shards to sleep in
 * the middle of a burst. Pure but for files below root. Units: bytes, threads, thousandths of a
 * CPU.
 */
#include "src/host/host.h"

#include <inttypes.h>

#include "src/setup/cgroup.h"
#include "src/setup/needs.h"
#include "src/view/sum.h"

static void check_memory(struct host *host, const struct cgroup_limit *limit, uint64_t need);
static void check_huge(struct host *host, const struct cgroup_limit *limit, uint64_t need);
static void check_threads(struct host *host, const struct cgroup_limit *limit, uint64_t need);
static void check_time(struct host *host, const struct cgroup_limit *limit, uint64_t cpus);
static const char *in_bytes(struct host *host, const struct cgroup_limit *limit, uint64_t need);

void host_group(struct host *host)
{
	struct needs_group need;
	struct cgroup group;

	if (needs_of_group(host->setup, &need) < 0) {
		host->out_of_memory = true;
		return;
	}
	cgroup_read(host->root, &group);
	if (!group.known) {
		host_add(host, &(struct finding){
				       .level = FINDING_UNKNOWN,
				       .id = "cgroup",
				       .value = "not known: no /proc/self/cgroup",
				       .why = "its control group may give this process less than "
					      "the machine has",
			       });
		return;
	}
	check_memory(host, &group.memory, need.memory_bytes);
	check_huge(host,
		   need.page_bytes == arena_huge_bytes(ARENA_HUGE_1G) ? &group.huge_1g
								      : &group.huge_2m,
		   need.huge_bytes);
	check_threads(host, &group.pids, need.threads);
	check_time(host, &group.cpu, need.cpus);
}

static void check_memory(struct host *host, const struct cgroup_limit *limit, uint64_t need)
{
	struct finding finding = {
		.id = "cgroup_memory",
		.value = in_bytes(host, limit, need),
		.why = "beyond it the kernel kills the process while the shards touch their "
		       "memory",
	};

	if (need > cgroup_room(limit)) {
		finding.level = need > limit->max ? FINDING_FAIL : FINDING_WARN;
		finding.advice = "give fewer shards (--shards) or smaller pools (--pool), "
				 "reserve huge pages, or raise MemoryMax= of the unit, the "
				 "container's --memory";
	}
	host_add(host, &finding);
}

/* Only where pages come from a pool. */
static void check_huge(struct host *host, const struct cgroup_limit *limit, uint64_t need)
{
	bool required = host->setup->opt->require_huge;
	struct finding finding = {
		.id = "cgroup_hugetlb",
		.value = in_bytes(host, limit, need),
		.why = "huge pages beyond it are refused, however many the pool holds",
	};

	if (need == 0) {
		return;
	}
	if (need > cgroup_room(limit)) {
		finding.level = required ? FINDING_FAIL : FINDING_WARN;
		finding.advice = host_text(host, "raise %s", limit->where);
	}
	host_add(host, &finding);
}

static void check_threads(struct host *host, const struct cgroup_limit *limit, uint64_t need)
{
	struct finding finding = {
		.id = "cgroup_pids",
		.value = limit->max == CGROUP_UNLIMITED
				 ? host_text(host, "no limit, %" PRIu64 " threads needed", need)
				 : host_text(host,
					     "%s = %" PRIu64 ", %" PRIu64 " in use, %" PRIu64
					     " more needed",
					     limit->where, limit->max, limit->used, need),
		.why = "a shard whose thread is refused ends the start",
	};

	if (need > cgroup_room(limit)) {
		finding.level = FINDING_FAIL;
		finding.advice =
			"give fewer shards (--shards), or raise TasksMax= of the unit, the "
			"container's --pids-limit";
	}
	host_add(host, &finding);
}

static void check_time(struct host *host, const struct cgroup_limit *limit, uint64_t cpus)
{
	struct finding finding = {
		.id = "cgroup_cpu",
		.value = limit->max == CGROUP_UNLIMITED
				 ? "no limit"
				 : host_text(host,
					     "%s gives %" PRIu64 ".%02" PRIu64 " CPUs, %" PRIu64
					     " run shards",
					     limit->where, limit->max / 1000,
					     limit->max % 1000 / 10, cpus),
		.why = "when the time of a period is used up, all shards stand still until the "
		       "next, and their sockets overflow",
	};

	if (limit->max != CGROUP_UNLIMITED && limit->max < cpus * 1000) {
		finding.level = FINDING_WARN;
		finding.advice = "give as many shards as CPUs (--shards), or lift CPUQuota= of the "
				 "unit, the container's --cpus; a cpuset divides CPUs better than "
				 "a quota";
	}
	host_add(host, &finding);
}

static const char *in_bytes(struct host *host, const struct cgroup_limit *limit, uint64_t need)
{
	char max[VIEW_BYTES_TEXT_MAX], used[VIEW_BYTES_TEXT_MAX], wanted[VIEW_BYTES_TEXT_MAX];

	view_sum_bytes(need, wanted);
	if (limit->max == CGROUP_UNLIMITED) {
		return host_text(host, "no limit, %s needed", wanted);
	}
	return host_text(host, "%s = %s, %s in use, %s more needed", limit->where,
			 view_sum_bytes(limit->max, max), view_sum_bytes(limit->used, used),
			 wanted);
}
