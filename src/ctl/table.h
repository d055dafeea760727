/* table.h - rows of JSON as a table for people.
 *
 * A column names a member by its path: "ring.turns" is in an object, "owners.shard" of each element
 * of an array, joined by commas; an object at the end is the sum of its numbers. What nobody knows
 * is
 * `-'. Control characters of what the daemon sends are shown as `?'. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct json_t;

struct table_column {
	const char *title; /* NULL: behind the last */
	const char *path;
	bool right; /* a number */
};

#define TABLE_COLUMNS_MAX 16

/* 0 or -ENOMEM. */
int table_print(const struct table_column *columns, const struct json_t *rows, FILE *out);

/* The value at `path', to be freed; NULL: out of memory. */
char *table_cell(const struct json_t *row, const char *path);
