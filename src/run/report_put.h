/* report_put.h - members of JSON objects, and families of counters as members, for what reports.
 *
 * A member that stands already is fatal. One that there was no memory for is missing: who builds
 * the whole asks json_reserve_was_short() for that. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/counters.h"

struct json_t;

#define REPORT_FAMILY_ROWS 32 /* at most */

/* What jansson says of a member, an element or a number: it is stored, 0, or lacked memory. */
void report_stored(int rc);

/* JSON takes UTF-8 only, and a file's name may be any bytes: those are shown as `?' then. */
struct json_t *report_text(const char *text);

/* `value' is the object's from then on. */
void report_put(struct json_t *object, const char *key, struct json_t *value);
void report_put_number(struct json_t *object, const char *key, uint64_t value);
void report_put_text(struct json_t *object, const char *key, const char *text);

/* 0 where there is none yet. */
uint64_t report_get(const struct json_t *object, const char *key);

/* A number of its own: adding to one leaves the other as it is. */
void report_copy(struct json_t *to, const struct json_t *from, const char *key);

/* What `stats' has counted, a member each, as a new object or beside what is in `object'. */
struct json_t *report_family(const struct counter_family *family, const void *stats);
void report_put_family(struct json_t *object, const struct counter_family *family,
		       const void *stats);

/* Adds the members of `from' that a sum makes sense of to those of `sums'; NULL: nothing, so that
 * each is there. */
void report_add_up(struct json_t *sums, const struct counter_family *family,
		   const struct json_t *from);

/* Which members of rows are wanted: all for NULL, else those that `members', an array of texts,
 * names. A family has the counters that are. */
struct report_want {
	const struct json_t *members;
	struct counter_family families[COUNTERS_FAMILY_COUNT];
	struct counter rows[COUNTERS_FAMILY_COUNT][REPORT_FAMILY_ROWS];
};

/* `members' must live as long. */
void report_want(const struct json_t *members, struct report_want *out);
bool report_wants(const struct report_want *want, const char *name);

/* Of all members. */
uint64_t report_sum(const struct json_t *object);
