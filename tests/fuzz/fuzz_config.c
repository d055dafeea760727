/* fuzz_config.c - any bytes as a configuration file: opt_read_text and the checks that follow.
 *
 * What must hold: a refusal begins with the file's name and has three parts, or comes from the
 * checks after reading; after success every option lies within the range its row gives.
 * The input is copied into a buffer of exactly its size, so that a read past the end shows.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/setup/opt_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct opt *opt, const struct opt_row *row)
{
	const void *at = (const char *)opt + row->offset;
	uint32_t number;
	double ratio;

	switch (row->kind) {
	case OPT_KIND_U32:
	case OPT_KIND_SIZE:
	case OPT_KIND_AUTO:
		memcpy(&number, at, sizeof(number));
		must((row->kind == OPT_KIND_AUTO && number == 0) ||
		     (number >= row->min && number <= row->max));
		break;
	case OPT_KIND_RATIO:
		memcpy(&ratio, at, sizeof(ratio));
		must(ratio >= (double)row->min && ratio <= (double)row->max);
		break;
	case OPT_KIND_CHOICE:
		memcpy(&number, at, sizeof(number));
		for (uint32_t i = 0; i <= number; i++) {
			must(row->choices[i] != NULL);
		}
		break;
	case OPT_KIND_COUNTS:
		for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
			memcpy(&number, (const uint32_t *)at + cls, sizeof(number));
			must(number <= row->max);
		}
		break;
	default:
		break;
	}
}

static void check_values(const struct opt *opt)
{
	for (size_t i = 0; i < opt_row_count; i++) {
		check_row(opt, &opt_rows[i]);
	}
	must(opt->mode == OPT_MODE_RELAY);
	must((opt->cpus_os == NULL) == (opt->cpus_count == 0));
	for (uint32_t i = 0; i < opt->cpus_count; i++) {
		must(opt->cpus_os[i] >= 0);
	}
}

static void check_message(const struct err *err)
{
	const char *second = strstr(err->text, "; ");

	must(strncmp(err->text, "fuzz.conf:", 10) == 0);
	must(second != NULL);
	must(strstr(second + 1, "; ") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct opt_given given = {0};
	struct err err = {""};
	struct opt opt;
	char *text = malloc(size + (size == 0));
	int rc;

	must(text != NULL);
	memcpy(text, data, size);
	must(opt_set_initial(&opt, &err) == 0);
	rc = opt_read_text(&opt, text, size, "fuzz.conf", &given, &err);
	check_values(&opt);
	if (rc != 0) {
		must(rc == -EINVAL);
		check_message(&err);
	} else if (opt_check(&opt, &given, &err) == 0) {
		must(opt.cq_entries >= opt.sq_entries);
		rc = conf_check_twins(&opt.conf, &err);
	}
	must(rc == 0 || err.text[0] != '\0');
	opt_free(&opt);
	free(text);
	return 0;
}
