/* report_put.c - members of JSON objects, and families of counters as members; see report_put.h. */
#include "src/run/report_put.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/json_reserve.h"
#include "src/base/must.h"

static json_t *counter_value(const struct counter *row, const void *stats);

void report_stored(int rc)
{
	must(rc == 0 || json_reserve_was_short());
}

json_t *report_text(const char *text)
{
	json_t *string = json_string(text);
	char *shown = string ? NULL : json_reserve_take(strlen(text) + 1);

	if (shown) {
		strcpy(shown, text);
		for (char *at = shown; *at; at++) {
			*at = (signed char)*at < 0 ? '?' : *at;
		}
		string = json_string(shown);
		json_reserve_give(shown);
	}
	return string;
}

/* jansson leaves out a member without a name, and replaces one whose name is taken, without a word:
 * a counter would be missing, and the sums would agree all the same. */
void report_put(json_t *object, const char *key, json_t *value)
{
	must(key);
	must(!json_object_get(object, key));
	report_stored(json_object_set_new(object, key, value));
}

void report_put_number(json_t *object, const char *key, uint64_t value)
{
	report_put(object, key, json_integer((json_int_t)value));
}

void report_put_text(json_t *object, const char *key, const char *text)
{
	report_put(object, key, report_text(text));
}

uint64_t report_get(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

void report_copy(json_t *to, const json_t *from, const char *key)
{
	report_put_number(to, key, report_get(from, key));
}

json_t *report_family(const struct counter_family *family, const void *stats)
{
	json_t *object = json_object();

	report_put_family(object, family, stats);
	return object;
}

void report_put_family(json_t *object, const struct counter_family *family, const void *stats)
{
	for (uint32_t i = 0; i < family->count; i++) {
		report_put(object, family->rows[i].name, counter_value(&family->rows[i], stats));
	}
}

void report_add_up(json_t *sums, const struct counter_family *family, const json_t *from)
{
	for (uint32_t i = 0; i < family->count; i++) {
		const struct counter *row = &family->rows[i];
		json_t *sum = json_object_get(sums, row->name);

		if (row->kind != COUNTER_COUNT && row->kind != COUNTER_DROP) {
			continue;
		}
		if (!sum) {
			report_copy(sums, from, row->name);
		} else {
			report_stored(json_integer_set(
				sum,
				json_integer_value(sum) + (json_int_t)report_get(from, row->name)));
		}
	}
}

void report_want(const json_t *members, struct report_want *out)
{
	out->members = members;
	for (int f = 0; f < COUNTERS_FAMILY_COUNT; f++) {
		const struct counter_family *family = &counter_families[f];
		struct counter_family *kept = &out->families[f];

		*kept = *family;
		if (!members) {
			continue;
		}
		must(family->count <= REPORT_FAMILY_ROWS);
		kept->rows = out->rows[f];
		kept->count = 0;
		for (uint32_t i = 0; i < family->count; i++) {
			if (report_wants(out, family->rows[i].name)) {
				out->rows[f][kept->count++] = family->rows[i];
			}
		}
	}
}

bool report_wants(const struct report_want *want, const char *name)
{
	json_t *member;
	size_t i;

	json_array_foreach(want->members, i, member)
	{
		if (strcmp(json_string_value(member), name) == 0) {
			return true;
		}
	}
	return !want->members;
}

uint64_t report_sum(const json_t *object)
{
	uint64_t sum = 0;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		sum += report_get(object, name);
	}
	return sum;
}

static json_t *counter_value(const struct counter *row, const void *stats)
{
	json_t *buckets;

	if (row->kind == COUNTER_REASON) {
		return report_text(counter_reason(counter_get(row, stats)));
	}
	if (row->kind != COUNTER_HISTOGRAM) {
		return json_integer((json_int_t)counter_get(row, stats));
	}
	buckets = json_array();
	for (unsigned b = 0; b < row->buckets; b++) {
		json_array_append_new(buckets,
				      json_integer((json_int_t)counter_bucket(row, stats, b)));
	}
	return buckets;
}
