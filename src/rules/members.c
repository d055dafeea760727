/* members.c - see members.h. */
#include "src/rules/members.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define BETWEEN    ", \t\r\n"
#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME  0x100000001b3ULL

static const char *skip_comments(const char *at, const char *end);
static int add(struct members *members, const char *name, size_t len, const char *where,
	       struct err *err);
static int check(const struct members *members, const char *where, struct err *err);
static int compare_names(const void *left, const void *right);
static uint64_t hash_of(const char *text);
static uint64_t scatter(uint64_t sum);

int members_read(const char *text, size_t len, const char *where, struct members *out,
		 struct err *err)
{
	const char *at = text, *end = text + len;
	struct members members = {.names = calloc(MEMBERS_LIST_MAX, MEMBER_NAME_MAX)};
	int rc = members.names ? 0 : -ENOMEM;

	while (rc == 0 && (at = skip_comments(at, end)) < end) {
		const char *from = at;

		while (at < end && *at != '#' && !strchr(BETWEEN, *at)) {
			at++;
		}
		rc = add(&members, from, (size_t)(at - from), where, err);
	}
	if (rc == 0 && members.count > 0) {
		qsort(members.names, members.count, MEMBER_NAME_MAX, compare_names);
	}
	rc = rc == 0 ? check(&members, where, err) : rc;
	if (rc < 0) {
		members_free(&members);
		return rc;
	}
	for (uint32_t i = 0; i < members.count; i++) {
		members.hash = scatter(members.hash ^ hash_of(members.names[i]));
	}
	*out = members;
	return 0;
}

void members_free(struct members *members)
{
	free(members->names);
	*members = (struct members){0};
}

uint32_t members_find(const struct members *members, const char *name)
{
	for (uint32_t i = 0; i < members->count; i++) {
		if (strcmp(members->names[i], name) == 0) {
			return i;
		}
	}
	return MEMBER_NONE;
}

/* Of equal scores the first name is the higher one. */
struct members_rank members_rank(const struct members *members, const struct rule_ingress *in,
				 const char *owner)
{
	char text[MEMBER_FLOW_TEXT_MAX];
	uint64_t flow = hash_of(members_format_flow(in, text)), best = 0, next = 0;
	struct members_rank rank = {MEMBER_NONE, MEMBER_NONE};
	uint32_t own = owner ? members_find(members, owner) : MEMBER_NONE;

	must(members->count > 0);
	for (uint32_t i = 0; i < members->count; i++) {
		uint64_t score = scatter(flow ^ hash_of(members->names[i]));

		if (i == own) {
			continue;
		}
		if (rank.first == MEMBER_NONE || score > best) {
			rank.second = rank.first;
			next = best;
			rank.first = i;
			best = score;
		} else if (rank.second == MEMBER_NONE || score > next) {
			rank.second = i;
			next = score;
		}
	}
	return own == MEMBER_NONE ? rank : (struct members_rank){own, rank.first};
}

const char *members_format_flow(const struct rule_ingress *in, char buf[MEMBER_FLOW_TEXT_MAX])
{
	char addr[ADDR_TEXT_MAX], source[RULE_SOURCE_TEXT_MAX] = "";

	addr_format(&in->at.addr, addr);
	if (in->source.family != 0) {
		rule_format_source(in, source);
	}
	snprintf(buf, MEMBER_FLOW_TEXT_MAX, "%s%s%s", source, source[0] ? "@" : "", addr);
	return buf;
}

/* And what stands between names. */
static const char *skip_comments(const char *at, const char *end)
{
	while (at < end) {
		if (*at == '#') {
			while (at < end && *at != '\n') {
				at++;
			}
		} else if (strchr(BETWEEN, *at) && *at != '\0') {
			at++;
		} else {
			break;
		}
	}
	return at;
}

static int add(struct members *members, const char *name, size_t len, const char *where,
	       struct err *err)
{
	char *to;

	if (len == 0 || len >= MEMBER_NAME_MAX || members->count == MEMBERS_LIST_MAX) {
		err_set(err,
			"%s: '%.*s': expected at most %d names of 1 to %d letters, digits and "
			". _ -, apart by commas or lines",
			where, (int)(len < MEMBER_NAME_MAX ? len : MEMBER_NAME_MAX), name,
			MEMBERS_LIST_MAX, MEMBER_NAME_MAX - 1);
		return -EINVAL;
	}
	to = members->names[members->count++];
	memcpy(to, name, len);
	if (strlen(to) != len || to[strspn(to, NAME_BYTES)] != '\0') {
		err_set(err, "%s: '%s': expected a name of letters, digits and . _ -", where, to);
		return -EINVAL;
	}
	return 0;
}

static int check(const struct members *members, const char *where, struct err *err)
{
	if (members->count == 0) {
		err_set(err, "%s: no member; expected the names of all machines", where);
		return -EINVAL;
	}
	for (uint32_t i = 1; i < members->count; i++) {
		if (strcmp(members->names[i - 1], members->names[i]) == 0) {
			err_set(err, "%s: %s stands there twice; expected each member once", where,
				members->names[i]);
			return -EINVAL;
		}
	}
	return 0;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(left, right);
}

static uint64_t hash_of(const char *text)
{
	uint64_t sum = FNV_OFFSET;

	for (; *text; text++) {
		sum = (sum ^ (unsigned char)*text) * FNV_PRIME;
	}
	return scatter(sum);
}

/* So that each bit that goes in may change each that comes out. */
static uint64_t scatter(uint64_t sum)
{
	sum = (sum ^ sum >> 33) * 0xff51afd7ed558ccdULL;
	sum = (sum ^ sum >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return sum ^ sum >> 33;
}
