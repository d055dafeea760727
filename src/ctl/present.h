/* present.h - what the daemon answers, for people.
 *
 * One thread.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "src/ctl/table.h"

struct json_t;
struct ctl_opt;

/* A table of what `show' answers; some subjects have two. */
struct present_section {
	const char *subject;
	const char *rows; /* the array */
	struct table_column columns[TABLE_COLUMNS_MAX];
};

/* The section `number', counted from 0; NULL behind the last. */
const struct present_section *present_section_at(size_t number);

/* Prints the `result' of the command in `opt'. 0 or -ENOMEM. */
int present_print(const struct ctl_opt *opt, const struct json_t *result, FILE *out);

/* Adds to the result of `stats' the member `rates': each counter of `totals', how many a second
 * since `before', an earlier result. */
void present_add_rates(struct json_t *result, const struct json_t *before);
