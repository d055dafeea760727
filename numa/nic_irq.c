/* nic_irq.c - reads an interface's interrupts and where they go (step 1).
 *
 * An interrupt that never fired (a device's configuration change, an idle queue) says nothing of
 * where datagrams arrive, so as soon as some have fired only those count. Numbers are the kernel's.
 * Control thread; no state.
 */
#include "numa/nic_irq.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 8 /* a VLAN on a bond on ... */
#define CPUS_MAX  65536

struct irq_array {
	int *list;
	uint32_t count;
	uint32_t room;
};

static int add_iface(const char *sysfs, const char *ifname, int depth, struct irq_array *array);
static bool add_dir(const char *path, struct irq_array *array, int *rc);
static int add_lower(const char *sysfs, const char *ifname, int depth, struct irq_array *array);
static void array_settle(struct irq_array *array);
static int keep_fired(const char *procfs, struct irq_array *array);
static void mark_fired(const char *procfs, const struct irq_array *array, bool *fired);
static int compare_int(const void *a, const void *b);
static bool line_fired(const char *text);
static int parse_list(const char *text, struct irq_array *array);
static int array_add(struct irq_array *array, int number);

int nic_irq_list(const char *sysfs, const char *procfs, const char *ifname, int **irqs,
		 uint32_t *count)
{
	struct irq_array array = {0};
	int rc = add_iface(sysfs, ifname, 0, &array);

	if (rc == 0) {
		array_settle(&array);
		rc = array.count > 0 ? keep_fired(procfs, &array) : 0;
	}
	if (rc < 0) {
		free(array.list);
		return rc;
	}
	*irqs = array.list;
	*count = array.count;
	return 0;
}

int nic_irq_cpus(const char *procfs, int irq, int **cpus_os, uint32_t *count)
{
	static const char *const names[] = {"effective_affinity_list", "smp_affinity_list"};
	struct irq_array array = {0};
	int rc = 0;

	for (size_t i = 0; i < 2 && rc == 0 && array.count == 0; i++) {
		char path[PATH_MAX], *line = NULL;
		size_t room = 0;
		FILE *file;

		snprintf(path, sizeof(path), "%s/irq/%d/%s", procfs, irq, names[i]);
		file = fopen(path, "re");
		if (file && getline(&line, &room, file) > 0) {
			rc = parse_list(line, &array);
		}
		free(line);
		if (file) {
			fclose(file);
		}
	}
	if (rc < 0 || array.count == 0) {
		free(array.list);
		return rc < 0 ? rc : -ENOENT;
	}
	*cpus_os = array.list;
	*count = array.count;
	return 0;
}

uint32_t nic_irq_queues(const char *sysfs, const char *ifname)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	uint32_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/class/net/%s/queues", sysfs, ifname);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		count += strncmp(entry->d_name, "rx-", 3) == 0;
	}
	if (dir) {
		closedir(dir);
	}
	return count;
}

/* The device's own, else its parent's (virtio), else those of the devices below. */
static int add_iface(const char *sysfs, const char *ifname, int depth, struct irq_array *array)
{
	static const char *const places[] = {"device/msi_irqs", "device/../msi_irqs"};
	char path[PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/class/net/%s/%s", sysfs, ifname, places[i]);
		if (add_dir(path, array, &rc)) {
			return rc;
		}
	}
	return depth < DEPTH_MAX ? add_lower(sysfs, ifname, depth, array) : 0;
}

/* Adds the numbers that a directory's entries are named by; whether there is such a directory. */
static bool add_dir(const char *path, struct irq_array *array, int *rc)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir) {
		return false;
	}
	while (*rc == 0 && (entry = readdir(dir)) != NULL) {
		if (isdigit((unsigned char)entry->d_name[0])) {
			*rc = array_add(array, (int)strtol(entry->d_name, NULL, 10));
		}
	}
	closedir(dir);
	return true;
}

static int add_lower(const char *sysfs, const char *ifname, int depth, struct irq_array *array)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *dir;
	int rc = 0;

	snprintf(path, sizeof(path), "%s/class/net/%s", sysfs, ifname);
	dir = opendir(path);
	while (rc == 0 && dir && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "lower_", 6) == 0) {
			rc = add_iface(sysfs, entry->d_name + 6, depth + 1, array);
		}
	}
	if (dir) {
		closedir(dir);
	}
	return rc;
}

/* Sorted, each once. */
static void array_settle(struct irq_array *array)
{
	uint32_t kept = 0;

	if (array->count > 0) {
		qsort(array->list, array->count, sizeof(*array->list), compare_int);
	}
	for (uint32_t i = 0; i < array->count; i++) {
		if (kept == 0 || array->list[kept - 1] != array->list[i]) {
			array->list[kept++] = array->list[i];
		}
	}
	array->count = kept;
}

/* Keeps the interrupts that have fired, if any has. */
static int keep_fired(const char *procfs, struct irq_array *array)
{
	bool *fired = calloc(array->count + 1UL, sizeof(*fired));
	uint32_t kept = 0;

	if (!fired) {
		return -ENOMEM;
	}
	mark_fired(procfs, array, fired);
	for (uint32_t i = 0; i < array->count; i++) {
		if (fired[i]) {
			array->list[kept++] = array->list[i];
		}
	}
	array->count = kept > 0 ? kept : array->count;
	free(fired);
	return 0;
}

/* Marks, beside each interrupt of `array', whether it has fired. */
static void mark_fired(const char *procfs, const struct irq_array *array, bool *fired)
{
	char path[PATH_MAX], *line = NULL;
	size_t room = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/interrupts", procfs);
	file = fopen(path, "re");
	while (file && getline(&line, &room, file) > 0) {
		char *end;
		int irq = (int)strtol(line, &end, 10);
		const int *at;

		if (end == line || *end != ':') {
			continue; /* the head, or NMI and the like */
		}
		at = bsearch(&irq, array->list, array->count, sizeof(irq), compare_int);
		if (at) {
			fired[at - array->list] = line_fired(end + 1);
		}
	}
	if (file) {
		fclose(file);
	}
	free(line);
}

static int compare_int(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Whether a line of /proc/interrupts, after its number, begins with a count above zero. */
static bool line_fired(const char *text)
{
	for (;;) {
		char *end;
		unsigned long long times = strtoull(text, &end, 10);

		if (end == text || (!isspace((unsigned char)*end) && *end != '\0')) {
			return false;
		}
		if (times > 0) {
			return true;
		}
		text = end;
	}
}

/* "0-3,8" */
static int parse_list(const char *text, struct irq_array *array)
{
	int rc = 0;

	while (rc == 0 && isdigit((unsigned char)*text)) {
		char *end;
		long first = strtol(text, &end, 10);
		long last = first;

		if (*end == '-') {
			last = strtol(end + 1, &end, 10);
		}
		if (first > CPUS_MAX || last > CPUS_MAX) {
			return -ENOENT;
		}
		for (long cpu = first; rc == 0 && cpu <= last; cpu++) {
			rc = array_add(array, (int)cpu);
		}
		text = *end == ',' ? end + 1 : end;
	}
	return rc;
}

static int array_add(struct irq_array *array, int number)
{
	if (array->count == array->room) {
		uint32_t room = array->room ? array->room * 2 : 16;
		int *bigger = reallocarray(array->list, room, sizeof(*bigger));

		if (!bigger) {
			return -ENOMEM;
		}
		array->list = bigger;
		array->room = room;
	}
	array->list[array->count++] = number;
	return 0;
}
