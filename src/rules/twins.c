/* twins.c - what only shows when all rules are known: twins and cycles.
 *
 * It guards what the whole relay rests on: one owner per flow, and no datagram that comes back for
 * ever. The flows are sorted once by (address, port, interface, source), after which everything
 * that could hear the same datagram stands together:
 *
 *     group   same address and port            run   the same and the same interface
 *
 * Twins are neighbours. A cycle is looked for by depth first search over three kinds of nodes:
 * flows, runs, and groups. An output leads to the run or group that would hear it, and
 * these lead to their flows; so there are at most three nodes and three edges a flow and one edge
 * an output, however many flows share a group, and the whole costs O((n + m) log n).
 * Pure but for malloc; control thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/rules/conf.h"
#include "src/rules/parse.h"

/* Nodes are numbered 0 .. 3n-1: flow by sorted position, then run and group by the position of
 * their first flow. */
struct twins {
	const struct conf *conf;
	uint32_t *order; /* flow indexes, sorted */
	uint32_t count;  /* of flows */
	uint8_t *color;  /* per node */
	struct step *stack;
	uint32_t depth;
	struct err *err;
};

enum color {
	WHITE,
	GREY,
	BLACK
}; /* unseen, on the stack, done */

/* Of what a flow takes; wider ones come first. */
enum width {
	ALL_SOURCES,
	SOURCE_PREFIX,
	ONE_SOURCE
};

struct step {
	uint32_t node;
	uint32_t next; /* child to look at next: an output's number, or a sorted position */
};

static int compare_flows(const void *left, const void *right, void *context);
static int check_names(const struct conf *conf, struct err *err);
static int compare_names(const void *left, const void *right, void *context);
static int check_twins(const struct twins *twins);
static bool are_apart(const struct rule_ingress *a, const struct rule_ingress *b);
static enum width how_wide(const struct rule_ingress *in);
static int check_any(const struct twins *twins);
static int refuse_twins(const struct twins *twins, uint32_t a, uint32_t b);
static const char *sources_clash(const struct rule_ingress *a, const struct rule_ingress *b);
static const struct conf_rule *rule_at(const struct twins *twins, uint32_t position);
static int check_cycles(struct twins *twins);
static int search_from(struct twins *twins, uint32_t root);
static uint32_t next_child(const struct twins *twins, struct step *step);
static uint32_t output_leads_to(const struct twins *twins, const struct rule_output *out);
static bool is_known_by_echo(const struct rule_output *out);
static uint32_t lower_bound(const struct twins *twins, const struct endpoint *to);
static int compare_addrs(const struct addr *left, const struct addr *right);
static bool meets_at(const struct twins *twins, uint32_t position, const struct endpoint *to);
static bool same_run(const struct twins *twins, uint32_t a, uint32_t b);
static bool same_group(const struct twins *twins, uint32_t a, uint32_t b);
static const struct rule_ingress *ingress_at(const struct twins *twins, uint32_t position);
static int refuse_cycle(const struct twins *twins, uint32_t node);
static const struct conf_flow *node_flow(const struct twins *twins, uint32_t node);

int conf_check_twins(const struct conf *conf, struct err *err)
{
	struct twins twins = {.conf = conf, .count = conf->flow_count, .err = err};
	int rc = -ENOMEM;

	if (conf->rule_count == 0) {
		err_set(err, "no rule is given; at least one is needed to relay; use --rule "
			     "'INGRESS -> EGRESS' or a `rule' line in a --config file");
		return -EINVAL;
	}
	twins.order = calloc(twins.count, sizeof(*twins.order));
	twins.color = calloc(twins.count, 3);
	twins.stack = calloc(twins.count, 3 * sizeof(*twins.stack));
	if (!twins.order || !twins.color || !twins.stack) {
		err_set(err,
			"out of memory while checking the rules; free some, or use fewer rules");
		goto out;
	}
	for (uint32_t i = 0; i < twins.count; i++) {
		twins.order[i] = i;
	}
	qsort_r(twins.order, twins.count, sizeof(*twins.order), compare_flows, (void *)conf);
	rc = check_names(conf, err);
	if (rc == 0) {
		rc = check_twins(&twins);
	}
	if (rc == 0) {
		rc = check_cycles(&twins);
	}
out:
	free(twins.order);
	free(twins.color);
	free(twins.stack);
	return rc;
}

static int compare_flows(const void *left, const void *right, void *context)
{
	const struct conf *conf = context;
	uint32_t l = *(const uint32_t *)left;
	uint32_t r = *(const uint32_t *)right;
	const struct rule_ingress *a = &conf->flows[l].in;
	const struct rule_ingress *b = &conf->flows[r].in;
	int diff = compare_addrs(&a->at.addr, &b->at.addr);

	if (diff == 0) {
		diff = strcmp(a->at.ifname, b->at.ifname); /* no interface comes first */
	}
	if (diff == 0) {
		diff = (int)how_wide(a) - (int)how_wide(b);
	}
	if (diff == 0) {
		diff = compare_addrs(&a->source, &b->source);
	}
	return diff != 0 ? diff : (l > r) - (l < r);
}

static int check_names(const struct conf *conf, struct err *err)
{
	uint32_t *order = calloc(conf->rule_count, sizeof(*order));
	int rc = 0;

	if (!order) {
		err_set(err,
			"out of memory while checking the rules; free some, or use fewer rules");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < conf->rule_count; i++) {
		order[i] = i;
	}
	qsort_r(order, conf->rule_count, sizeof(*order), compare_names, (void *)conf);
	for (uint32_t i = 1; i < conf->rule_count && rc == 0; i++) {
		const struct conf_rule *first = &conf->rules[order[i - 1]];
		const struct conf_rule *second = &conf->rules[order[i]];

		if (strcmp(first->name, second->name) == 0) {
			err_set(err,
				"%s: the rule's name %s is also that of the rule at %s; names tell "
				"rules apart in reports, and the n-th rule without name= is called "
				"ruleN; give one of the two another name=",
				second->where, second->name, first->where);
			rc = -EINVAL;
		}
	}
	free(order);
	return rc;
}

static int compare_names(const void *left, const void *right, void *context)
{
	const struct conf *conf = context;
	uint32_t l = *(const uint32_t *)left;
	uint32_t r = *(const uint32_t *)right;
	int diff = strcmp(conf->rules[l].name, conf->rules[r].name);

	return diff != 0 ? diff : (l > r) - (l < r);
}

/* Flows of one run share a datagram unless their sources keep them apart. For unicast, an endpoint
 * without interface includes the same one with any. A run's first flow is the one with the widest
 * source, a group's first the one without interface, so looking at neighbours and firsts is
 * enough. */
static int check_twins(const struct twins *twins)
{
	uint32_t group = 0; /* first position of the group and of the run at hand */
	uint32_t run = 0;

	for (uint32_t i = 1; i < twins->count; i++) {
		group = same_group(twins, group, i) ? group : i;
		run = same_run(twins, run, i) ? run : i;
		if (run == i && group < i && !ingress_at(twins, group)->at.ifname[0]) {
			return refuse_twins(twins, group, i);
		}
		if (run < i && !are_apart(ingress_at(twins, run), ingress_at(twins, i))) {
			return refuse_twins(twins, run, i);
		}
		if (run < i && !are_apart(ingress_at(twins, i - 1), ingress_at(twins, i))) {
			return refuse_twins(twins, i - 1, i);
		}
	}
	return check_any(twins);
}

/* Whether `b', which comes later in a run than `a', takes none of its datagrams. A group's socket
 * hears one source or all. Of a unicast address the kernel gives each datagram to one socket: to
 * one of its source, else to the one that takes the rest (sock_ingress.c). */
static bool are_apart(const struct rule_ingress *a, const struct rule_ingress *b)
{
	if (addr_is_any(&a->at.addr) || how_wide(b) < ONE_SOURCE) {
		return false;
	}
	if (how_wide(a) < ONE_SOURCE) {
		return !addr_is_multicast(&a->at.addr) && !addr_is_broadcast(&a->at.addr);
	}
	return !addr_equal(&a->source, &b->source);
}

static enum width how_wide(const struct rule_ingress *in)
{
	if (in->source.family == 0) {
		return ALL_SOURCES;
	}
	return in->source_bits > 0 ? SOURCE_PREFIX : ONE_SOURCE;
}

/* What listens on any address of an interface hears what is sent to each of them, and broadcasts.
 * Such flows come first among those of a port. */
static int check_any(const struct twins *twins)
{
	for (uint32_t i = 0; i < twins->count; i++) {
		const struct endpoint *at = &ingress_at(twins, i)->at;
		struct endpoint any = {.addr = {.family = at->addr.family, .port = at->addr.port}};
		uint32_t found;

		if (addr_is_multicast(&at->addr) || addr_is_any(&at->addr)) {
			continue;
		}
		memcpy(any.ifname, at->ifname, sizeof(any.ifname));
		found = lower_bound(twins, &any);
		if (meets_at(twins, found, &any)) {
			return refuse_twins(twins, found, i);
		}
	}
	return 0;
}

static int refuse_twins(const struct twins *twins, uint32_t a, uint32_t b)
{
	uint32_t first = twins->order[a] < twins->order[b] ? a : b;
	uint32_t second = first == a ? b : a;
	const struct rule_ingress *in = ingress_at(twins, second);
	char text[ENDPOINT_TEXT_MAX];

	err_set(twins->err,
		"%s: ingress %s is already that of %s (at %s); a flow belongs to one rule%s; put "
		"all egresses into one rule, separated by commas, or remove one of the two",
		rule_at(twins, second)->where, endpoint_format(&in->at, text),
		rule_at(twins, first)->name, rule_at(twins, first)->where,
		sources_clash(in, ingress_at(twins, first)));
	return -EINVAL;
}

/* Why their sources do not help; "": they have none. */
static const char *sources_clash(const struct rule_ingress *a, const struct rule_ingress *b)
{
	if (!addr_equal(&a->at.addr, &b->at.addr)) {
		return ", and any includes each address of an interface";
	}
	if (how_wide(a) == ALL_SOURCES && how_wide(b) == ALL_SOURCES) {
		return "";
	}
	if (addr_is_multicast(&a->at.addr) || addr_is_broadcast(&a->at.addr)) {
		return ", and any source includes each source";
	}
	return addr_is_any(&a->at.addr) || strcmp(a->at.ifname, b->at.ifname) != 0
		       ? ", whatever its sources"
		       : ", and of a unicast port the kernel tells single sources apart, beside "
			 "one rule with a prefix or none";
}

static const struct conf_rule *rule_at(const struct twins *twins, uint32_t position)
{
	return &twins->conf->rules[twins->conf->flows[twins->order[position]].rule];
}

static int check_cycles(struct twins *twins)
{
	for (uint32_t root = 0; root < twins->count; root++) {
		int rc = twins->color[root] == WHITE ? search_from(twins, root) : 0;

		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int search_from(struct twins *twins, uint32_t root)
{
	twins->depth = 0;
	twins->color[root] = GREY;
	twins->stack[twins->depth++] = (struct step){.node = root};
	while (twins->depth > 0) {
		struct step *top = &twins->stack[twins->depth - 1];
		uint32_t child = next_child(twins, top);

		if (child == UINT32_MAX) {
			twins->color[top->node] = BLACK;
			twins->depth--;
		} else if (twins->color[child] == GREY) {
			return refuse_cycle(twins, child);
		} else if (twins->color[child] == WHITE) {
			twins->color[child] = GREY;
			twins->stack[twins->depth++] = (struct step){.node = child};
		}
	}
	return 0;
}

/* The next child of the node on top of the stack, or UINT32_MAX when there is none left. */
static uint32_t next_child(const struct twins *twins, struct step *step)
{
	uint32_t count = twins->count;
	uint32_t first = step->node % count;
	uint32_t position;

	if (step->node < count) {
		const struct conf_flow *flow = conf_lead(node_flow(twins, step->node));

		while (step->next < flow->output_count) {
			uint32_t number = flow->first_output + step->next++;
			uint32_t child = output_leads_to(twins, &twins->conf->outputs[number]);

			if (child != UINT32_MAX) {
				return child;
			}
		}
		return UINT32_MAX;
	}
	position = first + step->next++;
	if (position >= count || (step->node < 2 * count ? !same_run(twins, first, position)
							 : !same_group(twins, first, position))) {
		return UINT32_MAX;
	}
	return position;
}

/* What would hear an output on this host: the node of a flow, run or group, or UINT32_MAX: nothing.
 * A datagram to a group comes back to none of its sender's sockets but by another interface on the
 * same segment, and then it is known as an echo (shard/ingress.h); a broadcast always does, and so
 * is. So one group may go both ways between two networks. What comes back by way of another host
 * nobody can know here; there the hop limit ends the circle. Only what is sent to a unicast address
 * that we listen on surely comes back. */
static uint32_t output_leads_to(const struct twins *twins, const struct rule_output *out)
{
	const struct endpoint any_interface = {.addr = out->to.addr};
	uint32_t at = lower_bound(twins, &any_interface);

	if (is_known_by_echo(out) || !meets_at(twins, at, &any_interface)) {
		return UINT32_MAX;
	}
	if (!out->to.ifname[0]) {
		return 2 * twins->count + at; /* the whole group */
	}
	if (!ingress_at(twins, at)->at.ifname[0]) {
		return twins->count + at; /* without interface: the group's only run */
	}
	at = lower_bound(twins, &out->to);
	return meets_at(twins, at, &out->to) ? twins->count + at : UINT32_MAX; /* the run */
}

/* Of local=yes and a broadcast, which do come back, a sender's port and address tell that it is we;
 * but not of src=keep, where the address is another's and the port alone is what many may use. */
static bool is_known_by_echo(const struct rule_output *out)
{
	if (addr_is_broadcast(&out->to.addr) || out->local) {
		return !out->src_keep || (out->sport == 0 && !out->sport_keep);
	}
	return addr_is_multicast(&out->to.addr);
}

/* The first position that is not before the endpoint with any source. */
static uint32_t lower_bound(const struct twins *twins, const struct endpoint *to)
{
	uint32_t low = 0;
	uint32_t high = twins->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct rule_ingress *in = ingress_at(twins, mid);
		int diff = compare_addrs(&in->at.addr, &to->addr);

		if (diff == 0) {
			diff = strcmp(in->at.ifname, to->ifname);
		}
		if (diff < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static int compare_addrs(const struct addr *left, const struct addr *right)
{
	if (left->family != right->family) {
		return left->family < right->family ? -1 : 1;
	}
	if (left->port != right->port) {
		return left->port < right->port ? -1 : 1;
	}
	return memcmp(left->ip, right->ip, sizeof(left->ip));
}

static bool meets_at(const struct twins *twins, uint32_t position, const struct endpoint *to)
{
	return position < twins->count && conf_endpoints_meet(to, &ingress_at(twins, position)->at);
}

static bool same_run(const struct twins *twins, uint32_t a, uint32_t b)
{
	return same_group(twins, a, b) &&
	       strcmp(ingress_at(twins, a)->at.ifname, ingress_at(twins, b)->at.ifname) == 0;
}

static bool same_group(const struct twins *twins, uint32_t a, uint32_t b)
{
	return addr_equal(&ingress_at(twins, a)->at.addr, &ingress_at(twins, b)->at.addr);
}

static const struct rule_ingress *ingress_at(const struct twins *twins, uint32_t position)
{
	return &twins->conf->flows[twins->order[position]].in;
}

/* `node' is on the stack and has been reached again: the flows from there to the top are the
 * cycle. Names its rules while there is room; the last one is where it closes. */
static int refuse_cycle(const struct twins *twins, uint32_t node)
{
	char path[256] = "";
	const struct conf_flow *last = NULL;
	uint32_t start = 0;
	size_t used = 0;
	char text[ENDPOINT_TEXT_MAX];

	while (twins->stack[start].node != node) {
		start++;
	}
	for (uint32_t i = start; i < twins->depth; i++) {
		const struct conf_rule *rule;

		if (twins->stack[i].node >= twins->count) {
			continue;
		}
		last = node_flow(twins, twins->stack[i].node);
		rule = &twins->conf->rules[last->rule];
		if (used < sizeof(path) - 1) {
			used += (size_t)snprintf(path + used, sizeof(path) - used,
						 "%s%s (at %.80s)", used > 0 ? " -> " : "",
						 rule->name, rule->where);
		}
	}
	must(last != NULL);
	err_set(twins->err,
		"%s: the rules make a cycle through %s: %s; a datagram would go round for ever; "
		"change the address, port or interface of one egress",
		twins->conf->rules[last->rule].where, endpoint_format(&last->in.at, text), path);
	return -EINVAL;
}

static const struct conf_flow *node_flow(const struct twins *twins, uint32_t node)
{
	return &twins->conf->flows[twins->order[node]];
}
