/* fuzz_host.c - any text as the files below /proc and /sys that describe this
 * host.
 *
 * The input is files, each begun by a line `== PATH'; no other exists. What
 * must hold: no crash; of
 * --check-host each finding has a value and a reason, trouble has a cure or
 * advice, and what is ok has none and is not unknown. The readers of a
 * process's own pages, of huge pages and of control groups are asked as well.
 * `== nft' is what nft(8) says.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "numa/hugepages.h"
#include "numa/procmaps.h"
#include "src/base/must.h"
#include "src/host/facts.h"
#include "src/host/host.h"
#include "src/setup/cgroup.h"

#define FILES_MAX 32
#define PATH_MOST 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In the place of those of the C library, for this program. */
int __real_open(const char *path, int flags, ...);
FILE *__real_fopen(const char *path, const char *mode);
int __real_access(const char *path, int mode);
DIR *__real_opendir(const char *path);
struct dirent *__real_readdir(DIR *dir);
int __real_closedir(DIR *dir);
int __wrap_open(const char *path, int flags, ...);
FILE *__wrap_fopen(const char *path, const char *mode);
int __wrap_access(const char *path, int mode);
DIR *__wrap_opendir(const char *path);
struct dirent *__wrap_readdir(DIR *dir);
int __wrap_closedir(DIR *dir);

struct file {
	char path[PATH_MOST];
	const char *text;
	size_t bytes;
};

static struct file files[FILES_MAX];
static size_t file_count;
static bool serving; /* false: the host's own files, while the plan is made */

/* Whether it is for us to serve: libFuzzer's own files are not. */
static bool serves(const char *path)
{
	return serving && (strncmp(path, "/proc", 5) == 0 || strncmp(path, "/sys", 4) == 0);
}

/* A directory that is read: what stands below `path', a file after the other.
 */
struct listing {
	char path[PATH_MOST];
	size_t next;
	struct dirent entry;
};

static const struct file *find(const char *path)
{
	for (size_t i = 0; i < file_count; i++) {
		if (strcmp(files[i].path, path) == 0) {
			return &files[i];
		}
	}
	errno = ENOENT;
	return NULL;
}

/* What follows `dir' and a slash in the path; NULL: it is elsewhere. */
static const char *below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

int __wrap_open(const char *path, int flags, ...)
{
	const struct file *file = serves(path) ? find(path) : NULL;
	int fd;

	if (!serves(path)) {
		return __real_open(path, flags, 0);
	}
	if (!file) {
		return -1;
	}
	fd = memfd_create("file", MFD_CLOEXEC);
	must(fd >= 0);
	must(write(fd, file->text, file->bytes) == (ssize_t)file->bytes);
	must(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	const struct file *file = serves(path) ? find(path) : NULL;

	if (!serves(path)) {
		return __real_fopen(path, mode);
	}
	if (!file) {
		return NULL;
	}
	if (file->bytes == 0) {
		return __real_fopen("/dev/null", "re");
	}
	return fmemopen((void *)file->text, file->bytes, "r");
}

int __wrap_access(const char *path, int mode)
{
	if (!serves(path)) {
		return __real_access(path, mode);
	}
	for (size_t i = 0; i < file_count; i++) {
		if (strcmp(files[i].path, path) == 0 || below(files[i].path, path)) {
			return 0;
		}
	}
	errno = ENOENT;
	return -1;
}

DIR *__wrap_opendir(const char *path)
{
	struct listing *listing;

	if (!serves(path)) {
		return __real_opendir(path);
	}
	if (__wrap_access(path, F_OK) != 0 || find(path)) {
		return NULL;
	}
	listing = calloc(1, sizeof(*listing));
	must(listing);
	snprintf(listing->path, sizeof(listing->path), "%s", path);
	return (DIR *)listing;
}

struct dirent *__wrap_readdir(DIR *dir)
{
	struct listing *listing = (struct listing *)dir;

	if (!serving) {
		return __real_readdir(dir);
	}
	while (listing->next < file_count) {
		const char *name = below(files[listing->next++].path, listing->path);

		if (name) {
			snprintf(listing->entry.d_name, sizeof(listing->entry.d_name), "%.*s",
				 (int)strcspn(name, "/"), name);
			return &listing->entry;
		}
	}
	return NULL;
}

int __wrap_closedir(DIR *dir)
{
	if (!serving) {
		return __real_closedir(dir);
	}
	free(dir);
	return 0;
}

static void (*const parts[])(struct host *host) = {
	host_kernel,    host_uring,  host_fastpath,   host_limits,   host_group, host_buffers,
	host_memory,    host_cpu,    host_links,      host_paths,    host_nics,  host_offloads,
	host_rp_filter, host_losses, host_membership, host_firewall, host_cloud, host_names,
};

struct bench {
	struct opt opt;
	struct setup setup;
	struct host_facts facts;
};

/* A machine of two nodes, three rules and interfaces that are up. */
static void prepare(struct bench *bench)
{
	static const char *const argv[] = {
		"numacastd",  "--check-host",
		"--topology", "package:2 numanode:1 core:4 pu:1",
		"--shards",   "3",
		"--fastpath", "auto",
		"--rule",     "10.9.9.9@232.1.1.1%in0:5000 -> 239.2.2.2%out0:6000",
		"--rule",     "239.1.1.1%in0:5000 -> 239.2.2.3%out0:6000, 192.0.2.1%out0:53",
		"--rule",     "[ff3e::1%in1]:5000 -> [ff0e::2%out1]:6000 ttl=2",
		NULL,
	};
	struct err err = {0};
	int argc = sizeof(argv) / sizeof(argv[0]) - 1;

	must(options_parse(argc, (char **)argv, &bench->opt, &err) == 0);
	must(setup_prepare(&bench->setup, &bench->opt, false, &err) == 0);
	must(host_facts_count(&bench->setup, &bench->facts) == 0);
	for (uint32_t i = 0; i < bench->setup.ifaces.count; i++) {
		bench->setup.ifaces.list[i].ifindex = i + 11;
		bench->setup.ifaces.list[i].mtu = 1500;
		bench->setup.ifaces.list[i].node_os = 0;
		bench->facts.ifaces[i].flags = IFF_UP | IFF_RUNNING | IFF_MULTICAST;
		bench->facts.ifaces[i].has_ipv4 = i % 2 == 0;
	}
	bench->facts.tries = (struct host_tries){.done = true, .files = 1024, .rings = 2};
}

static void judge(const struct finding *finding)
{
	must(finding->value);
	must(finding->why);
	must(finding->level <= FINDING_UNKNOWN || finding->cure || finding->advice);
	must(finding->level != FINDING_OK || !finding->cure);
}

static void look(struct bench *bench)
{
	struct host host = {.setup = &bench->setup, .facts = &bench->facts, .root = ""};
	const struct file *nft = find("nft");

	bench->facts.ruleset_rc = -ENOENT;
	bench->facts.ruleset = nft ? strndup(nft->text, nft->bytes) : NULL;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		parts[i](&host);
	}
	must(!host.out_of_memory);
	for (uint32_t i = 0; i < host.count; i++) {
		judge(&host.findings[i]);
	}
	host_free(&host);
	free(bench->facts.ruleset);
	bench->facts.ruleset = NULL;
}

static void read_memory(void)
{
	const void *base = (const void *)0x7f0000000000; /* as the corpus has it */
	uint64_t on_node = 0, present = 0, bytes = 0;
	struct hugepages pool;
	struct cgroup group;
	char nodes[24];

	(void)procmaps_count_pages(base, 0, &on_node, &present);
	(void)procmaps_thp_bytes(base, &bytes);
	must(strlen(procmaps_allowed_nodes(nodes, sizeof(nodes))) < sizeof(nodes));
	(void)hugepages_read(hugepages_home(0), 2u << 20, &pool);
	(void)hugepages_node_room(-1, &bytes);
	(void)hugepages_node_room(0, &bytes);
	(void)hugepages_thp_never();
	cgroup_read("", &group);
	must(cgroup_room(&group.memory) <= CGROUP_UNLIMITED);
	must(memchr(group.memory.where, '\0', sizeof(group.memory.where)));
}

/* Cuts the text into files, in place. */
static void take_files(char *text, size_t size)
{
	char *end = text + size, *at = text;

	file_count = 0;
	while (at < end && file_count < FILES_MAX) {
		char *head = memmem(at, (size_t)(end - at), "== ", 3);
		char *line = head ? memchr(head, '\n', (size_t)(end - head)) : NULL;
		char *next = line ? memmem(line, (size_t)(end - line), "\n== ", 4) : NULL;
		struct file *file = &files[file_count];

		if (!line) {
			return;
		}
		next = next ? next + 1 : end;
		snprintf(file->path, sizeof(file->path), "%.*s", (int)(line - head - 3), head + 3);
		file->text = line + 1;
		file->bytes = (size_t)(next - line - 1);
		file_count++;
		at = next;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench bench;
	static bool ready;
	char *text = malloc(size + 1);

	must(text);
	memcpy(text, data, size);
	if (!ready) {
		prepare(&bench);
		ready = true;
	}
	take_files(text, size);
	serving = true;
	look(&bench);
	read_memory();
	serving = false;
	free(text);
	return 0;
}
