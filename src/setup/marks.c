/* marks.c - chooses, sets and finds the marks of ingresses. See marks.h. */
#include "src/setup/marks.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_MAX_BYTES                                                            \
	(sizeof(((struct sockaddr_un *)0)->sun_path) - 1) /* behind the zero byte \
							   */

struct choice {
	uint64_t hash;
	uint32_t flow;
};

/* What is done with each choice: -EADDRINUSE when somebody has that name. */
typedef int mark_fn(const char *name, uint64_t hash, struct marks *marks);

static int choose(const struct conf *conf, const struct iface_table *ifaces, struct choice **out,
		  uint32_t *out_count);
static void for_each(const struct conf *conf, const struct iface_table *ifaces,
		     const struct choice *choices, uint32_t count, mark_fn *act, struct marks *out);
static void release_all_but(const struct choice *choices, uint32_t count, struct marks *marks);
static void name_of(const struct rule_ingress *in, const struct iface_table *ifaces, char *name);
static uint64_t hash_of(const char *name);
static int compare_hashes(const void *a, const void *b);
static int set(const char *name, uint64_t hash, struct marks *marks);
static bool has(const struct marks *marks, uint64_t hash);
static int look(const char *name, uint64_t hash, struct marks *marks);
static socklen_t address_of(const char *name, struct sockaddr_un *out);

uint32_t marks_wanted(const struct conf *conf)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < conf->flow_count && count < MARKS_MAX; i++) {
		count += addr_is_multicast(&conf->flows[i].in.at.addr);
	}
	return count;
}

int marks_set(const struct conf *conf, const struct iface_table *ifaces, uint32_t most,
	      struct marks *marks)
{
	struct choice *choices;
	uint32_t count;
	int rc = choose(conf, ifaces, &choices, &count);

	if (rc < 0) {
		return rc;
	}
	marks->most = most;
	marks->taken = 0;
	release_all_but(choices, count, marks);
	for_each(conf, ifaces, choices, count, set, marks);
	free(choices);
	return 0;
}

int marks_look(const struct conf *conf, const struct iface_table *ifaces, struct marks *out)
{
	struct choice *choices;
	uint32_t count;
	int rc = choose(conf, ifaces, &choices, &count);

	*out = (struct marks){0};
	if (rc < 0) {
		return rc;
	}
	for_each(conf, ifaces, choices, count, look, out);
	free(choices);
	return 0;
}

void marks_release(struct marks *marks)
{
	for (uint32_t i = 0; i < marks->count; i++) {
		close(marks->fds[i]);
	}
	marks->count = 0;
}

/* Those with the smallest hashes, in their order. */
static int choose(const struct conf *conf, const struct iface_table *ifaces, struct choice **out,
		  uint32_t *out_count)
{
	struct choice *choices = calloc((size_t)conf->flow_count + 1, sizeof(*choices));
	char name[NAME_MAX_BYTES + 1];
	uint32_t count = 0;

	if (!choices) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < conf->flow_count; i++) {
		if (addr_is_multicast(&conf->flows[i].in.at.addr)) {
			name_of(&conf->flows[i].in, ifaces, name);
			choices[count++] = (struct choice){.hash = hash_of(name), .flow = i};
		}
	}
	qsort(choices, count, sizeof(*choices), compare_hashes);
	*out = choices;
	*out_count = count < MARKS_MAX ? count : MARKS_MAX;
	return 0;
}

static void for_each(const struct conf *conf, const struct iface_table *ifaces,
		     const struct choice *choices, uint32_t count, mark_fn *act, struct marks *out)
{
	char name[NAME_MAX_BYTES + 1];

	for (uint32_t i = 0; i < count; i++) {
		const struct rule_ingress *in = &conf->flows[choices[i].flow].in;

		name_of(in, ifaces, name);
		if (act(name, choices[i].hash, out) == -EADDRINUSE && out->taken++ == 0) {
			endpoint_format(&in->at, out->first);
		}
	}
}

/* So that a change of a few rules makes a few sockets, and no ingress that stays is without its
 * mark for a moment. */
static void release_all_but(const struct choice *choices, uint32_t count, struct marks *marks)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < marks->count; i++) {
		struct choice known = {.hash = marks->hashes[i]};

		if (kept < marks->most &&
		    bsearch(&known, choices, count, sizeof(*choices), compare_hashes)) {
			marks->fds[kept] = marks->fds[i];
			marks->hashes[kept++] = marks->hashes[i];
		} else {
			close(marks->fds[i]);
		}
	}
	marks->count = kept;
}

/* "numacast/239.1.1.1:5000/2", with the interface's index, and "/192.0.2.7" for a source. */
static void name_of(const struct rule_ingress *in, const struct iface_table *ifaces, char *name)
{
	const struct iface *iface = iface_find(ifaces, in->at.ifname);
	char group[ADDR_TEXT_MAX], source[ADDR_TEXT_MAX] = "";

	addr_format(&in->at.addr, group);
	if (in->source.family != 0) {
		addr_format(&in->source, source);
	}
	snprintf(name, NAME_MAX_BYTES + 1, "numacast/%.47s/%u/%.39s", group,
		 iface ? iface->ifindex : 0, source);
}

/* FNV-1a. */
static uint64_t hash_of(const char *name)
{
	uint64_t hash = 14695981039346656037ULL;

	for (; *name; name++) {
		hash = (hash ^ (unsigned char)*name) * 1099511628211ULL;
	}
	return hash;
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t left = ((const struct choice *)a)->hash, right = ((const struct choice *)b)->hash;

	return (left > right) - (left < right);
}

static int set(const char *name, uint64_t hash, struct marks *marks)
{
	struct sockaddr_un at;
	socklen_t len = address_of(name, &at);
	int fd, rc;

	if (has(marks, hash)) {
		return 0;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	if (bind(fd, (struct sockaddr *)&at, len) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	if (marks->count >= marks->most) {
		close(fd);
		return -EMFILE;
	}
	marks->hashes[marks->count] = hash;
	marks->fds[marks->count++] = fd;
	return 0;
}

static bool has(const struct marks *marks, uint64_t hash)
{
	for (uint32_t i = 0; i < marks->count; i++) {
		if (marks->hashes[i] == hash) {
			return true;
		}
	}
	return false;
}

static int look(const char *name, uint64_t hash, struct marks *marks)
{
	struct sockaddr_un at;
	socklen_t len = address_of(name, &at);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	(void)hash;
	(void)marks;
	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, (struct sockaddr *)&at, len) == 0) {
		rc = -EADDRINUSE;
	}
	close(fd);
	return rc;
}

static socklen_t address_of(const char *name, struct sockaddr_un *out)
{
	size_t len = strlen(name);

	*out = (struct sockaddr_un){.sun_family =
					    AF_UNIX}; /* abstract: the name begins with zero */
	memcpy(out->sun_path + 1, name, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
}
