/* json.c - a plan as JSON, for scripts and for tests (--plan=json).
 *
 * One object. Each element of its arrays stands on a line of its own and is written as soon as it
 * is built, so 100 000 flows need no memory and two plans compare well line by line. What nobody
 * knows is null. Members are described in numacastd(8). Reads only; control thread.
 */
#include "src/view/view.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/out.h"
#include "src/view/fast.h"
#include "src/view/members.h"
#include "src/view/spread.h"
#include "src/view/sum.h"

#define PLAN_JSON_FORMAT 1

struct json_out {
	FILE *file;
	bool first; /* no element of the open array has been written yet */
	int rc;     /* first error, after which nothing is written */
};

static void emit_member(struct json_out *jo, const char *name, json_t *value);
static json_t *machine_object(const struct view *view);
static void open_array(struct json_out *jo, const char *name);
static void emit_element(struct json_out *jo, json_t *value);
static void emit(struct json_out *jo, json_t *value);
static json_t *node_object(const struct view *view, const struct view_sum *sum, uint32_t i);
static json_t *distance_list(const struct topo *topo, uint32_t from);
static void close_array(struct json_out *jo);
static json_t *nic_object(const struct topo_nic *nic);
static json_t *number_list(const int *numbers, uint32_t count);
static json_t *cpu_list(const struct topo *topo, bool (*belongs)(const struct topo_cpu *cpu));
static bool is_isolated(const struct topo_cpu *cpu);
static bool is_nameable_only(const struct topo_cpu *cpu);
static json_t *shard_object(const struct view *view, uint32_t i);
static json_t *flow_object(const struct view *view, uint32_t i);
static json_t *fast_object(const struct view_flow *flow);
static json_t *owner_object(const struct view *view, uint32_t flow, const struct plan_owner *owner);
static json_t *text(const char *string);
static json_t *known(int64_t number);
static json_t *source_object(const struct view *view);
static json_t *asked_object(const struct view *view, uint32_t flow);
static json_t *summary_object(const struct view *view, const struct view_sum *sum);

int view_json(const struct view *view, FILE *out)
{
	struct json_out jo = {.file = out};
	const struct plan *plan = view->plan;
	struct view_sum sum;

	if (view_sum_build(view, &sum) != 0) {
		return -ENOMEM;
	}
	fprintf(out, "{\n\"format\": %d", PLAN_JSON_FORMAT);
	emit_member(&jo, "machine", machine_object(view));
	open_array(&jo, "nodes");
	for (uint32_t i = 0; i < view->topo->node_count; i++) {
		emit_element(&jo, node_object(view, &sum, i));
	}
	close_array(&jo);
	open_array(&jo, "interfaces");
	for (uint32_t i = 0; i < view->topo->nic_count; i++) {
		emit_element(&jo, nic_object(&view->topo->nics[i]));
	}
	close_array(&jo);
	emit_member(&jo, "reserved_cpus", number_list(plan->reserved_os, plan->cpus_reserved));
	emit_member(&jo, "isolated_cpus", cpu_list(view->topo, is_isolated));
	emit_member(&jo, "nameable_cpus", cpu_list(view->topo, is_nameable_only));
	open_array(&jo, "shards");
	for (uint32_t i = 0; i < plan->shard_count; i++) {
		emit_element(&jo, shard_object(view, i));
	}
	close_array(&jo);
	open_array(&jo, "flows");
	for (uint32_t i = 0; i < plan->flow_count; i++) {
		emit_element(&jo, flow_object(view, i));
	}
	close_array(&jo);
	if (view->source) {
		emit_member(&jo, "source", source_object(view));
	}
	if (view->partition) {
		emit_member(&jo, "members", view_members_object(view));
	}
	emit_member(&jo, "summary", summary_object(view, &sum));
	fprintf(out, "\n}\n");
	view_sum_free(&sum);
	return jo.rc ? jo.rc : view_sum_status(out);
}

static void emit_member(struct json_out *jo, const char *name, json_t *value)
{
	fprintf(jo->file, ",\n\"%s\": ", name);
	emit(jo, value);
}

static json_t *machine_object(const struct view *view)
{
	const struct topo *topo = view->topo;
	json_int_t allowed = 0;

	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		allowed += topo->cpus[i].allowed;
	}
	return json_pack("{s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:s, s:I}", "source",
			 text(topo->source), "this_machine", topo->this_machine, "sockets",
			 (json_int_t)topo->package_count, "cores", (json_int_t)topo->core_count,
			 "cpus", (json_int_t)topo->cpu_count, "cpus_allowed", allowed,
			 "cpus_offline", (json_int_t)topo->offline_count, "page",
			 arena_huge_name(view->page), "shard_bytes", (json_int_t)view->arena_bytes);
}

static void open_array(struct json_out *jo, const char *name)
{
	fprintf(jo->file, ",\n\"%s\": [", name);
	jo->first = true;
}

static void emit_element(struct json_out *jo, json_t *value)
{
	fprintf(jo->file, jo->first ? "\n " : ",\n ");
	jo->first = false;
	emit(jo, value);
}

/* Writes a value and gives it up; NULL stands for want of memory. */
static void emit(struct json_out *jo, json_t *value)
{
	if (!value) {
		jo->rc = jo->rc ? jo->rc : -ENOMEM;
	} else if (jo->rc == 0 && json_dumpf(value, jo->file, JSON_ENCODE_ANY) != 0) {
		int end = out_finish(jo->file);

		jo->rc = end < 0 ? end : -ENOMEM;
	}
	json_decref(value);
}

static json_t *node_object(const struct view *view, const struct view_sum *sum, uint32_t i)
{
	const struct topo_node *node = &view->topo->nodes[i];
	const struct view_sum_node *at = &sum->nodes[i];

	return json_pack("{s:i, s:o, s:I, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
			 "node", node->node_os, "socket", known(node->package_os), "memory_bytes",
			 (json_int_t)node->memory_bytes, "kind", node->kind, "allowed",
			 node->allowed, "cpus", (json_int_t)node->cpu_count, "shards",
			 (json_int_t)at->shard_count, "flows", (json_int_t)at->flow_count,
			 "flows_remote", (json_int_t)at->far_count, "arenas",
			 (json_int_t)at->need->arena_count, "huge_pages",
			 (json_int_t)at->need->pages, "huge_pages_available",
			 known(at->need->unused), "distances", distance_list(view->topo, i));
}

static json_t *distance_list(const struct topo *topo, uint32_t from)
{
	json_t *list = json_array();

	for (uint32_t to = 0; list && topo->distances && to < topo->node_count; to++) {
		uint32_t said = topo->distances[(size_t)from * topo->node_count + to];

		if (json_array_append_new(list, said ? json_integer(said) : json_null()) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static void close_array(struct json_out *jo)
{
	fprintf(jo->file, jo->first ? "]" : "\n]");
}

static json_t *nic_object(const struct topo_nic *nic)
{
	return json_pack("{s:o, s:o, s:o}", "interface", text(nic->name), "node",
			 known(nic->node_os), "found_by", text(nic->via));
}

static json_t *number_list(const int *numbers, uint32_t count)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < count; i++) {
		if (json_array_append_new(list, json_integer(numbers[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *cpu_list(const struct topo *topo, bool (*belongs)(const struct topo_cpu *cpu))
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		if (belongs(&topo->cpus[i])) {
			json_array_append_new(list, json_integer(topo->cpus[i].cpu_os));
		}
	}
	return list;
}

static bool is_isolated(const struct topo_cpu *cpu)
{
	return cpu->isolated;
}

static bool is_nameable_only(const struct topo_cpu *cpu)
{
	return cpu->nameable && !cpu->allowed;
}

static json_t *shard_object(const struct view *view, uint32_t i)
{
	const struct plan_shard *shard = &view->plan->shards[i];
	const struct topo_cpu *cpu = topo_find_cpu(view->topo, shard->cpu_os);

	return json_pack("{s:I, s:i, s:o, s:o, s:o, s:I, s:I}", "shard", (json_int_t)i, "cpu",
			 shard->cpu_os, "socket", known(cpu ? cpu->package_os : TOPO_UNKNOWN),
			 "node", known(shard->home_os), "memory_node", known(shard->node_os),
			 "flows", (json_int_t)shard->flow_count, "load", (json_int_t)shard->load);
}

static json_t *flow_object(const struct view *view, uint32_t i)
{
	const struct view_flow *flow = &view->flows[i];
	const struct plan *plan = view->plan;
	const char *mechanism = view_spread_mechanism(view, i);
	json_t *owners = json_array(), *object;

	for (uint32_t o = plan->first_owner[i]; owners && o < plan->first_owner[i + 1]; o++) {
		if (json_array_append_new(owners, owner_object(view, i, &plan->owners[o])) != 0) {
			json_decref(owners);
			return NULL;
		}
	}
	object = json_pack("{s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "flow", (json_int_t)i,
			   "name", text(flow->name), "ingress", text(flow->ingress), "interface",
			   text(flow->ifname), "node", known(flow->node_os), "weight",
			   (json_int_t)flow->weight, "outputs", (json_int_t)flow->output_count,
			   "owners", owners);
	if (object && mechanism) {
		json_object_set_new(object, "mechanism", json_string(mechanism));
	}
	if (object && flow->fast) {
		json_object_set_new(object, "fast", fast_object(flow));
	}
	return object;
}

static json_t *fast_object(const struct view_flow *flow)
{
	return json_pack(
		"{s:o, s:o}", "reason",
		flow->reason == FAST_REASON_NONE ? json_null()
						 : json_string(fast_reason_text(flow->reason)),
		"cpus",
		flow->irqs ? number_list(flow->irqs->cpus, flow->irqs->count) : json_null());
}

static json_t *owner_object(const struct view *view, uint32_t flow, const struct plan_owner *owner)
{
	enum view_place place = view_sum_place(view, flow, owner->shard);
	json_t *local =
		place == VIEW_PLACE_UNKNOWN ? json_null() : json_boolean(place == VIEW_PLACE_LOCAL);

	if (view_spread_shares(view, flow) == 0) {
		return json_pack("{s:I, s:o, s:s}", "shard", (json_int_t)owner->shard, "local",
				 local, "why", plan_why_name(owner->why));
	}
	return json_pack("{s:I, s:o, s:s, s:I, s:I, s:s}", "shard", (json_int_t)owner->shard,
			 "local", local, "why", plan_why_name(owner->why), "share",
			 (json_int_t)(owner - view->plan->owners - view->plan->first_owner[flow]),
			 "shares", (json_int_t)view_spread_shares(view, flow), "by",
			 share_by_name(view->flows[flow].by));
}

/* File names need not be UTF-8, JSON has to be: what is not ASCII becomes a question mark then. */
static json_t *text(const char *string)
{
	json_t *value = json_string(string);
	char *ascii = value ? NULL : strdup(string);

	if (ascii) {
		for (char *c = ascii; *c; c++) {
			*c = (char)(*c & 0x80 ? '?' : *c);
		}
		value = json_string(ascii);
		free(ascii);
	}
	return value;
}

/* A node, a socket or a count that may be unknown. */
static json_t *known(int64_t number)
{
	return number == TOPO_UNKNOWN ? json_null() : json_integer(number);
}

/* Where the source that was asked for goes, by each flow that takes it. */
static json_t *source_object(const struct view *view)
{
	json_t *flows = json_array();
	char address[ADDR_TEXT_MAX];
	uint32_t owner;

	for (uint32_t i = 0; flows && i < view->plan->flow_count; i++) {
		if (view_spread_asked(view, i, &owner) != VIEW_ASKED_NONE &&
		    json_array_append_new(flows, asked_object(view, i)) != 0) {
			json_decref(flows);
			return NULL;
		}
	}
	return json_pack("{s:s, s:o}", "address", addr_format(view->source, address), "flows",
			 flows);
}

/* The shard is null where it is not the source that decides. */
static json_t *asked_object(const struct view *view, uint32_t flow)
{
	uint32_t owner;
	bool one = view_spread_asked(view, flow, &owner) == VIEW_ASKED_OWNER;
	bool shares = one && view_spread_shares(view, flow) > 0;

	return json_pack("{s:I, s:o, s:o}", "flow", (json_int_t)flow, "share",
			 shares ? json_integer((json_int_t)(owner - view->plan->first_owner[flow]))
				: json_null(),
			 "shard",
			 one ? json_integer((json_int_t)view->plan->owners[owner].shard)
			     : json_null());
}

static json_t *summary_object(const struct view *view, const struct view_sum *sum)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "shards", (json_int_t)view->plan->shard_count,
			 "flows", (json_int_t)view->plan->flow_count, "local",
			 (json_int_t)sum->flows_local, "remote", (json_int_t)sum->flows_remote,
			 "unknown", (json_int_t)sum->flows_unknown);
}
