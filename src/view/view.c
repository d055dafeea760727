/* view.c - puts names and texts beside a plan and hands it to a printer.
 *
 * The planner knows flows by number; people know them by rule and ingress. All texts stand in one
 * block, one line of fixed length for each flow. Control thread. Units: bytes.
 */
#include "src/view/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "src/base/addr.h"
#include "src/base/out.h"
#include "src/setup/needs.h"
#include "src/view/fast.h"
#include "src/view/sysctl.h"

#define INGRESS_TEXT_MAX \
	(ENDPOINT_TEXT_MAX + RULE_SOURCE_TEXT_MAX + 1) /* "SOURCE@" and the endpoint */

static int print(const struct setup *setup, enum opt_plan how, const struct view_live *live,
		 FILE *out);
static void describe_flow(const struct setup *setup, uint32_t i, char *text, struct view_flow *out);
static void describe_ingress(const struct rule_ingress *in, char *buf);
static int print_as(const struct view *view, enum opt_plan how, FILE *out);

int view_print(const struct setup *setup, FILE *out)
{
	return view_print_as(setup, setup->opt->plan, out);
}

int view_print_as(const struct setup *setup, enum opt_plan how, FILE *out)
{
	return print(setup, how, NULL, out);
}

int view_print_live(const struct setup *setup, const struct view_live *live, FILE *out)
{
	return print(setup, OPT_PLAN_SVG, live, out);
}

static int print(const struct setup *setup, enum opt_plan how, const struct view_live *live,
		 FILE *out)
{
	uint32_t count = setup->plan.flow_count;
	struct view_flow *flows = calloc((size_t)count + 1, sizeof(*flows));
	char *texts = calloc((size_t)count + 1, INGRESS_TEXT_MAX);
	struct view view = {.topo = &setup->topo,
			    .plan = &setup->plan,
			    .flows = flows,
			    .live = live,
			    .conf = &setup->opt->conf};
	struct view_fast fast = {0};
	int rc = -ENOMEM;

	if (setup->opt->source.family != 0) {
		view.source = &setup->opt->source;
	}
	if (setup->partition.members.count > 0) {
		view.partition = &setup->partition;
	}
	if (how == OPT_PLAN_SYSCTL) {
		rc = view_sysctl(setup, out);
	} else if (flows && texts) {
		for (uint32_t i = 0; i < count; i++) {
			describe_flow(setup, i, &texts[(size_t)i * INGRESS_TEXT_MAX], &flows[i]);
		}
		view.arena_bytes = needs_largest_arena(setup);
		view.page = needs_first_page(setup->opt, view.arena_bytes);
		rc = live ? 0 : view_fast_build(setup, "", flows, &fast);
		rc = rc == 0 ? print_as(&view, how, out) : rc;
	}
	if (rc == 0) {
		rc = out_finish(out);
	}
	view_fast_free(&fast);
	free(flows);
	free(texts);
	return rc;
}

static void describe_flow(const struct setup *setup, uint32_t i, char *text, struct view_flow *out)
{
	const struct conf *conf = &setup->opt->conf;
	const struct conf_flow *flow = &conf->flows[i];
	const struct conf_rule *rule = &conf->rules[flow->rule];
	const struct iface *iface = iface_find(&setup->ifaces, flow->in.at.ifname);

	describe_ingress(&flow->in, text);
	out->name = rule->name;
	out->ingress = text;
	out->ifname = flow->in.at.ifname;
	out->node_os = iface ? iface->node_os : TOPO_UNKNOWN;
	out->weight = rule->weight;
	out->output_count = flow->output_count;
	out->in = &flow->in;
	out->by = rule->by;
}

static void describe_ingress(const struct rule_ingress *in, char *buf)
{
	char endpoint[ENDPOINT_TEXT_MAX];
	char source[RULE_SOURCE_TEXT_MAX];

	endpoint_format(&in->at, endpoint);
	if (in->source.family == 0) {
		snprintf(buf, INGRESS_TEXT_MAX, "%s", endpoint);
		return;
	}
	rule_format_source(in, source);
	snprintf(buf, INGRESS_TEXT_MAX, in->source.family == AF_INET6 ? "[%s]@%s" : "%s@%s", source,
		 endpoint);
}

static int print_as(const struct view *view, enum opt_plan how, FILE *out)
{
	switch (how) {
	case OPT_PLAN_TEXT:
		break;
	case OPT_PLAN_JSON:
		return view_json(view, out);
	case OPT_PLAN_SVG:
		return view_picture(view, out);
	case OPT_PLAN_HUGEPAGES:
		return view_hugepages(view, out);
	case OPT_PLAN_SYSCTL:
		break; /* not of the plan alone: view_print has it */
	}
	return view_text(view, out);
}
