/* fuzz_config.c - any bytes as a configuration file: cli_file_apply and the checks that follow.
 *
 * What must hold: a refusal begins with the file's name and has three parts, or comes from the
 * checks after reading; after success every option lies within the range its row gives.
 * The input is copied into a buffer of exactly its size, so that a read past the end shows.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shard/limits.h"
#include "src/base/must.h"
#include "src/cli/file.h"
#include "src/setup/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether a word of the row means `number'. */
static bool is_meant(const struct cli_row *row, uint64_t number)
{
	for (uint64_t i = 0; row->choices && row->choices[i]; i++) {
		if ((row->meanings ? (uint32_t)row->meanings[i] : i) == number) {
			return true;
		}
	}
	return false;
}

static void check_row(const struct opt *opt, const struct cli_row *row)
{
	const void *at = (const char *)opt + row->offset;
	uint32_t number;
	double ratio;

	switch (row->kind) {
	case CLI_NUMBER:
	case CLI_SIZE:
	case CLI_CHOICE:
		memcpy(&number, at, sizeof(number));
		must(is_meant(row, number) ||
		     (row->kind != CLI_CHOICE && number >= row->min && number <= row->max));
		break;
	case CLI_RATIO:
		memcpy(&ratio, at, sizeof(ratio));
		must(ratio >= (double)row->min && ratio <= (double)row->max);
		break;
	default:
		break;
	}
}

static void check_values(const struct opt *opt)
{
	const struct cli_row *row;

	for (size_t i = 0; (row = cli_row_at(&options_table, i)) != NULL; i++) {
		check_row(opt, row);
	}
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		must(opt->pool.count[cls] <= POOL_SLOTS_MAX);
		must(opt->hot[cls] <= POOL_SLOTS_MAX);
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
	struct cli_fill fill;
	struct err err = {""};
	struct opt opt = {0};
	char *text = malloc(size + (size == 0));
	int rc;

	must(text != NULL);
	memcpy(text, data, size);
	must(cli_fill_init(&fill, &options_table, &opt, &err) == 0);
	rc = cli_file_apply(&fill, text, size, "fuzz.conf", &err);
	check_values(&opt);
	if (rc != 0) {
		must(rc == -EINVAL);
		check_message(&err);
	} else if (options_check(&opt, &fill, &err) == 0) {
		must(opt.cq_entries >= opt.sq_entries);
		rc = conf_check_twins(&opt.conf, &err);
	}
	must(rc == 0 || err.text[0] != '\0');
	options_free(&opt);
	free(text);
	return 0;
}
