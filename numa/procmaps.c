/* procmaps.c - finds one mapping in /proc/self/numa_maps or /proc/self/smaps (step 2).
 *
 * Both files name each mapping by its first address in hexadecimal; numa_maps then has
 * `N0=512' for 512 pages on node 0, counted in pages of that mapping's kind, smaps a line
 * `AnonHugePages: 2048 kB'. A mapping of a file with a long name makes a long line; what does not
 * fit the buffer is skipped, which never concerns an anonymous mapping. Shard threads at start,
 * control thread.
 */
#include "numa/procmaps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 1024

static int open_proc(const char *path, FILE **file);
static bool next_line(FILE *file, char *line);
static void add_nodes(char *line, int node_os, uint64_t *on_node, uint64_t *present);

int procmaps_count_pages(const void *base, int node_os, uint64_t *on_node, uint64_t *present)
{
	char line[LINE_BYTES];
	FILE *file;
	int ret = open_proc("/proc/self/numa_maps", &file);

	if (ret < 0) {
		return ret;
	}
	ret = -ENOENT;
	while (ret < 0 && next_line(file, line)) {
		if (strtoull(line, NULL, 16) == (uintptr_t)base) {
			*on_node = 0;
			*present = 0;
			add_nodes(line, node_os, on_node, present);
			ret = 0;
		}
	}
	fclose(file);
	return ret;
}

int procmaps_thp_bytes(const void *base, uint64_t *bytes)
{
	static const char field[] = "AnonHugePages:";
	char line[LINE_BYTES];
	bool inside = false;
	FILE *file;
	int ret = open_proc("/proc/self/smaps", &file);

	if (ret < 0) {
		return ret;
	}
	ret = -ENOENT;
	while (ret < 0 && next_line(file, line)) {
		unsigned long long first;
		unsigned long long last;

		if (sscanf(line, "%llx-%llx ", &first, &last) == 2) {
			inside = first == (uintptr_t)base;
		} else if (inside && strncmp(line, field, sizeof(field) - 1) == 0) {
			*bytes = strtoull(line + sizeof(field) - 1, NULL, 10) * 1024;
			ret = 0;
		}
	}
	fclose(file);
	return ret;
}

const char *procmaps_allowed_nodes(char *buf, size_t room)
{
	static const char field[] = "Mems_allowed_list:";
	char line[LINE_BYTES];
	FILE *file;

	snprintf(buf, room, "unknown");
	if (open_proc("/proc/self/status", &file) < 0) {
		return buf;
	}
	while (next_line(file, line)) {
		if (strncmp(line, field, sizeof(field) - 1) == 0) {
			const char *list = line + sizeof(field) - 1;

			list += strspn(list, " \t");
			snprintf(buf, room, "%.*s", (int)strcspn(list, "\n"), list);
			break;
		}
	}
	fclose(file);
	return buf;
}

static int open_proc(const char *path, FILE **file)
{
	*file = fopen(path, "re");
	return *file == NULL ? -errno : 0;
}

/* The next line, cut to the buffer; its rest is skipped. */
static bool next_line(FILE *file, char *line)
{
	size_t len;
	int c;

	if (fgets(line, LINE_BYTES, file) == NULL) {
		return false;
	}
	len = strlen(line);
	if (len > 0 && line[len - 1] != '\n') {
		do {
			c = fgetc(file);
		} while (c != '\n' && c != EOF);
	}
	return true;
}

static void add_nodes(char *line, int node_os, uint64_t *on_node, uint64_t *present)
{
	char *rest = NULL;

	for (char *word = strtok_r(line, " \n", &rest); word != NULL;
	     word = strtok_r(NULL, " \n", &rest)) {
		unsigned long long pages;
		int node;

		if (sscanf(word, "N%d=%llu", &node, &pages) != 2) {
			continue;
		}
		*present += pages;
		if (node == node_os) {
			*on_node += pages;
		}
	}
}
