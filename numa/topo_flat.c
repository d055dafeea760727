/* topo_flat.c - see topo_flat.h. */
#include "numa/topo_flat.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define IS_FLAG(flag) (*(const unsigned char *)&(flag) <= 1)
#define IS_TEXT(text) (memchr(text, '\0', sizeof(text)) != NULL)

/* One of the arrays, where it stands in a topology. */
struct part {
	void **at;
	size_t count, size;
};

#define PARTS 5

static void list_parts(struct topo *topo, struct part parts[PARTS]);
static bool is_sound_head(const struct topo *head);
static bool is_sound(const struct topo *topo);
static bool is_sound_cpu(const struct topo *topo, const struct topo_cpu *cpu);
static bool is_node(const struct topo *topo, int node_os);
static bool is_sound_node(const struct topo_node *node);

void *topo_flat_write(const struct topo *topo, size_t *out_len)
{
	struct topo head = *topo;
	struct part parts[PARTS];
	size_t len = sizeof(head);
	char *bytes, *at;

	list_parts(&head, parts);
	for (int i = 0; i < PARTS; i++) {
		len += parts[i].count * parts[i].size;
	}
	bytes = len <= TOPO_FLAT_MAX ? malloc(len) : NULL;
	if (!bytes) {
		return NULL;
	}
	at = bytes + sizeof(head);
	memcpy(bytes, topo, sizeof(head));
	for (int i = 0; i < PARTS; i++) {
		if (parts[i].count > 0) {
			memcpy(at, *parts[i].at, parts[i].count * parts[i].size);
		}
		at += parts[i].count * parts[i].size;
	}
	*out_len = len;
	return bytes;
}

int topo_flat_read(const void *bytes, size_t len, struct topo *out)
{
	const char *at = (const char *)bytes + sizeof(struct topo);
	struct topo topo = {0};
	struct part parts[PARTS];
	size_t want = sizeof(topo);
	int rc = 0;

	if (len < sizeof(topo)) {
		return -EBADMSG;
	}
	memcpy(&topo, bytes, sizeof(topo));
	if (!is_sound_head(&topo)) {
		return -EBADMSG;
	}
	list_parts(&topo, parts);
	for (int i = 0; i < PARTS; i++) {
		want += parts[i].count * parts[i].size;
		*parts[i].at = NULL;
	}
	if (want != len) {
		return -EBADMSG;
	}
	for (int i = 0; i < PARTS && rc == 0; i++) {
		size_t part_len = parts[i].count * parts[i].size;

		if (part_len > 0) {
			*parts[i].at = malloc(part_len);
			rc = *parts[i].at ? 0 : -ENOMEM;
		}
		if (rc == 0 && part_len > 0) {
			memcpy(*parts[i].at, at, part_len);
			at += part_len;
		}
	}
	if (rc == 0 && !is_sound(&topo)) {
		rc = -EBADMSG;
	}
	if (rc < 0) {
		topo_free(&topo);
		return rc;
	}
	*out = topo;
	return 0;
}

/* A pointer that is not NULL says that there are distances. */
static void list_parts(struct topo *topo, struct part parts[PARTS])
{
	const struct part all[PARTS] = {
		{(void **)&topo->cpus, topo->cpu_count, sizeof(*topo->cpus)},
		{(void **)&topo->nodes, topo->node_count, sizeof(*topo->nodes)},
		{(void **)&topo->nics, topo->nic_count, sizeof(*topo->nics)},
		{(void **)&topo->l3_bytes, topo->l3_count, sizeof(*topo->l3_bytes)},
		{(void **)&topo->distances,
		 topo->distances ? (size_t)topo->node_count * topo->node_count : 0,
		 sizeof(*topo->distances)},
	};

	memcpy(parts, all, sizeof(all));
}

/* Counts are so small that no sum of lengths wraps. */
static bool is_sound_head(const struct topo *head)
{
	const uint32_t most = TOPO_FLAT_MAX / sizeof(struct topo_cpu);

	return head->cpu_count > 0 && head->cpu_count <= most && head->node_count <= most &&
	       head->nic_count <= most && head->l3_count <= most && head->core_count <= most &&
	       head->package_count <= most && head->offline_count <= INT_MAX &&
	       IS_FLAG(head->one_pool) && IS_FLAG(head->this_machine) && IS_TEXT(head->source);
}

static bool is_sound(const struct topo *topo)
{
	for (uint32_t i = 0; i < topo->node_count; i++) {
		if (!is_sound_node(&topo->nodes[i]) ||
		    (i > 0 && topo->nodes[i - 1].node_os >= topo->nodes[i].node_os)) {
			return false;
		}
	}
	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		if (!is_sound_cpu(topo, &topo->cpus[i]) ||
		    (i > 0 && topo->cpus[i - 1].cpu_os >= topo->cpus[i].cpu_os)) {
			return false;
		}
	}
	for (uint32_t i = 0; i < topo->nic_count; i++) {
		const struct topo_nic *nic = &topo->nics[i];

		if (!IS_TEXT(nic->name) || !IS_TEXT(nic->via) || !is_node(topo, nic->node_os)) {
			return false;
		}
	}
	return true;
}

static bool is_sound_cpu(const struct topo *topo, const struct topo_cpu *cpu)
{
	return cpu->cpu_os >= 0 && cpu->core_idx >= 0 &&
	       (uint32_t)cpu->core_idx < topo->core_count && cpu->package_os >= TOPO_UNKNOWN &&
	       is_node(topo, cpu->home_os) && is_node(topo, cpu->node_os) &&
	       cpu->smt_rank >= TOPO_UNKNOWN && cpu->efficiency >= TOPO_UNKNOWN &&
	       (cpu->l3_idx == TOPO_UNKNOWN ||
		(cpu->l3_idx >= 0 && (uint32_t)cpu->l3_idx < topo->l3_count)) &&
	       IS_FLAG(cpu->allowed) && IS_FLAG(cpu->nameable) && IS_FLAG(cpu->isolated);
}

static bool is_node(const struct topo *topo, int node_os)
{
	return node_os == TOPO_UNKNOWN || topo_find_node(topo, node_os);
}

static bool is_sound_node(const struct topo_node *node)
{
	return node->node_os >= 0 && node->package_os >= TOPO_UNKNOWN && IS_FLAG(node->allowed) &&
	       IS_FLAG(node->special) && IS_TEXT(node->kind);
}
