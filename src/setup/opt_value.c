/* opt_value.c - an option's row and a text become a value in struct opt.
 *
 * Carries no step of a datagram's life; what it stores steers the plan (step 2), the memory and
 * the rings. Numbers are read strictly (num.h): nothing is rounded, clamped or ignored, and each
 * refusal names the range. Units: as the members of struct opt say. Control thread.
 */
#include "src/setup/opt_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shard/limits.h"
#include "src/base/must.h"
#include "src/base/num.h"

#define CPU_OS_MAX 65535 /* far above any kernel's NR_CPUS */
#define TAKES_MAX  160

static int set_value(struct opt *opt, const struct opt_row *row, const char *value);
static int set_flag(bool *out, const char *value);
static int set_number(void *at, const struct opt_row *row, const char *value);
static int set_amount(uint32_t *out, const struct opt_row *row, const char *value);
static int set_choice(void *at, const char *const *choices, const char *value);
static int set_text(char **out, const char *value);
static int set_cpus(struct opt *opt, const char *value);
static int set_counts(uint32_t *counts, const struct opt_row *row, const char *value);
static int set_mode(struct opt *opt, const struct opt_row *row, const char *value);
static void describe(const struct opt_row *row, char *takes);

int opt_set(struct opt *opt, const struct opt_row *row, const char *value, const char *where,
	    struct err *err)
{
	const char *example = row->example ? row->example : row->initial;
	char takes[TAKES_MAX];
	int rc;

	if (row->kind == OPT_KIND_FLAG && value && !*value) {
		value = " "; /* `--smt=' is not `--smt' */
	}
	rc = set_value(opt, row, value);
	if (rc == 0) {
		return 0;
	}
	if (rc == -ENOMEM) {
		err_set(err, "%s: out of memory; free some and try again", where);
		return rc;
	}
	describe(row, takes);
	if (row->arg && example) {
		err_set(err, "%s: '%.80s' is not valid; %s takes %s; write for instance '%s%s %s'",
			where, value, row->name, takes, where[0] == '-' ? "--" : "", row->name,
			example);
	} else {
		err_set(err, "%s: '%.80s' is not valid; %s takes %s; correct or remove it", where,
			value ? value : "", row->name, takes);
	}
	return -EINVAL;
}

int opt_set_initial(struct opt *opt, struct err *err)
{
	*opt = (struct opt){0};
	for (size_t i = 0; i < opt_row_count; i++) {
		const struct opt_row *row = &opt_rows[i];

		if (row->initial) {
			int rc = opt_set(opt, row, row->initial, row->name, err);

			must(rc == 0 || rc == -ENOMEM);
			if (rc != 0) {
				return rc;
			}
		}
	}
	return 0;
}

static int set_value(struct opt *opt, const struct opt_row *row, const char *value)
{
	void *at = (char *)opt + row->offset;

	switch (row->kind) {
	case OPT_KIND_FLAG:
		return set_flag(at, value);
	case OPT_KIND_U32:
	case OPT_KIND_AUTO:
	case OPT_KIND_INT:
	case OPT_KIND_SIZE:
		return set_number(at, row, value);
	case OPT_KIND_AMOUNT:
	case OPT_KIND_BYTES:
		return set_amount(at, row, value);
	case OPT_KIND_RATIO:
		return num_parse_ratio(value, (double)row->min, (double)row->max, at);
	case OPT_KIND_CHOICE:
		return set_choice(at, row->choices, value);
	case OPT_KIND_TEXT:
		return set_text(at, value);
	case OPT_KIND_CPUS:
		return set_cpus(opt, value);
	case OPT_KIND_COUNTS:
		return set_counts(at, row, value);
	case OPT_KIND_MODE:
		return set_mode(opt, row, value);
	case OPT_KIND_RULE:
	case OPT_KIND_CONFIG:
		break;
	}
	must(!"a value option");
	return -EINVAL;
}

static int set_flag(bool *out, const char *value)
{
	if (!value || strcmp(value, "on") == 0) {
		*out = true;
		return 0;
	}
	if (strcmp(value, "off") == 0) {
		*out = false;
		return 0;
	}
	return -EINVAL;
}

static int set_number(void *at, const struct opt_row *row, const char *value)
{
	bool is_auto = strcmp(value, "auto") == 0;
	uint64_t number = 0;
	int rc;

	if (row->kind == OPT_KIND_SIZE) {
		rc = num_parse_size(value, row->min, row->max, &number);
	} else if (is_auto && row->kind != OPT_KIND_U32) {
		rc = 0;
	} else {
		rc = num_parse(value, row->min, row->max, &number);
	}
	if (rc != 0) {
		return rc;
	}
	if (row->kind == OPT_KIND_INT) {
		*(int *)at = is_auto ? -1 : (int)number;
	} else {
		*(uint32_t *)at = (uint32_t)number;
	}
	return 0;
}

static int set_amount(uint32_t *out, const struct opt_row *row, const char *value)
{
	static const struct {
		const char *word;
		uint32_t amount;
	} words[] = {{"off", OPT_AMOUNT_OFF}, {"on", OPT_AMOUNT_ON}, {"auto", OPT_AMOUNT_AUTO}};
	unsigned choice;
	uint64_t number;
	int rc;

	if (set_choice(&choice, row->choices, value) == 0) {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (strcmp(words[i].word, value) == 0) {
				*out = words[i].amount;
			}
		}
		return 0;
	}
	must(row->max < OPT_AMOUNT_ON);
	rc = row->kind == OPT_KIND_BYTES ? num_parse_size(value, row->min, row->max, &number)
					 : num_parse(value, row->min, row->max, &number);
	if (rc == 0) {
		*out = (uint32_t)number;
	}
	return rc;
}

static int set_choice(void *at, const char *const *choices, const char *value)
{
	/* Enums without negative values are unsigned here (gcc and clang). */
	static_assert(sizeof(enum opt_switch) == sizeof(unsigned), "an enum is an unsigned");

	for (unsigned i = 0; choices[i]; i++) {
		if (strcmp(choices[i], value) == 0) {
			memcpy(at, &i, sizeof(i));
			return 0;
		}
	}
	return -EINVAL;
}

static int set_text(char **out, const char *value)
{
	char *copy;

	if (!*value) {
		return -EINVAL;
	}
	copy = strdup(value);
	if (!copy) {
		return -ENOMEM;
	}
	free(*out);
	*out = copy;
	return 0;
}

/* Reads the digits at *at and steps over them. */
static int take_cpu(const char **at, int *out)
{
	char digits[8];
	size_t len = strspn(*at, "0123456789");
	uint64_t cpu;

	if (len == 0 || len >= sizeof(digits)) {
		return -EINVAL;
	}
	memcpy(digits, *at, len);
	digits[len] = '\0';
	if (num_parse(digits, 0, CPU_OS_MAX, &cpu) != 0) {
		return -EINVAL;
	}
	*at += len;
	*out = (int)cpu;
	return 0;
}

/* Reads "0-3,8" into `cpus', at most SHARDS_MAX of them and none twice; the count or -EINVAL. */
static int read_cpus(const char *at, int *cpus)
{
	bool seen[CPU_OS_MAX + 1] = {false};
	int count = 0;

	for (;;) {
		int first;
		int last;

		if (take_cpu(&at, &first) != 0) {
			return -EINVAL;
		}
		last = first;
		if (*at == '-') {
			at++;
			if (take_cpu(&at, &last) != 0) {
				return -EINVAL;
			}
		}
		if (last < first) {
			return -EINVAL;
		}
		for (int cpu = first; cpu <= last; cpu++) {
			if (seen[cpu] || count == SHARDS_MAX) {
				return -EINVAL;
			}
			seen[cpu] = true;
			cpus[count++] = cpu;
		}
		if (!*at) {
			return count;
		}
		if (*at++ != ',') {
			return -EINVAL;
		}
	}
}

static int set_cpus(struct opt *opt, const char *value)
{
	int *cpus = calloc(SHARDS_MAX, sizeof(*cpus));
	int count;

	if (!cpus) {
		return -ENOMEM;
	}
	count = read_cpus(value, cpus);
	if (count < 0) {
		free(cpus);
		return count;
	}
	free(opt->cpus_os);
	opt->cpus_os = cpus;
	opt->cpus_count = (uint32_t)count;
	return 0;
}

/* The class whose name `text' begins with, `=' after it; -ENOENT. */
static int class_of(const char *text)
{
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		const char *name = pool_class_name((enum pool_class)cls);
		size_t len = strlen(name);

		if (strncmp(text, name, len) == 0 && text[len] == '=') {
			return cls;
		}
	}
	return -ENOENT;
}

/* Reads "small=N,train=N" over `counts', each class once. */
static int set_counts(uint32_t *counts, const struct opt_row *row, const char *value)
{
	uint32_t next[POOL_CLASS_COUNT];
	bool seen[POOL_CLASS_COUNT] = {false};
	const char *at = value;

	memcpy(next, counts, sizeof(next));
	for (;;) {
		char digits[8];
		int cls = class_of(at);
		const char *text = cls < 0 ? at : strchr(at, '=') + 1;
		size_t len = strcspn(text, ",");
		uint64_t count;

		if (cls < 0 || seen[cls] || len >= sizeof(digits)) {
			return -EINVAL;
		}
		memcpy(digits, text, len);
		digits[len] = '\0';
		if (num_parse(digits, row->min, row->max, &count) != 0) {
			return -EINVAL;
		}
		seen[cls] = true;
		next[cls] = (uint32_t)count;
		if (!text[len]) {
			memcpy(counts, next, sizeof(next));
			return 0;
		}
		at = text + len + 1;
	}
}

static int set_mode(struct opt *opt, const struct opt_row *row, const char *value)
{
	if (value && !row->choices) {
		return -EINVAL;
	}
	if (value && set_choice((char *)opt + row->offset, row->choices, value) != 0) {
		return -EINVAL;
	}
	opt->mode = (enum opt_mode)row->min;
	return 0;
}

static size_t describe_choices(const char *const *choices, const char *last, char *takes)
{
	size_t used = 0;

	for (size_t i = 0; choices[i]; i++) {
		const char *before = i == 0 ? "" : choices[i + 1] ? ", " : last;

		used += (size_t)snprintf(takes + used, TAKES_MAX - used, "%s%s", before,
					 choices[i]);
	}
	return used;
}

/* "off, auto or 1 to 65507 bytes": words, or a number. */
static void describe_amount(const struct opt_row *row, char *takes)
{
	size_t used = describe_choices(row->choices, ", ", takes);

	snprintf(takes + used, TAKES_MAX - used, " or %" PRIu64 " to %" PRIu64 "%s", row->min,
		 row->max, row->kind == OPT_KIND_BYTES ? " bytes, with K, M or G" : "");
}

/* "1 to 1024, or auto": what the option takes, for a refusal. */
static void describe(const struct opt_row *row, char *takes)
{
	bool may_auto = row->kind == OPT_KIND_AUTO || row->kind == OPT_KIND_INT;

	switch (row->kind) {
	case OPT_KIND_FLAG:
		snprintf(takes, TAKES_MAX, "no value, on or off");
		return;
	case OPT_KIND_SIZE:
		snprintf(takes, TAKES_MAX, "%" PRIu64 " to %" PRIu64 "G bytes, with K, M or G",
			 row->min, row->max >> 30);
		return;
	case OPT_KIND_CHOICE:
	case OPT_KIND_MODE:
		snprintf(takes, TAKES_MAX, "no value");
		if (row->choices) {
			(void)describe_choices(row->choices, " or ", takes);
		}
		return;
	case OPT_KIND_AMOUNT:
	case OPT_KIND_BYTES:
		describe_amount(row, takes);
		return;
	case OPT_KIND_CPUS:
		snprintf(takes, TAKES_MAX,
			 "CPU numbers and ascending ranges separated by commas, none twice, at "
			 "most %d",
			 SHARDS_MAX);
		return;
	case OPT_KIND_COUNTS:
		snprintf(takes, TAKES_MAX,
			 "CLASS=N separated by commas, each of small, standard, jumbo, train at "
			 "most "
			 "once, N %" PRIu64 " to %" PRIu64,
			 row->min, row->max);
		return;
	case OPT_KIND_TEXT:
		snprintf(takes, TAKES_MAX, "a text that is not empty");
		return;
	default:
		snprintf(takes, TAKES_MAX, "%" PRIu64 " to %" PRIu64 "%s", row->min, row->max,
			 may_auto ? ", or auto" : "");
	}
}
