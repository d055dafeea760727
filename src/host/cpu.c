/* cpu.c - may we use the CPUs and nodes that the plan is about, and do they stay awake?
 *
 * The cpuset (affinity and control group) that this process has; the frequency governor and the
 * idle states of the CPUs that shards will run on. A virtual machine usually shows neither: then
 * its host decides. Pure but for files below root. Units: microseconds to leave an idle state.
 */
#include "src/host/host.h"

#include <inttypes.h>
#include <string.h>

#define CPU         "/sys/devices/system/cpu/"
#define IDLE_US_MAX 50 /* leaving a state may take so long: less than a batch wait */
#define IDLE_STATES 16

/* The deepest state in use by any shard's CPU. */
struct idle_sum {
	int64_t latency_us;
	const char *name;
	bool deep; /* one takes too long to leave */
	bool known;
};

static void check_cpuset(struct host *host);
static const struct host_iface *shut_out(const struct host *host);
static const char *status_field(struct host *host, const char *key);
static void check_isolated(struct host *host);
static const char *isolated_without_shard(struct host *host);
static bool runs_shard(const struct plan *plan, int cpu_os);
static bool has_home(const struct plan *plan, int node_os);
static void check_governor(struct host *host);
static void check_idle(struct host *host);
static void sum_idle(struct host *host, int cpu, struct idle_sum *sum);

void host_cpu(struct host *host)
{
	check_cpuset(host);
	check_isolated(host);
	check_governor(host);
	check_idle(host);
}

static void check_cpuset(struct host *host)
{
	const struct host_iface *iface = shut_out(host);
	const char *online = host_line(host, CPU "online");
	const char *text = host_text(
		host, "CPUs %s of %s, memory of nodes %s", status_field(host, "Cpus_allowed_list:"),
		online ? online : "not known", status_field(host, "Mems_allowed_list:"));
	struct finding finding = {
		.level = iface                       ? FINDING_WARN
			 : strstr(text, "not known") ? FINDING_UNKNOWN
						     : FINDING_OK,
		.id = "cpuset",
		.value = text,
		.why = "only CPUs and nodes that this process may use become shards",
	};

	if (iface) {
		finding.subject = iface->at->name;
		finding.why = host_text(host,
					"the interface is on node %d, whose CPUs or memory this "
					"process may not use, so its flows cross to another node",
					iface->at->node_os);
		finding.advice = "widen AllowedCPUs= and AllowedMemoryNodes= of the unit, or the "
				 "container's cpuset";
	}
	host_add(host, &finding);
}

/* The first ingress interface whose node we may not use, or NULL. */
static const struct host_iface *shut_out(const struct host *host)
{
	for (uint32_t i = 0; i < host->facts->iface_count; i++) {
		const struct host_iface *iface = &host->facts->ifaces[i];
		const struct topo_node *node =
			topo_find_node(&host->setup->topo, iface->at->node_os);

		if (iface->flow_count > 0 && node &&
		    ((node->cpu_count == 0 && !has_home(&host->setup->plan, node->node_os)) ||
		     !node->allowed)) {
			return iface;
		}
	}
	return NULL;
}

/* The rest of the line that begins with `key'. */
static const char *status_field(struct host *host, const char *key)
{
	const char *text = host_file(host, "/proc/self/status");
	const char *line = text ? strstr(text, key) : NULL;

	if (!line) {
		return "not known";
	}
	line += strlen(key);
	line += strspn(line, " \t");
	return host_text(host, "%.*s", (int)strcspn(line, "\n"), line);
}

/* Whether --cpus has put a shard on a node of which the affinity mask leaves everything out. */
static bool has_home(const struct plan *plan, int node_os)
{
	for (uint32_t i = 0; i < plan->shard_count; i++) {
		if (plan->shards[i].home_os == node_os) {
			return true;
		}
	}
	return false;
}

/* Only where the kernel keeps CPUs free of other work. Whom they were bought for it cannot tell. */
static void check_isolated(struct host *host)
{
	const char *isolated = host_line(host, CPU "isolated");
	const char *spare = isolated_without_shard(host);

	if (!isolated || *isolated == '\0') {
		return;
	}
	host_add(host,
		 &(struct finding){
			 .id = "isolated_cpus",
			 .value = host_text(host, "CPUs %s are isolated, %s%s", isolated,
					    *spare ? "without a shard: " : "all with a shard",
					    spare),
			 .why = "the kernel keeps other work away from them; the affinity "
				"mask leaves them out, so that shards run there only where "
				"--cpus names them",
			 .advice = *spare ? host_text(host, "for shards there: --cpus %s", spare)
					  : NULL,
		 });
}

/* "2,3"; "" for none. */
static const char *isolated_without_shard(struct host *host)
{
	const struct topo *topo = &host->setup->topo;
	const char *list = "";

	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		const struct topo_cpu *cpu = &topo->cpus[i];

		if (cpu->isolated && !runs_shard(&host->setup->plan, cpu->cpu_os)) {
			list = host_text(host, "%s%s%d", list, *list ? "," : "", cpu->cpu_os);
		}
	}
	return list;
}

static bool runs_shard(const struct plan *plan, int cpu_os)
{
	for (uint32_t i = 0; i < plan->shard_count; i++) {
		if (plan->shards[i].cpu_os == cpu_os) {
			return true;
		}
	}
	return false;
}

static void check_governor(struct host *host)
{
	const struct plan *plan = &host->setup->plan;
	const char *slow = NULL, *last = NULL;
	int slow_os = -1;
	uint32_t slow_count = 0;

	for (uint32_t i = 0; i < plan->shard_count; i++) {
		int cpu = plan->shards[i].cpu_os;
		const char *now = host_line(host, CPU "cpu%d/cpufreq/scaling_governor", cpu);

		last = now ? now : last;
		if (now && strcmp(now, "performance") != 0 && slow_count++ == 0) {
			slow = now;
			slow_os = cpu;
		}
	}
	host_add(host,
		 &(struct finding){
			 .level = slow   ? FINDING_WARN
				  : last ? FINDING_OK
					 : FINDING_UNKNOWN,
			 .id = "cpu_governor",
			 .value = slow   ? host_text(host, "%s on CPU %d, %u of %u shards", slow,
						     slow_os, slow_count, plan->shard_count)
				  : last ? last
					 : "not known: no cpufreq here, the firmware or the "
					   "hypervisor decides",
			 .why = "a core that clocks down between bursts is slow when the next one "
				"comes",
			 .cure = slow ? "for f in " CPU "cpu[0-9]*/cpufreq/scaling_governor; do "
					"echo performance > $f; done"
				      : NULL,
		 });
}

static void check_idle(struct host *host)
{
	const struct plan *plan = &host->setup->plan;
	struct idle_sum sum = {0};
	struct finding finding = {
		.id = "cpu_idle",
		.why = "a core that sleeps deeply answers late: the first datagram after a pause "
		       "waits for it",
	};

	for (uint32_t i = 0; i < plan->shard_count; i++) {
		sum_idle(host, plan->shards[i].cpu_os, &sum);
	}
	finding.level = sum.known ? FINDING_OK : FINDING_UNKNOWN;
	finding.value = !sum.known ? "not known: no cpuidle here, the hypervisor decides"
				   : host_text(host, "deepest state %s, %" PRId64 " us to leave",
					       sum.name ? sum.name : "none", sum.latency_us);
	if (sum.deep) {
		finding.level = FINDING_WARN;
		finding.cure = host_text(host,
					 "for f in " CPU
					 "cpu[0-9]*/cpuidle/state[0-9]*; do [ $(cat $f/latency) "
					 "-le %d ] || echo 1 > $f/disable; done",
					 IDLE_US_MAX);
	}
	host_add(host, &finding);
}

static void sum_idle(struct host *host, int cpu, struct idle_sum *sum)
{
	for (int state = 0; state < IDLE_STATES; state++) {
		int64_t latency =
			host_number(host, -1, CPU "cpu%d/cpuidle/state%d/latency", cpu, state);

		if (latency < 0) {
			return;
		}
		sum->known = true;
		if (host_number(host, 0, CPU "cpu%d/cpuidle/state%d/disable", cpu, state)) {
			continue;
		}
		sum->deep |= latency > IDLE_US_MAX;
		if (latency >= sum->latency_us) {
			sum->latency_us = latency;
			sum->name = host_line(host, CPU "cpu%d/cpuidle/state%d/name", cpu, state);
		}
	}
}
