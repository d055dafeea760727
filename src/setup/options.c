/* options.c - the command line's way into struct opt.
 *
 * The options stand in options_rows.c. A command line is read in this order:
 *
 *     split    into options and their values: unknown options and missing values show here
 *     look     --help and --version: nothing else matters then
 *     files    --config and --rule, in the order given, so that rules keep their order
 *     values   every other option, after all files: the command line wins
 *
 * and then come the contradictions and the rules among each other. Owner: the control thread.
 */
#include "src/setup/options.h"

#include "src/cli/line.h"

static int parse(int argc, char **argv, bool again, struct opt *out, struct err *err);
static int apply(const struct cli_line *line, struct opt *opt, struct cli_fill *fill,
		 struct err *err);
static int check_rules(const struct opt *opt, struct err *err);

int options_parse(int argc, char **argv, struct opt *out, struct err *err)
{
	return parse(argc, argv, false, out, err);
}

int options_parse_again(int argc, char **argv, struct opt *out, struct err *err)
{
	return parse(argc, argv, true, out, err);
}

static int parse(int argc, char **argv, bool again, struct opt *out, struct err *err)
{
	struct opt opt = {0};
	struct cli_fill fill;
	struct cli_line line = {0};
	int rc = cli_fill_init(&fill, &options_table, &opt, err);

	fill.again = again;
	if (rc == 0) {
		rc = cli_line_split(&options_table, argc - 1, argv + 1, &line, err);
	}
	if (rc == 0) {
		rc = apply(&line, &opt, &fill, err);
	}
	cli_line_free(&line);
	if (rc != 0) {
		options_free(&opt);
		return rc;
	}
	*out = opt;
	return 0;
}

/* --help wins over --version, and both over everything else; --verbose belongs to --version. */
static int apply(const struct cli_line *line, struct opt *opt, struct cli_fill *fill,
		 struct err *err)
{
	const struct cli_row *shown;
	int rc = cli_line_look(line, fill, &shown, err);

	if (rc != 0 || shown) {
		return rc;
	}
	rc = cli_line_apply(line, fill, err);
	if (rc == 0) {
		rc = options_check(opt, fill, err);
	}
	return rc == 0 ? check_rules(opt, err) : rc;
}

static int check_rules(const struct opt *opt, struct err *err)
{
	bool needed = opt->mode == OPT_MODE_RELAY || opt->mode == OPT_MODE_CHECK;

	return needed || opt->conf.rule_count > 0 ? conf_check_twins(&opt->conf, err) : 0;
}
