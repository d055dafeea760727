/* fast.c - see fast.h. Reads only; control thread. */
#include "src/view/fast.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "numa/nic_irq.h"
#include "src/fastpath/device.h"
#include "src/view/sum.h"

#define MTU_USUAL 1500

/* What is known of the interfaces, and room for a flow's. */
struct asking {
	const struct setup *setup;
	struct device *ifaces; /* as setup->ifaces.list */
	struct device *outs;
};

static int read_irqs(const char *root, const char *ifname, struct view_irqs *out);
static int add_cpu(struct view_irqs *irqs, int cpu_os);
static void ask_flow(const struct asking *asking, uint32_t number, const struct view_fast *fast,
		     struct view_flow *flow);
static struct device device_of(const struct asking *asking, const char *ifname);
static int compare_ints(const void *left, const void *right);

int view_fast_build(const struct setup *setup, const char *root, struct view_flow *flows,
		    struct view_fast *out)
{
	uint32_t count = setup->ifaces.count;
	struct asking asking = {.setup = setup};
	int rc = 0;

	*out = (struct view_fast){0};
	if (!options_want_fastpath(setup->opt)) {
		return 0;
	}
	out->ifaces = calloc(count + 1UL, sizeof(*out->ifaces));
	asking.ifaces = calloc(count + 1UL, sizeof(*asking.ifaces));
	asking.outs = calloc(FLOW_OUTPUTS_MAX, sizeof(*asking.outs));
	if (!out->ifaces || !asking.ifaces || !asking.outs) {
		rc = -ENOMEM;
		goto out;
	}
	out->count = count;
	for (uint32_t i = 0; i < count && setup->topo.this_machine && rc == 0; i++) {
		device_read(setup->ifaces.list[i].name, &asking.ifaces[i]);
		rc = read_irqs(root, setup->ifaces.list[i].name, &out->ifaces[i]);
	}
	for (uint32_t f = 0; f < setup->opt->conf.flow_count && rc == 0; f++) {
		ask_flow(&asking, f, out, &flows[f]);
	}
out:
	free(asking.ifaces);
	free(asking.outs);
	return rc;
}

void view_fast_free(struct view_fast *fast)
{
	for (uint32_t i = 0; i < fast->count; i++) {
		free(fast->ifaces[i].cpus);
	}
	free(fast->ifaces);
	*fast = (struct view_fast){0};
}

uint32_t view_fast_count(const struct view *view, uint32_t *out_unknown)
{
	uint32_t count = 0;

	*out_unknown = 0;
	for (uint32_t i = 0; i < view->plan->flow_count; i++) {
		const struct view_flow *flow = &view->flows[i];

		if (flow->fast && flow->reason == FAST_REASON_NONE) {
			count++;
			*out_unknown += !flow->irqs;
		}
	}
	return count;
}

const char *view_fast_text(const struct view_flow *flow, char *buf)
{
	FILE *out = fmemopen(buf, VIEW_FAST_TEXT_MAX, "w");

	buf[0] = '\0';
	if (!out) {
		return buf;
	}
	if (flow->fast && flow->reason != FAST_REASON_NONE) {
		fprintf(out, "not in the kernel: %s", fast_reason_text(flow->reason));
	} else if (flow->fast && !flow->irqs) {
		fprintf(out, "in the kernel, nobody knows on which CPUs");
	} else if (flow->fast) {
		fprintf(out, "in the kernel on CPU%s ", flow->irqs->count == 1 ? "" : "s");
		view_sum_print_list(flow->irqs->cpus, flow->irqs->count, out);
	}
	(void)fclose(out);
	buf[VIEW_FAST_TEXT_MAX - 1] = '\0';
	return buf;
}

static int read_irqs(const char *root, const char *ifname, struct view_irqs *out)
{
	char sysfs[512], procfs[512];
	uint32_t irq_count = 0;
	int *irqs = NULL, rc;

	snprintf(sysfs, sizeof(sysfs), "%s/sys", root);
	snprintf(procfs, sizeof(procfs), "%s/proc", root);
	rc = nic_irq_list(sysfs, procfs, ifname, &irqs, &irq_count);
	for (uint32_t i = 0; i < irq_count && rc == 0; i++) {
		uint32_t count = 0;
		int *cpus = NULL;

		if (nic_irq_cpus(procfs, irqs[i], &cpus, &count) == 0) {
			for (uint32_t c = 0; c < count && rc == 0; c++) {
				rc = add_cpu(out, cpus[c]);
			}
		}
		free(cpus);
	}
	free(irqs);
	if (out->count > 1) {
		qsort(out->cpus, out->count, sizeof(*out->cpus), compare_ints);
	}
	return rc;
}

static int add_cpu(struct view_irqs *irqs, int cpu_os)
{
	int *grown;

	for (uint32_t i = 0; i < irqs->count; i++) {
		if (irqs->cpus[i] == cpu_os) {
			return 0;
		}
	}
	grown = realloc(irqs->cpus, (irqs->count + 1) * sizeof(*grown));
	if (!grown) {
		return -ENOMEM;
	}
	irqs->cpus = grown;
	irqs->cpus[irqs->count++] = cpu_os;
	return 0;
}

/* Next hops are not asked for, since they come and go. */
static void ask_flow(const struct asking *asking, uint32_t number, const struct view_fast *fast,
		     struct view_flow *flow)
{
	const struct opt *opt = asking->setup->opt;
	const struct conf_flow *known = &opt->conf.flows[number], *lead = conf_lead(known);
	const struct iface *iface = iface_find(&asking->setup->ifaces, known->in.at.ifname);
	struct fast_question question = {.conf = &opt->conf,
					 .flow = known,
					 .wanted = opt->fastpath != OPT_FASTPATH_OFF,
					 .trains = opt->gso != OPT_OFF,
					 .in = device_of(asking, known->in.at.ifname),
					 .outs = asking->outs};

	flow->fast = fast_is_wanted(&opt->conf.rules[known->rule], question.wanted);
	for (uint32_t i = 0; i < lead->output_count && i < FLOW_OUTPUTS_MAX; i++) {
		const struct rule_output *out = &opt->conf.outputs[lead->first_output + i];

		asking->outs[i] =
			out->to.ifname[0] ? device_of(asking, out->to.ifname) : question.in;
	}
	flow->reason = fast_eligible(&question);
	flow->irqs = NULL;
	if (iface && fast->ifaces[iface - asking->setup->ifaces.list].count > 0) {
		flow->irqs = &fast->ifaces[iface - asking->setup->ifaces.list];
	}
}

/* One of a machine that is far away is taken to be of the usual kind. */
static struct device device_of(const struct asking *asking, const char *ifname)
{
	const struct iface *iface = iface_find(&asking->setup->ifaces, ifname);

	if (!asking->setup->topo.this_machine) {
		return (struct device){.ifindex = 1, .mtu = MTU_USUAL, .ethernet = true};
	}
	return iface ? asking->ifaces[iface - asking->setup->ifaces.list] : (struct device){0};
}

static int compare_ints(const void *left, const void *right)
{
	int a = *(const int *)left, b = *(const int *)right;

	return (a > b) - (a < b);
}
