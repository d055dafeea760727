/* fast.h - which flows of a plan the kernel is asked to relay (--fastpath), and on which CPUs.
 *
 * The program runs where the kernel receives: on the CPUs that the ingress interface's interrupts
 * go to, whatever shard stands behind the flow. A queue has its CPU, and which queue a flow comes
 * in by is the device's choice, so a flow is on one of these. Only this machine's can be known.
 * Internal to src/view/. Control thread.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "src/setup/setup.h"
#include "src/view/view.h"

#define VIEW_FAST_TEXT_MAX 160

/* Where an interface's interrupts go. */
struct view_irqs {
	int *cpus; /* ascending, each once */
	uint32_t count;
};

struct view_fast {
	struct view_irqs *ifaces; /* as setup->ifaces.list */
	uint32_t count;
};

/* Tells of each of `flows', which are those of `setup', whether the kernel is asked to relay it,
 * what stands in the way, and its CPUs. Files are read below `root' ("" in production). 0 or
 * -ENOMEM; view_fast_free either way, once `flows' are of no use any more. */
int view_fast_build(const struct setup *setup, const char *root, struct view_flow *flows,
		    struct view_fast *out);
void view_fast_free(struct view_fast *fast);

/* Flows that may be relayed so, and of these on CPUs that nobody knows. */
uint32_t view_fast_count(const struct view *view, uint32_t *out_unknown);

/* "in the kernel on CPUs 0-3", "not in the kernel: ...", or "" of one for which the kernel is not
 * asked. Returns `buf', which holds VIEW_FAST_TEXT_MAX bytes. */
const char *view_fast_text(const struct view_flow *flow, char *buf);
