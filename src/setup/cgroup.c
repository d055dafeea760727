/* cgroup.c - reads the limits of the control groups that this process is in.
 *
 * /proc/self/cgroup has one line for version 2, "0::/path", and one for each hierarchy of version
 * 1, "4:memory:/path". A container may show a path that does not exist below its own mount, which
 * then is the group itself; so every prefix of the path is looked at, down to the mount, and files
 * that are missing are passed over. Control thread.
 */
#include "src/setup/cgroup.h"

#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOUNT      "/sys/fs/cgroup"
#define PATH_ROOM  1024
#define V1_NO_MORE (UINT64_C(1) << 60) /* version 1 writes "unlimited" as a number beyond this */

/* Files of one kind of limit, by version. */
struct kind {
	const char *controller; /* of version 1 */
	const char *max[2];
	const char *used[2];
	size_t offset; /* in struct cgroup */
};

static const struct kind kinds[] = {
	{"memory",
	 {"memory.limit_in_bytes", "memory.max"},
	 {"memory.usage_in_bytes", "memory.current"},
	 offsetof(struct cgroup, memory)},
	{"pids",
	 {"pids.max", "pids.max"},
	 {"pids.current", "pids.current"},
	 offsetof(struct cgroup, pids)},
	{"hugetlb",
	 {"hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max"},
	 {"hugetlb.2MB.usage_in_bytes", "hugetlb.2MB.current"},
	 offsetof(struct cgroup, huge_2m)},
	{"hugetlb",
	 {"hugetlb.1GB.limit_in_bytes", "hugetlb.1GB.max"},
	 {"hugetlb.1GB.usage_in_bytes", "hugetlb.1GB.current"},
	 offsetof(struct cgroup, huge_1g)},
	{"cpu", {"cpu.cfs_quota_us", "cpu.max"}, {NULL, NULL}, offsetof(struct cgroup, cpu)},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static void read_line(const char *root, char *line, struct cgroup *out);
static bool lists(const char *controllers, const char *name);
static void read_kind(const char *root, const char *mount, const char *path,
		      const struct kind *kind, int version, struct cgroup_limit *limit);
static uint64_t read_used(const char *dir, const struct kind *kind, int version);
static uint64_t read_file_pages(const char *dir);
static uint64_t read_max(const char *dir, const struct kind *kind, int version);
static uint64_t read_cpus(const char *dir, int version);
static bool read_text(const char *dir, const char *name, char *text, size_t room);

void cgroup_read(const char *root, struct cgroup *out)
{
	char path[PATH_ROOM], line[PATH_ROOM];
	FILE *file;

	*out = (struct cgroup){0};
	for (size_t i = 0; i < KIND_COUNT; i++) {
		((struct cgroup_limit *)((char *)out + kinds[i].offset))->max = CGROUP_UNLIMITED;
	}
	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	file = fopen(path, "re");
	if (!file) {
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		read_line(root, line, out);
		out->known = true;
	}
	fclose(file);
}

uint64_t cgroup_room(const struct cgroup_limit *limit)
{
	if (limit->max == CGROUP_UNLIMITED) {
		return CGROUP_UNLIMITED;
	}
	return limit->max > limit->used ? limit->max - limit->used : 0;
}

/* "0::/path", "4:cpu,cpuacct:/path" */
static void read_line(const char *root, char *line, struct cgroup *out)
{
	static const char *const mounts[] = {MOUNT, MOUNT "/unified"};
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;
	int version;

	if (!path) {
		return;
	}
	*path++ = '\0';
	controllers++;
	version = *controllers == '\0' ? 2 : 1;
	for (size_t i = 0; i < KIND_COUNT; i++) {
		struct cgroup_limit *limit = (struct cgroup_limit *)((char *)out + kinds[i].offset);
		char mount[PATH_ROOM];

		if (version == 2) {
			read_kind(root, mounts[0], path, &kinds[i], version, limit);
			read_kind(root, mounts[1], path, &kinds[i], version, limit);
		} else if (lists(controllers, kinds[i].controller)) {
			snprintf(mount, sizeof(mount), MOUNT "/%s", controllers);
			read_kind(root, mount, path, &kinds[i], version, limit);
		}
	}
}

static bool lists(const char *controllers, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = controllers; *at; at += strspn(at, ",")) {
		size_t part = strcspn(at, ",");

		if (part == len && strncmp(at, name, len) == 0) {
			return true;
		}
		at += part;
	}
	return false;
}

/* From the group itself up to the mount. */
static void read_kind(const char *root, const char *mount, const char *path,
		      const struct kind *kind, int version, struct cgroup_limit *limit)
{
	char at[PATH_ROOM], dir[3 * PATH_ROOM];
	bool more = true;

	snprintf(at, sizeof(at), "%s", strcmp(path, "/") == 0 ? "" : path);
	while (more) {
		struct cgroup_limit found = {0};
		char *slash = strrchr(at, '/');

		snprintf(dir, sizeof(dir), "%s%s%s", root, mount, at);
		found.max = read_max(dir, kind, version);
		if (found.max != CGROUP_UNLIMITED) {
			found.used = read_used(dir, kind, version);
			snprintf(found.where, sizeof(found.where), "%.60s%.60s/%s", mount, at,
				 kind->max[version - 1]);
			if (cgroup_room(&found) < cgroup_room(limit)) {
				*limit = found;
			}
		}
		more = slash != NULL;
		if (slash) {
			*slash = '\0';
		}
	}
}

static uint64_t read_used(const char *dir, const struct kind *kind, int version)
{
	const char *name = kind->used[version - 1];
	uint64_t used, files;
	char text[64];

	if (!name || !read_text(dir, name, text, sizeof(text))) {
		return 0;
	}
	used = strtoull(text, NULL, 10);
	files = kind == &kinds[0] ? read_file_pages(dir) : 0;
	return used > files ? used - files : 0;
}

/* Pages of files, which the kernel drops when memory is short. */
static uint64_t read_file_pages(const char *dir)
{
	char path[4 * PATH_ROOM], line[128];
	uint64_t sum = 0, value;
	FILE *file;

	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	file = fopen(path, "re");
	if (!file) {
		return 0;
	}
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "inactive_file %" SCNu64, &value) == 1 ||
		    sscanf(line, "active_file %" SCNu64, &value) == 1) {
			sum += value;
		}
	}
	fclose(file);
	return sum;
}

static uint64_t read_max(const char *dir, const struct kind *kind, int version)
{
	char text[64], *end;
	uint64_t max;

	if (kind->used[0] == NULL) {
		return read_cpus(dir, version);
	}
	if (!read_text(dir, kind->max[version - 1], text, sizeof(text))) {
		return CGROUP_UNLIMITED;
	}
	max = strtoull(text, &end, 10);
	return end == text || max >= V1_NO_MORE ? CGROUP_UNLIMITED : max;
}

/* "200000 100000" or "max 100000"; version 1 has a file for each, and -1 for no limit. */
static uint64_t read_cpus(const char *dir, int version)
{
	char text[64], more[64];
	long long quota, period;

	if (!read_text(dir, version == 2 ? "cpu.max" : "cpu.cfs_quota_us", text, sizeof(text))) {
		return CGROUP_UNLIMITED;
	}
	if (version == 2) {
		if (sscanf(text, "%lld %lld", &quota, &period) != 2) {
			return CGROUP_UNLIMITED;
		}
	} else {
		quota = strtoll(text, NULL, 10);
		period = read_text(dir, "cpu.cfs_period_us", more, sizeof(more))
				 ? strtoll(more, NULL, 10)
				 : 0;
	}
	return quota > 0 && period > 0 && quota <= LLONG_MAX / 1000
		       ? (uint64_t)(quota * 1000 / period)
		       : CGROUP_UNLIMITED;
}

static bool read_text(const char *dir, const char *name, char *text, size_t room)
{
	char path[4 * PATH_ROOM];
	FILE *file;
	bool got;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (!file) {
		return false;
	}
	got = fgets(text, (int)room, file) != NULL;
	fclose(file);
	return got;
}
