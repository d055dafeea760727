/* opt.c - the command line's way into struct opt.
 *
 * Carries no step of a datagram's life; it is where a process learns what to do. Four passes, in
 * this order:
 *
 *     split    argv to (row, value) pairs: unknown options and missing values show here
 *     look     --help and --version: nothing else matters then
 *     files    --config and --rule, in the order given, so that rules keep their order
 *     values   every other option, after all files: the command line wins
 *
 * and then the contradictions and the rules among each other. Owner: the control thread.
 */
#include "src/setup/opt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/setup/opt_table.h"

#define ENGINES_TEXT_MAX 64

/* One option as it stood on the command line. */
struct pair {
	const struct opt_row *row;
	const char *value; /* NULL: none */
};

struct pairs {
	struct pair *pair;
	size_t count;
};

static int split(int argc, char **argv, struct pairs *out, struct err *err);
static int apply_look(struct opt *opt, const struct pairs *pairs, struct err *err);
static int apply_files(struct opt *opt, const struct pairs *pairs, struct opt_given *given,
		       struct err *err);
static int apply_values(struct opt *opt, const struct pairs *pairs, struct opt_given *given,
			struct err *err);
static int check_rules(const struct opt *opt, struct err *err);

int opt_parse(int argc, char **argv, struct opt *out, struct err *err)
{
	struct opt opt;
	struct opt_given given = {0};
	struct pairs pairs = {0};
	int rc = opt_set_initial(&opt, err);

	if (rc == 0) {
		rc = split(argc, argv, &pairs, err);
	}
	if (rc == 0) {
		rc = apply_look(&opt, &pairs, err);
	}
	if (rc == 0 && opt.mode != OPT_MODE_HELP && opt.mode != OPT_MODE_VERSION) {
		rc = apply_files(&opt, &pairs, &given, err);
		if (rc == 0) {
			rc = apply_values(&opt, &pairs, &given, err);
		}
		if (rc == 0) {
			rc = opt_check(&opt, &given, err);
		}
		if (rc == 0) {
			rc = check_rules(&opt, err);
		}
	}
	free(pairs.pair);
	if (rc != 0) {
		opt_free(&opt);
		return rc;
	}
	*out = opt;
	return 0;
}

void opt_free(struct opt *opt)
{
	conf_free(&opt->conf);
	free(opt->topology);
	free(opt->cpus_os);
	free(opt->exit_report);
	free(opt->user);
	*opt = (struct opt){0};
}

static int refuse_unknown(const char *arg, const struct opt_row *nearest, struct err *err)
{
	int len = (int)strcspn(arg, "=");

	err_set(err, "%.*s: unknown option; expected one of those in numacastd --help; %s%s",
		len > 60 ? 60 : len, arg, nearest ? "did you mean --" : "check the spelling",
		nearest ? nearest->name : "");
	return -EINVAL;
}

/* The row that `arg' names, and its value when that stands behind a `='. */
static int find_row(const char *arg, struct pair *out, struct err *err)
{
	size_t len;

	if (arg[0] != '-' || !arg[1] || strcmp(arg, "--") == 0) {
		err_set(err,
			"'%.80s': unexpected argument; everything is given by options, and the "
			"shell "
			"cuts a rule at its blanks and its '>'; quote it: --rule 'INGRESS -> "
			"EGRESS'",
			arg);
		return -EINVAL;
	}
	if (arg[1] != '-') {
		out->row = arg[2] ? NULL : opt_row_find_letter(arg[1]);
		return out->row ? 0
				: refuse_unknown(arg, opt_row_find(arg + 1, strlen(arg + 1)), err);
	}
	len = strcspn(arg + 2, "=");
	out->row = opt_row_find(arg + 2, len);
	out->value = arg[2 + len] ? arg + 2 + len + 1 : NULL;
	return out->row ? 0 : refuse_unknown(arg, opt_row_nearest(arg + 2, len), err);
}

static int split(int argc, char **argv, struct pairs *out, struct err *err)
{
	out->pair = calloc(argc > 0 ? (size_t)argc : 1, sizeof(*out->pair));
	if (!out->pair) {
		err_set(err,
			"out of memory while reading the command line; free some and try again");
		return -ENOMEM;
	}
	for (int i = 1; i < argc; i++) {
		struct pair *pair = &out->pair[out->count++];
		int rc = find_row(argv[i], pair, err);

		if (rc != 0) {
			return rc;
		}
		if (pair->value || opt_row_arg_optional(pair->row)) {
			continue;
		}
		if (i + 1 == argc) {
			err_set(err, "--%s: no value follows; expected --%s %s; add it",
				pair->row->name, pair->row->name, pair->row->arg);
			return -EINVAL;
		}
		pair->value = argv[++i];
	}
	return 0;
}

static int apply(struct opt *opt, const struct pair *pair, struct err *err)
{
	char where[64];

	snprintf(where, sizeof(where), "--%s", pair->row->name);
	return opt_set(opt, pair->row, pair->value, where, err);
}

/* --help wins over --version, and both over everything else; --verbose belongs to --version. */
static int apply_look(struct opt *opt, const struct pairs *pairs, struct err *err)
{
	bool help = false;
	bool version = false;
	int rc = 0;

	for (size_t i = 0; i < pairs->count && rc == 0; i++) {
		const struct pair *pair = &pairs->pair[i];
		bool is_mode = pair->row->kind == OPT_KIND_MODE;

		if (is_mode && pair->row->min == OPT_MODE_HELP) {
			help = true;
			rc = apply(opt, pair, err);
		} else if (is_mode && pair->row->min == OPT_MODE_VERSION) {
			version = true;
			rc = apply(opt, pair, err);
		} else if (strcmp(pair->row->name, "verbose") == 0) {
			rc = apply(opt, pair, err);
		}
	}
	opt->mode = help ? OPT_MODE_HELP : version ? OPT_MODE_VERSION : OPT_MODE_RELAY;
	return rc;
}

static int apply_files(struct opt *opt, const struct pairs *pairs, struct opt_given *given,
		       struct err *err)
{
	unsigned rules = 0;
	int rc = 0;

	for (size_t i = 0; i < pairs->count && rc == 0; i++) {
		const struct pair *pair = &pairs->pair[i];
		char where[32];

		if (pair->row->kind == OPT_KIND_CONFIG) {
			rc = opt_read_file(opt, pair->value, given, err);
		} else if (pair->row->kind == OPT_KIND_RULE) {
			snprintf(where, sizeof(where), "--rule %u", ++rules);
			rc = conf_add_rule(&opt->conf, pair->value, where, err);
		}
	}
	return rc;
}

static int apply_values(struct opt *opt, const struct pairs *pairs, struct opt_given *given,
			struct err *err)
{
	const struct opt_row *mode = NULL;

	for (size_t i = 0; i < pairs->count; i++) {
		const struct pair *pair = &pairs->pair[i];
		const struct opt_row *row = pair->row;
		int rc;

		if (row->kind == OPT_KIND_CONFIG || row->kind == OPT_KIND_RULE) {
			continue;
		}
		if (row->kind == OPT_KIND_MODE) {
			if (mode && mode != row) {
				err_set(err,
					"--%s: comes with --%s; one run does one of the two; "
					"remove one",
					row->name, mode->name);
				return -EINVAL;
			}
			mode = row;
		}
		rc = apply(opt, pair, err);
		if (rc != 0) {
			return rc;
		}
		given->given[row - opt_rows] = true;
	}
	return 0;
}

static bool was_given(const struct opt_given *given, const char *name)
{
	return given->given[opt_row_find(name, strlen(name)) - opt_rows];
}

static int check_pool(const struct opt *opt, struct err *err)
{
	uint32_t all = 0;

	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		uint32_t hot = opt->hot[cls];

		all += opt->pool.count[cls];
		if ((hot & (hot - 1)) != 0 || hot > opt->pool.count[cls]) {
			err_set(err,
				"--hot: %s=%u with %u buffers in --pool; expected a power of two "
				"that is "
				"at most their number, or 0; lower it, or raise --pool %s=",
				pool_class_name((enum pool_class)cls), hot, opt->pool.count[cls],
				pool_class_name((enum pool_class)cls));
			return -EINVAL;
		}
	}
	if (all == 0) {
		err_set(err, "--pool: no class has any buffers; at least one is needed to receive; "
			     "write "
			     "for instance --pool small=1000");
		return -EINVAL;
	}
	return 0;
}

/* Whether an amount was asked for by number, or plainly on. */
static bool is_asked_for(uint32_t amount)
{
	return amount != OPT_AMOUNT_OFF && amount != OPT_AMOUNT_AUTO;
}

/* "auto or uring": what --engine takes that can do so; `text' has room for all names. */
static const char *engines_that_can(unsigned abilities, char text[ENGINES_TEXT_MAX])
{
	text[0] = '\0';
	for (int e = 0; e < RING_ENGINE_COUNT; e++) {
		size_t used = strlen(text);

		if (ring_can((enum ring_engine)e, abilities)) {
			snprintf(text + used, ENGINES_TEXT_MAX - used, "%s%s", used ? " or " : "",
				 ring_engine_names[e]);
		}
	}
	return text;
}

static int check_zerocopy(const struct opt *opt, struct err *err)
{
	const char *engine = ring_engine_name(opt->engine);
	bool copies = !ring_can(opt->engine, RING_CAN_ZEROCOPY);
	char able[ENGINES_TEXT_MAX];

	if (copies && is_asked_for(opt->zerocopy)) {
		err_set(err,
			"--zerocopy: comes with --engine %s, which copies whatever it sends; "
			"expected --engine %s; remove one of the two",
			engine, engines_that_can(RING_CAN_ZEROCOPY, able));
		return -EINVAL;
	}
	if (copies && is_asked_for(opt->register_buffers)) {
		err_set(err,
			"--register-buffers: comes with --engine %s, which has no use for them; "
			"expected --engine %s; remove one of the two",
			engine, engines_that_can(RING_CAN_ZEROCOPY, able));
		return -EINVAL;
	}
	if (opt->zerocopy == OPT_AMOUNT_OFF && is_asked_for(opt->register_buffers)) {
		err_set(err, "--register-buffers: comes with --zerocopy off, and only what is sent "
			     "without copying makes use of them; expected --zerocopy auto or "
			     "BYTES; remove one of the two");
		return -EINVAL;
	}
	return 0;
}

int opt_check(struct opt *opt, const struct opt_given *given, struct err *err)
{
	const char *wrong = NULL;

	if (opt->cq_entries < opt->sq_entries && !was_given(given, "sq-entries")) {
		opt->sq_entries = opt->cq_entries; /* the default's second half, as documented */
	}
	if (opt->cq_entries < opt->sq_entries) {
		wrong = "--cq-entries: is less than --sq-entries; the kernel wants at least as "
			"many; raise "
			"--cq-entries or lower --sq-entries";
	} else if (opt->verbose && opt->quiet) {
		wrong = "--quiet: comes with --verbose; one asks for less and the other for more "
			"log; "
			"remove one";
	} else if (opt->topology && (opt->mode == OPT_MODE_RELAY || opt->mode == OPT_MODE_CHECK)) {
		wrong = "--topology: describes another machine, and only this one can relay; "
			"expected with --plan; add that, or remove --topology";
	} else if (opt->json && opt->mode != OPT_MODE_CHECK_HOST) {
		wrong = "--json: comes without --check-host, whose output it changes; add "
			"--check-host; a "
			"plan as JSON is --plan=json";
	} else if (opt->require_huge && opt->huge == NODEMEM_HUGE_OFF) {
		wrong = "--require-huge: comes with --huge off; one demands what the other "
			"forbids; remove "
			"one";
	}
	if (wrong) {
		err_set(err, "%s", wrong);
		return -EINVAL;
	}
	return check_zerocopy(opt, err) == 0 ? check_pool(opt, err) : -EINVAL;
}

static int check_rules(const struct opt *opt, struct err *err)
{
	bool needed = opt->mode == OPT_MODE_RELAY || opt->mode == OPT_MODE_CHECK;

	return needed || opt->conf.rule_count > 0 ? conf_check_twins(&opt->conf, err) : 0;
}
