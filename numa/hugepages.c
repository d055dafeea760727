/* hugepages.c - reads the counts behind step 2's memory: huge-page pools and nodes.
 *
 * The kernel keeps one pool per node and page size. A page is available when it is free and no
 * mapping holds a reservation for it; reservations are counted for the whole machine only, so a
 * node's share of them is unknown, and the smaller of both bounds is given. Pages unless a name
 * says bytes. Control thread and shard threads at start.
 */
#include "numa/hugepages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 128
#define POOLS      "/sys/kernel/mm/hugepages"
#define NODES      "/sys/devices/system/node"

static void pool_dir(int node_os, size_t page_bytes, char *buf);
static int read_count(const char *dir, const char *name, uint64_t *out);
static int sum_meminfo(const char *path, const char *const *names, size_t count, uint64_t *bytes);
static uint64_t kept_back_bytes(int node_os);

int hugepages_home(int node_os)
{
	return access(NODES "/online", F_OK) == 0 ? node_os : -1;
}

int hugepages_read(int node_os, size_t page_bytes, struct hugepages *out)
{
	char machine[PATH_BYTES];
	char pool[PATH_BYTES];
	uint64_t total = 0;
	uint64_t free = 0;
	uint64_t free_all = 0;
	uint64_t reserved_all = 0;
	int ret;

	pool_dir(-1, page_bytes, machine);
	pool_dir(node_os, page_bytes, pool);
	ret = read_count(pool, "nr_hugepages", &total);
	if (ret == 0) {
		ret = read_count(pool, "free_hugepages", &free);
	}
	if (ret == 0) {
		ret = read_count(machine, "free_hugepages", &free_all);
	}
	if (ret == 0) {
		ret = read_count(machine, "resv_hugepages", &reserved_all);
	}
	if (ret < 0) {
		return ret;
	}
	free_all = free_all > reserved_all ? free_all - reserved_all : 0;
	out->total = total;
	out->available = free < free_all ? free : free_all;
	return 0;
}

const char *hugepages_line(int node_os, size_t page_bytes, uint64_t count, char *buf)
{
	char pool[PATH_BYTES];

	pool_dir(node_os, page_bytes, pool);
	snprintf(buf, HUGEPAGES_LINE_MAX, "echo %llu > %s/nr_hugepages", (unsigned long long)count,
		 pool);
	return buf;
}

int hugepages_node_room(int node_os, uint64_t *bytes)
{
	/* A node has no MemAvailable; these are what it would be made of. */
	static const char *const of_node[] = {
		"MemFree:", "Active(file):", "Inactive(file):", "SReclaimable:"};
	static const char *const of_machine[] = {"MemAvailable:"};
	char path[PATH_BYTES];
	uint64_t kept;
	int ret;

	if (node_os < 0) {
		return sum_meminfo("/proc/meminfo", of_machine, 1, bytes);
	}
	snprintf(path, sizeof(path), "%s/node%d/meminfo", NODES, node_os);
	ret = sum_meminfo(path, of_node, sizeof(of_node) / sizeof(of_node[0]), bytes);
	if (ret == 0) {
		kept = kept_back_bytes(node_os);
		*bytes -= kept < *bytes ? kept : *bytes;
	}
	return ret;
}

bool hugepages_thp_never(void)
{
	char line[128] = "";
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");

	if (file == NULL) {
		return false;
	}
	if (fgets(line, sizeof(line), file) == NULL) {
		line[0] = '\0';
	}
	fclose(file);
	return strstr(line, "[never]") != NULL;
}

/* The pool's directory, of a node or of the whole machine. */
static void pool_dir(int node_os, size_t page_bytes, char *buf)
{
	size_t page_kib = page_bytes / 1024;

	if (node_os < 0) {
		snprintf(buf, PATH_BYTES, "%s/hugepages-%zukB", POOLS, page_kib);
	} else {
		snprintf(buf, PATH_BYTES, "%s/node%d/hugepages/hugepages-%zukB", NODES, node_os,
			 page_kib);
	}
}

/* Adds up the lines of `path' that are in `names', each `MemFree: 12345 kB', in a node's file with
 * `Node 1 ' before it. */
static int sum_meminfo(const char *path, const char *const *names, size_t count, uint64_t *bytes)
{
	char line[256];
	uint64_t sum_kib = 0;
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		return -errno;
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		char name[64];
		unsigned long long kib;

		if (sscanf(line, "Node %*d %63s %llu", name, &kib) != 2 &&
		    sscanf(line, "%63s %llu", name, &kib) != 2) {
			continue;
		}
		for (size_t i = 0; i < count; i++) {
			if (strcmp(name, names[i]) == 0) {
				sum_kib += kib;
			}
		}
	}
	fclose(file);
	*bytes = sum_kib * 1024;
	return 0;
}

/* The high watermarks of the node's zones: below them the kernel reclaims, and soon kills. */
static uint64_t kept_back_bytes(int node_os)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t sum = 0;
	char line[256];
	int node = -1;

	if (file == NULL) {
		return 0;
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		unsigned long long pages;

		if (sscanf(line, "Node %d, zone", &node) != 1 && node == node_os &&
		    sscanf(line, " high %llu", &pages) == 1) {
			sum += pages * page_bytes;
		}
	}
	fclose(file);
	return sum;
}

static int read_count(const char *dir, const char *name, uint64_t *out)
{
	char path[PATH_BYTES + 32];
	unsigned long long count;
	FILE *file;
	int got;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (file == NULL) {
		return -errno;
	}
	got = fscanf(file, "%llu", &count);
	fclose(file);
	if (got != 1) {
		return -EIO;
	}
	*out = count;
	return 0;
}
