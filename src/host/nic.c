/* nic.c - do an interface's device, its interrupts and its flows' shards sit together?
 *
 * Two findings for each ingress interface: on which node its device is and how many of its flows
 * are owned there, and which CPUs take its interrupts. A datagram is written into memory near the
 * CPU that takes the interrupt; a shard on another node then reads all of it across. Flows that the
 * kernel relays are relayed by that CPU itself, so for these it is to be on the device's node, and
 * that is a finding of its own. Pure but for files below root. CPU and node numbers are the
 * kernel's.
 */
#include "src/host/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numa/nic_irq.h"

#define IRQ_TEXT_MAX 12 /* a number and the blank before it */

/* Flows that come in by `ifname', those with an owner elsewhere, and the first one's reason. */
struct nic_flows {
	uint32_t count;
	uint32_t far_count;
	enum plan_why why;
};

/* Interrupts of one interface, by where they go. */
struct nic_irqs {
	bool fast;   /* looked at for the flows that the kernel relays */
	int node_os; /* where they should go, or TOPO_UNKNOWN */
	uint32_t count;
	uint32_t far_count; /* at least one of their CPUs is elsewhere */
	int far_cpu_os;     /* such a CPU */
	int far_node_os;
	char *far_list; /* their numbers, separated by blanks */
	size_t far_len;
};

static void check_node(struct host *host, const struct host_iface *iface);
static struct nic_flows count_flows(const struct setup *setup, const struct iface *at);
static void check_irqs(struct host *host, const struct host_iface *iface, bool fast);
static bool has_flows(const struct host *host, const struct iface *at, bool fast);
static int wanted_node(const struct host *host, const struct iface *at);
static void look_at_irq(struct host *host, int irq, struct nic_irqs *sum);
static void note_far(struct nic_irqs *sum, int irq, const struct topo_cpu *cpu);
static void judge_irqs(struct host *host, const struct nic_irqs *sum, struct finding *finding);
static const char *node_cpus(struct host *host, int node_os);

void host_nics(struct host *host)
{
	for (uint32_t i = 0; i < host->facts->iface_count; i++) {
		const struct host_iface *iface = &host->facts->ifaces[i];

		if (iface->flags != 0 && iface->flow_count > 0) {
			check_node(host, iface);
			check_irqs(host, iface, false);
			check_irqs(host, iface, true);
		}
	}
}

void host_interrupts(struct host *host)
{
	for (uint32_t i = 0; i < host->facts->iface_count; i++) {
		if (host->facts->ifaces[i].flow_count > 0) {
			check_irqs(host, &host->facts->ifaces[i], false);
			check_irqs(host, &host->facts->ifaces[i], true);
		}
	}
}

static void check_node(struct host *host, const struct host_iface *iface)
{
	const struct iface *at = iface->at;
	struct nic_flows flows = count_flows(host->setup, at);
	struct finding finding = {
		.id = "nic_node",
		.subject = at->name,
		.why = "flows are owned by shards on the device's node, so that no datagram "
		       "crosses between sockets",
	};

	if (at->node_os == TOPO_UNKNOWN && at->via[0] == '\0') {
		finding.level = FINDING_UNKNOWN;
		finding.value = "not known: the topology does not list the interface";
	} else if (at->node_os == TOPO_UNKNOWN) {
		finding.value = host_text(host, "no known node (%s), %u flows on any shard",
					  at->via, flows.count);
	} else {
		finding.value =
			host_text(host, "node %d (%s), %u of %u flows owned there", at->node_os,
				  at->via, flows.count - flows.far_count, flows.count);
		if (flows.far_count > 0) {
			finding.level = FINDING_WARN;
			finding.advice = host_text(
				host,
				"%s; more shards on that node help (--cpus, --shards, --smt), see "
				"--plan",
				plan_why_name(flows.why));
		}
	}
	host_add(host, &finding);
}

static struct nic_flows count_flows(const struct setup *setup, const struct iface *at)
{
	const struct plan *plan = &setup->plan;
	struct nic_flows flows = {0};

	for (uint32_t f = 0; f < plan->flow_count; f++) {
		bool far = false;

		if (strcmp(setup->opt->conf.flows[f].in.at.ifname, at->name) != 0) {
			continue;
		}
		flows.count++;
		for (uint32_t i = plan->first_owner[f]; i < plan->first_owner[f + 1]; i++) {
			const struct plan_owner *owner = &plan->owners[i];

			if (plan->shards[owner->shard].home_os == at->node_os) {
				continue;
			}
			far = true;
			if (flows.far_count == 0) {
				flows.why = owner->why;
			}
		}
		flows.far_count += far;
	}
	return flows;
}

/* For the flows of the interface that go by their sockets, or for those that the kernel relays. */
static void check_irqs(struct host *host, const struct host_iface *iface, bool fast)
{
	const char *sysfs = host_text(host, "%s/sys", host->root);
	const char *procfs = host_text(host, "%s/proc", host->root);
	struct finding finding = {
		.id = fast ? "fastpath_irq" : "nic_irq",
		.subject = iface->at->name,
		.why = fast ? "the CPU that takes a queue's interrupt makes all copies of what the "
			      "kernel relays; on another node than the device it reaches across "
			      "for each"
			    : "the CPU that takes a queue's interrupt handles each datagram first; "
			      "on another node than the shard it leaves the data in the wrong "
			      "cache",
	};
	struct nic_irqs sum = {.fast = fast,
			       .node_os = fast ? iface->at->node_os : wanted_node(host, iface->at)};
	uint32_t count = 0;
	int *irqs = NULL;

	if (!has_flows(host, iface->at, fast)) {
		return;
	}
	if (nic_irq_list(sysfs, procfs, iface->at->name, &irqs, &count) < 0) {
		host->out_of_memory = true;
		return;
	}
	sum.far_list = calloc(count + 1UL, IRQ_TEXT_MAX);
	if (!sum.far_list) {
		host->out_of_memory = true;
		free(irqs);
		return;
	}
	for (uint32_t i = 0; sum.node_os != TOPO_UNKNOWN && i < count; i++) {
		look_at_irq(host, irqs[i], &sum);
	}
	sum.count = count;
	free(irqs);
	judge_irqs(host, &sum, &finding);
	finding.value = host_text(host, "%s, %u receive queues", finding.value,
				  nic_irq_queues(sysfs, iface->at->name));
	host_add(host, &finding);
	free(sum.far_list);
}

static bool has_flows(const struct host *host, const struct iface *at, bool fast)
{
	const struct conf *conf = &host->setup->opt->conf;

	for (uint32_t f = 0; f < conf->flow_count; f++) {
		if (strcmp(conf->flows[f].in.at.ifname, at->name) == 0 &&
		    host_is_fast(host, &conf->flows[f]) == fast) {
			return true;
		}
	}
	return false;
}

/* The node of the shards that own those of the interface's flows that go by their sockets; when
 * they are on several, the device's. */
static int wanted_node(const struct host *host, const struct iface *at)
{
	const struct plan *plan = &host->setup->plan;
	const struct conf_flow *flows = host->setup->opt->conf.flows;
	int node_os = TOPO_UNKNOWN;

	for (uint32_t f = 0; f < plan->flow_count; f++) {
		if (strcmp(flows[f].in.at.ifname, at->name) != 0 || host_is_fast(host, &flows[f])) {
			continue;
		}
		for (uint32_t i = plan->first_owner[f]; i < plan->first_owner[f + 1]; i++) {
			int home_os = plan->shards[plan->owners[i].shard].home_os;

			if (node_os != TOPO_UNKNOWN && home_os != node_os) {
				return at->node_os;
			}
			node_os = home_os;
		}
	}
	return node_os;
}

static void look_at_irq(struct host *host, int irq, struct nic_irqs *sum)
{
	const char *procfs = host_text(host, "%s/proc", host->root);
	uint32_t count = 0;
	int *cpus = NULL;

	if (nic_irq_cpus(procfs, irq, &cpus, &count) < 0) {
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct topo_cpu *cpu = topo_find_cpu(&host->setup->topo, cpus[i]);

		if (cpu && cpu->home_os != TOPO_UNKNOWN && cpu->home_os != sum->node_os) {
			note_far(sum, irq, cpu);
			break;
		}
	}
	free(cpus);
}

static void note_far(struct nic_irqs *sum, int irq, const struct topo_cpu *cpu)
{
	if (sum->far_count++ == 0) {
		sum->far_cpu_os = cpu->cpu_os;
		sum->far_node_os = cpu->home_os;
	}
	sum->far_len += (size_t)snprintf(sum->far_list + sum->far_len, IRQ_TEXT_MAX, "%s%d",
					 sum->far_len > 0 ? " " : "", irq);
}

static void judge_irqs(struct host *host, const struct nic_irqs *sum, struct finding *finding)
{
	if (sum->count == 0 && !host_exists(host, "/sys/class/net")) {
		finding->level = FINDING_UNKNOWN;
		finding->value = "not known: no /sys/class/net";
	} else if (sum->count == 0) {
		finding->value = "no interrupts of its own";
	} else if (sum->node_os == TOPO_UNKNOWN && sum->fast) {
		finding->value = host_text(host, "%u interrupts, the device is on no known node",
					   sum->count);
	} else if (sum->node_os == TOPO_UNKNOWN) {
		finding->value = host_text(
			host, "%u interrupts, its flows' shards are on several nodes", sum->count);
	} else if (sum->far_count == 0) {
		finding->value = host_text(host, "%u interrupts, all to CPUs of node %d",
					   sum->count, sum->node_os);
	} else {
		bool balanced = host_exists(host, "/run/irqbalance");

		finding->level = FINDING_WARN;
		finding->value = host_text(
			host,
			"%u of %u interrupts go elsewhere, the first to CPU %d "
			"on node %d; %s on node %d",
			sum->far_count, sum->count, sum->far_cpu_os, sum->far_node_os,
			sum->fast ? "the device is" : "the shards of its flows are", sum->node_os);
		finding->cure = host_text(
			host, "%sfor i in %s; do echo %s > /proc/irq/$i/smp_affinity_list; done",
			balanced ? "systemctl disable --now irqbalance; " : "", sum->far_list,
			node_cpus(host, sum->node_os));
	}
}

/* The CPUs of a node, as ranges: "0-3,8". */
static const char *node_cpus(struct host *host, int node_os)
{
	const struct topo *topo = &host->setup->topo;
	const char *list = "";

	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		uint32_t last = i;

		if (topo->cpus[i].home_os != node_os) {
			continue;
		}
		while (last + 1 < topo->cpu_count && topo->cpus[last + 1].home_os == node_os &&
		       topo->cpus[last + 1].cpu_os == topo->cpus[last].cpu_os + 1) {
			last++;
		}
		list = host_text(host, last > i ? "%s%s%d-%d" : "%s%s%d", list, *list ? "," : "",
				 topo->cpus[i].cpu_os, topo->cpus[last].cpu_os);
		i = last;
	}
	return list;
}
