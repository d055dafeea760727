/* spread.c - says how flows are divided and whose share a source is. See spread.h. */
#include "src/view/spread.h"

#include <inttypes.h>
#include <string.h>

#include "src/view/sum.h"

static void print_rule(const struct view *view, uint32_t flow, FILE *out);
static void print_owners(const struct view *view, uint32_t flow, FILE *out);
static bool is_first_of_rule(const struct view *view, uint32_t flow);
static void print_named(const struct view *view, FILE *out);

uint32_t view_spread_shares(const struct view *view, uint32_t flow)
{
	uint32_t owners = view->plan->first_owner[flow + 1] - view->plan->first_owner[flow];

	return view->flows[flow].by != SHARE_BY_OUTPUTS && owners > 1 ? owners : 0;
}

const char *view_spread_mechanism(const struct view *view, uint32_t flow)
{
	const struct rule_ingress *in = view->flows[flow].in;
	bool group = addr_is_multicast(&in->at.addr);

	if (view_spread_shares(view, flow) > 0) {
		return group ? "filter" : "reuseport";
	}
	return group && in->source.family != 0 && in->source_bits == 0 ? "source join" : NULL;
}

const char *view_spread_text(const struct view *view, uint32_t flow, uint32_t owner, char *buf)
{
	uint32_t shares = view_spread_shares(view, flow);

	buf[0] = '\0';
	if (shares > 0) {
		snprintf(buf, VIEW_SHARE_TEXT_MAX, ", share %" PRIu32 " of %" PRIu32,
			 owner - view->plan->first_owner[flow], shares);
	}
	return buf;
}

enum view_asked view_spread_asked(const struct view *view, uint32_t flow, uint32_t *owner)
{
	const struct view_flow *f = &view->flows[flow];
	uint32_t first = view->plan->first_owner[flow];
	uint32_t count = view->plan->first_owner[flow + 1] - first;

	if (view->source == NULL || view->source->family != f->in->at.addr.family ||
	    !rule_takes_source(f->in, view->source)) {
		return VIEW_ASKED_NONE;
	}
	if (count > 1 && f->by != SHARE_BY_SOURCE) {
		return f->by == SHARE_BY_CPU ? VIEW_ASKED_BY_CPU : VIEW_ASKED_ALL;
	}
	*owner = first + (count > 1 ? share_of_source(view->source, count) : 0);
	return VIEW_ASKED_OWNER;
}

void view_spread_print(const struct view *view, FILE *out)
{
	for (uint32_t flow = 0; flow < view->plan->flow_count; flow++) {
		if (view_spread_shares(view, flow) > 0 && is_first_of_rule(view, flow)) {
			print_rule(view, flow, out);
		}
	}
	print_named(view, out);
}

void view_spread_print_asked(const struct view *view, FILE *out)
{
	char source[ADDR_TEXT_MAX], share[VIEW_SHARE_TEXT_MAX];
	uint32_t owner, found = 0;

	if (view->source == NULL) {
		return;
	}
	fprintf(out, "\nsource %s:\n", addr_format(view->source, source));
	for (uint32_t flow = 0; flow < view->plan->flow_count; flow++) {
		enum view_asked asked = view_spread_asked(view, flow, &owner);

		if (asked == VIEW_ASKED_NONE) {
			continue;
		}
		found++;
		fprintf(out, "  %s: %s: ", view->flows[flow].name, view->flows[flow].ingress);
		if (asked == VIEW_ASKED_OWNER) {
			fprintf(out, "shard %" PRIu32 "%s\n", view->plan->owners[owner].shard,
				view_spread_text(view, flow, owner, share));
			continue;
		}
		fprintf(out, asked == VIEW_ASKED_ALL ? "each for its outputs, shards"
						     : "by the CPU that it comes in on, shards");
		print_owners(view, flow, out);
		fprintf(out, "\n");
	}
	if (found == 0) {
		fprintf(out, "  no flow takes it\n");
	}
}

static void print_rule(const struct view *view, uint32_t flow, FILE *out)
{
	const struct view_flow *f = &view->flows[flow];
	uint32_t shares = view_spread_shares(view, flow);
	bool filtered = strcmp(view_spread_mechanism(view, flow), "filter") == 0;

	fprintf(out, "%s: %s by %s over shards", f->name, f->ingress, share_by_name(f->by));
	print_owners(view, flow, out);
	if (f->by == SHARE_BY_SOURCE) {
		fprintf(out,
			": share ((x * 2654435761 mod 2^32) >> 16) mod %" PRIu32
			", x being the address%s",
			shares, f->in->at.addr.family == AF_INET6 ? "'s four words XORed" : "");
	} else {
		fprintf(out, ": the shard whose CPU receives");
	}
	fprintf(out, "; %s\n",
		filtered ? "a filter on each socket"
			 : "SO_REUSEPORT, and one program that chooses");
	if (filtered && shares > 2) {
		fprintf(out,
			"note: %s: each datagram is offered to %" PRIu32
			" sockets; trains, or rules with SOURCE@, avoid that\n",
			f->name, shares);
	}
}

static void print_owners(const struct view *view, uint32_t flow, FILE *out)
{
	const struct plan *plan = view->plan;

	for (uint32_t o = plan->first_owner[flow]; o < plan->first_owner[flow + 1]; o++) {
		fprintf(out, " %" PRIu32, plan->owners[o].shard);
	}
}

/* The flows of a rule stand together. */
static bool is_first_of_rule(const struct view *view, uint32_t flow)
{
	return flow == 0 || view->flows[flow - 1].name != view->flows[flow].name;
}

static void print_named(const struct view *view, FILE *out)
{
	uint32_t named = 0;

	for (uint32_t flow = 0; flow < view->plan->flow_count; flow++) {
		const char *how = view_spread_mechanism(view, flow);

		named += how != NULL && strcmp(how, "source join") == 0;
	}
	if (named > 0) {
		fprintf(out,
			"note: %" PRIu32 " flow%s %s source: its shard joins that source alone, "
			"and nothing is filtered\n",
			named, named == 1 ? "" : "s", named == 1 ? "names its" : "name their");
	}
}
