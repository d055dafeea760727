/* snapshot.c - memory of snapshots; see snapshot.h. */
#include "src/web/snapshot.h"

#include <stdlib.h>
#include <string.h>

static void *rows_of(uint32_t count, size_t size);

struct snapshot *snapshot_new(uint32_t shards, uint32_t rules, uint32_t flows, uint32_t outputs)
{
	struct snapshot *snapshot = rows_of(1, sizeof(*snapshot));

	if (!snapshot) {
		return NULL;
	}
	snapshot->shards = rows_of(shards, sizeof(*snapshot->shards));
	snapshot->rules = rows_of(rules, sizeof(*snapshot->rules));
	snapshot->flows = rows_of(flows, sizeof(*snapshot->flows));
	snapshot->outputs = rows_of(outputs, sizeof(*snapshot->outputs));
	if (!snapshot->shards || !snapshot->rules || !snapshot->flows || !snapshot->outputs) {
		snapshot_free(snapshot);
		return NULL;
	}
	return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot) {
		return;
	}
	free(snapshot->member);
	for (uint32_t i = 0; i < snapshot->reason_count; i++) {
		free(snapshot->reasons[i]);
	}
	for (uint32_t i = 0; i < snapshot->shard_count; i++) {
		free(snapshot->shards[i].features);
	}
	for (uint32_t i = 0; i < snapshot->rule_count; i++) {
		free(snapshot->rules[i].name);
		free(snapshot->rules[i].text);
		free(snapshot->rules[i].where);
	}
	for (uint32_t i = 0; i < snapshot->flow_count; i++) {
		free(snapshot->flows[i].why);
	}
	for (uint32_t i = 0; i < snapshot->output_count; i++) {
		free(snapshot->outputs[i].why);
	}
	free(snapshot->reasons);
	free(snapshot->shards);
	free(snapshot->rules);
	free(snapshot->flows);
	free(snapshot->outputs);
	free(snapshot);
}

/* Counters ask for cache lines of their own. */
static void *rows_of(uint32_t count, size_t size)
{
	void *rows = aligned_alloc(64, (count + 1UL) * ((size + 63) / 64 * 64));

	if (rows) {
		memset(rows, 0, (count + 1UL) * size);
	}
	return rows;
}
