/* options_check.c - contradictions between options.
 *
 * Each option was read by itself; here is what cannot stand together, and what follows from what.
 * Pure, control thread.
 */
#include "src/setup/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/setup/lookup.h"

#define ENGINES_TEXT_MAX 64

static void take_off(char **path);
static int check_zerocopy(const struct opt *opt, struct err *err);
static bool is_asked_for(uint32_t amount);
static const char *engines_that_can(unsigned abilities, char text[ENGINES_TEXT_MAX]);
static int check_pool(const struct opt *opt, struct err *err);
static int check_metrics_host(const char *names, struct err *err);
static bool is_name(const char *text, size_t len);
static int check_names(const struct conf *conf, struct err *err);

int options_check(struct opt *opt, const struct cli_fill *fill, struct err *err)
{
	const char *wrong = NULL;

	take_off(&opt->exit_report);
	take_off(&opt->health_file);
	if (opt->cq_entries < opt->sq_entries && !cli_fill_was_given(fill, "sq-entries")) {
		opt->sq_entries = opt->cq_entries; /* the default's second half, as documented */
	}
	if (opt->cq_entries < opt->sq_entries) {
		wrong = "--cq-entries: is less than --sq-entries; the kernel wants at least as "
			"many; raise --cq-entries or lower --sq-entries";
	} else if (opt->verbose && opt->quiet) {
		wrong = "--quiet: comes with --verbose; one asks for less and the other for more "
			"log; remove one";
	} else if (opt->topology && (opt->mode == OPT_MODE_RELAY || opt->mode == OPT_MODE_CHECK)) {
		wrong = "--topology: describes another machine, and only this one can relay; "
			"expected with --plan; add that, or remove --topology";
	} else if (opt->json && opt->mode != OPT_MODE_CHECK_HOST) {
		wrong = "--json: comes without --check-host, whose output it changes; add "
			"--check-host; a plan as JSON is --plan=json";
	} else if (opt->source.family != 0 && opt->mode != OPT_MODE_PLAN) {
		wrong = "--source: comes without --plan, which answers it; add --plan";
	} else if (opt->metrics.family != 0 && !NC_METRICS) {
		wrong = "--metrics: this numacastd was built without libmicrohttpd; expected one "
			"that configure found it for; install libmicrohttpd-dev and build again, "
			"or remove the option";
	} else if (opt->waits.latency_us > 0 &&
		   (opt->waits.batch_us > 0 || opt->waits.spin_us > 0)) {
		wrong = "--latency: comes with --batch-wait or --spin, which it chooses itself; "
			"expected one way; remove one";
	} else if (opt->require_huge && opt->huge == NODEMEM_HUGE_OFF) {
		wrong = "--require-huge: comes with --huge off; one demands what the other "
			"forbids; remove one";
	}
	if (wrong) {
		err_set(err, "%s", wrong);
		return -EINVAL;
	}
	if (check_zerocopy(opt, err) < 0 || check_pool(opt, err) < 0 ||
	    check_metrics_host(opt->metrics_host, err) < 0) {
		return -EINVAL;
	}
	return lookup_is_there() ? 0 : check_names(&opt->conf, err);
}

/* A command line takes back what a file says; `./off' is a file of that name. */
static void take_off(char **path)
{
	if (*path && strcmp(*path, "off") == 0) {
		free(*path);
		*path = NULL;
	}
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

static int check_pool(const struct opt *opt, struct err *err)
{
	uint32_t all = 0;

	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		uint32_t hot = opt->hot[cls];

		all += opt->pool.count[cls];
		if ((hot & (hot - 1)) != 0 || hot > opt->pool.count[cls]) {
			err_set(err,
				"--hot: %s=%u with %u buffers in --pool; expected a power of two "
				"that is at most their number, or 0; lower it, or raise --pool "
				"%s=",
				pool_class_name((enum pool_class)cls), hot, opt->pool.count[cls],
				pool_class_name((enum pool_class)cls));
			return -EINVAL;
		}
	}
	if (all == 0) {
		err_set(err, "--pool: no class has any buffers; at least one is needed to receive; "
			     "write for instance --pool small=1000");
		return -EINVAL;
	}
	return 0;
}

static int check_metrics_host(const char *names, struct err *err)
{
	while (names) {
		size_t len = strcspn(names, ",");

		if (!is_name(names, len)) {
			err_set(err,
				"--metrics-host: `%.*s' is no name of a host; expected names "
				"separated by commas, as a browser shows them and without a port, "
				"or any; addresses and localhost need none",
				(int)len, names);
			return -EINVAL;
		}
		names = names[len] ? names + len + 1 : NULL;
	}
	return 0;
}

static bool is_name(const char *text, size_t len)
{
	char name[HOST_NAME_MAX_LEN + 1];

	if (len >= sizeof(name)) {
		return false;
	}
	memcpy(name, text, len);
	name[len] = '\0';
	return host_name_is_valid(name);
}

/* Nobody would look them up. */
static int check_names(const struct conf *conf, struct err *err)
{
	for (uint32_t i = 0; i < conf->flow_count; i++) {
		const struct conf_flow *flow = &conf->flows[i];

		for (uint32_t o = 0; o < flow->output_count; o++) {
			const struct rule_output *out = &conf->outputs[flow->first_output + o];

			if (out->to.name) {
				err_set(err,
					"%s: egress %s is a name, and this numacastd was built "
					"without c-ares; expected an address, or one that "
					"configure found it for; write the address, or install "
					"libc-ares-dev and build again",
					conf->rules[flow->rule].where, out->to.name->text);
				return -EINVAL;
			}
		}
	}
	return 0;
}
