/* top_view.c - see top_view.h.
 *
 * The names of members are the daemon's; a test compares them with what it answers.
 */
#include "src/ctl/top_view.h"

#include <jansson.h>
#include <string.h>

#include "src/base/protocol.h"

static bool add_member(json_t *members, const char *path);

/* Rows are read across, so they are not one member a line. */
/* clang-format off */
#define IN_OF_FLOWS                                                   \
	{"IN/s", {"received"}, NULL, TOP_RATE, 7, 0},                 \
	{"IN bit/s", {"received_bytes"}, NULL, TOP_BITS, 8, 3}

const struct top_view top_views[TOP_VIEWS + 1] = {
	{"rules", "rules", {"rule"}, {
		{"RULE", {"rule"}, NULL, TOP_TEXT, 10, 0},
		{"DUTY", {"duty"}, NULL, TOP_TEXT, 7, 3},
		IN_OF_FLOWS,
		{"IN/RECV", {"received"}, "pieces", TOP_RATIO, 7, 5},
		{"OUT/s", {"sent"}, NULL, TOP_RATE, 7, 1},
		{"OUT bit/s", {"sent_bytes"}, NULL, TOP_BITS, 9, 4},
		{"OUT/SEND", {"sent"}, "sends", TOP_RATIO, 8, 6},
		{"LOST/s", {"losses"}, NULL, TOP_LOSS, 7, 0},
		{"LOST", {"losses"}, NULL, TOP_LOST, 7, 3},
		{"CAUSE", {"losses"}, "reason", TOP_CAUSE, 11, 2},
		{NULL}}, 2},
	{"flows", "flows", {"rule", "ingress", "source", "shard"}, {
		{"RULE", {"rule"}, NULL, TOP_TEXT, 8, 4},
		{"INGRESS", {"ingress"}, NULL, TOP_TEXT, 20, 0},
		{"SOURCE", {"source"}, NULL, TOP_TEXT, 6, 8},
		{"SHARD", {"shard"}, NULL, TOP_NUMBER, 5, 5},
		IN_OF_FLOWS,
		{"IN/RECV", {"received"}, "pieces", TOP_RATIO, 7, 6},
		{"LOST/s", {"losses"}, NULL, TOP_LOSS, 7, 0},
		{"LOST", {"losses"}, NULL, TOP_LOST, 7, 3},
		{"CAUSE", {"losses"}, "reason", TOP_CAUSE, 11, 3},
		{"KERNEL/s", {"fast.received"}, NULL, TOP_RATE, 8, 7},
		{NULL}}, 4},
	{"outputs", "outputs", {"rule", "ingress", "source", "shard", "to"}, {
		{"RULE", {"rule"}, NULL, TOP_TEXT, 8, 4},
		{"INGRESS", {"ingress"}, NULL, TOP_TEXT, 7, 7},
		{"TO", {"to"}, NULL, TOP_TEXT, 20, 0},
		{"SHARD", {"shard"}, NULL, TOP_NUMBER, 5, 5},
		{"OUT/s", {"sent"}, NULL, TOP_RATE, 7, 0},
		{"OUT bit/s", {"sent_bytes"}, NULL, TOP_BITS, 9, 2},
		{"OUT/SEND", {"sent"}, "sends", TOP_RATIO, 8, 6},
		{"LOST/s", {"losses"}, NULL, TOP_LOSS, 7, 0},
		{"LOST", {"losses"}, NULL, TOP_LOST, 7, 3},
		{"CAUSE", {"losses"}, "reason", TOP_CAUSE, 11, 3},
		{"KERNEL/s", {"fast.sent"}, NULL, TOP_RATE, 8, 7},
		{NULL}}, 4},
	{"shards", "shards", {"shard"}, {
		{"SHARD", {"shard"}, NULL, TOP_NUMBER, 5, 0},
		{"CPU", {"cpu"}, NULL, TOP_NUMBER, 4, 3},
		{"NODE", {"node"}, NULL, TOP_NUMBER, 4, 6},
		{"IN/s", {"received"}, NULL, TOP_RATE, 7, 0},
		{"IN/RECV", {"received"}, "pieces", TOP_RATIO, 7, 4},
		{"OUT/s", {"sent"}, NULL, TOP_RATE, 7, 1},
		{"OUT/SEND", {"sent"}, "sends", TOP_RATIO, 8, 4},
		{"TURNS/s", {"ring.turns"}, NULL, TOP_RATE, 7, 2},
		{"IN/TURN", {"received"}, "ring.turns", TOP_RATIO, 7, 3},
		{"CALLS/s", {"ring.syscalls"}, NULL, TOP_RATE, 7, 5},
		{"LOST/s", {"losses"}, NULL, TOP_LOSS, 7, 0},
		{"LOST", {"losses"}, NULL, TOP_LOST, 7, 2},
		{"CAUSE", {"losses"}, NULL, TOP_CAUSE, 11, 2},
		{NULL}}, TOP_UNSORTED},
	{"pools", "pools", {"shard", "class"}, {
		{"SHARD", {"shard"}, NULL, TOP_NUMBER, 5, 0},
		{"CLASS", {"class"}, NULL, TOP_TEXT, 6, 0},
		{"IN USE", {"free", "in_ring"}, "slots", TOP_LEVEL, 17, 0},
		{"SLOTS", {"slots"}, NULL, TOP_TOTAL, 6, 1},
		{"PAYLOAD", {"payload_bytes"}, NULL, TOP_NUMBER, 7, 5},
		{"IN RING", {"in_ring"}, NULL, TOP_TOTAL, 7, 4},
		{"HELD", {"held"}, NULL, TOP_TOTAL, 6, 2},
		{"MOST", {"high_water"}, NULL, TOP_TOTAL, 6, 3},
		{"TAKEN/s", {"taken"}, NULL, TOP_RATE, 7, 3},
		{"EMPTY/s", {"exhausted"}, NULL, TOP_LOSS, 7, 2},
		{NULL}}, TOP_UNSORTED},
	{"losses", NULL, {"cause"}, {
		{"CAUSE", {"cause"}, NULL, TOP_TEXT, 18, 0},
		{"LOST/s", {"count"}, NULL, TOP_LOSS, 8, 0},
		{"LOST", {"count"}, NULL, TOP_LOST, 8, 1},
		{NULL}}, 1},
	{"legs", "legs", {"rule", "ingress", "source", "shard"}, {
		{"RULE", {"rule"}, NULL, TOP_TEXT, 8, 4},
		{"LEG", {"leg.leg"}, NULL, TOP_NUMBER, 3, 0},
		{"INGRESS", {"ingress"}, NULL, TOP_TEXT, 20, 0},
		{"SHARD", {"shard"}, NULL, TOP_NUMBER, 5, 9},
		{"IN/s", {"received"}, NULL, TOP_RATE, 7, 0},
		{"RELAYED/s", {"relayed"}, NULL, TOP_RATE, 9, 3},
		{"LOST/s", {"leg.lost"}, NULL, TOP_LOSS, 7, 0},
		{"LOST", {"leg.lost"}, NULL, TOP_LOST, 7, 2},
		{"SAVED", {"leg.only"}, NULL, TOP_TOTAL, 7, 5},
		{"LOST ALL", {"merge.lost_all"}, NULL, TOP_LOST, 8, 1},
		{"US P50", {"leg.skew_us.p50"}, NULL, TOP_TOTAL, 6, 7},
		{"US P99", {"leg.skew_us.p99"}, NULL, TOP_TOTAL, 6, 6},
		{"SILENT", {"leg.silent"}, NULL, TOP_ALARM, 6, 0},
		{NULL}}, TOP_UNSORTED},
	{NULL},
};
/* clang-format on */

bool top_view_is_text(const struct top_column *column)
{
	return column->kind == TOP_TEXT || column->kind == TOP_CAUSE;
}

bool top_view_falls(const struct top_column *column)
{
	return !top_view_is_text(column) && column->kind != TOP_NUMBER;
}

unsigned top_view_find(const char *name)
{
	unsigned view = 0;

	while (view < TOP_VIEWS && strcmp(top_views[view].name, name) != 0) {
		view++;
	}
	return view;
}

json_t *top_view_request(const struct top_view *view)
{
	json_t *request, *members;
	bool good = true;

	if (!view) {
		return json_pack("{s:i, s:s}", "version", PROTOCOL_VERSION, "command", "stats");
	}
	members = json_array();
	for (size_t k = 0; k < TOP_KEYS_MAX && view->keys[k]; k++) {
		good = good && add_member(members, view->keys[k]);
	}
	for (const struct top_column *column = view->columns; column->title; column++) {
		for (size_t p = 0; p < TOP_PATHS_MAX && column->paths[p]; p++) {
			good = good && add_member(members, column->paths[p]);
		}
		good = good && (!column->over || add_member(members, column->over));
	}
	request = json_pack("{s:i, s:s, s:s, s:o}", "version", PROTOCOL_VERSION, "command", "show",
			    "what", view->subject, "members", members);
	if (!good) {
		json_decref(request);
	}
	return good ? request : NULL;
}

/* The first part of `path', once. */
static bool add_member(json_t *members, const char *path)
{
	size_t len = strcspn(path, "."), i;
	json_t *member;

	json_array_foreach(members, i, member)
	{
		if (json_string_length(member) == len &&
		    memcmp(json_string_value(member), path, len) == 0) {
			return true;
		}
	}
	return json_array_append_new(members, json_stringn(path, len)) == 0;
}
