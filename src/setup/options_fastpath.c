/* options_fastpath.c - the options about what is relayed in the kernel; rows as in options_rows.c.
 */
#include <assert.h>
#include <stddef.h>

#include "src/setup/options.h"
#include "src/setup/options_value.h"

#define AT(member) CLI_AT(struct opt, member)

static const char *const fastpath_choices[] = {"off", "auto", "require", NULL};

static_assert(OPT_FASTPATH_OFF == 0 && OPT_FASTPATH_REQUIRE == 2, "fastpath_choices");

static const char *const linger_choices[] = {"auto", "off", NULL};
static const uint64_t linger_meanings[] = {OPT_AMOUNT_AUTO, OPT_AMOUNT_OFF};

static const struct cli_row rows[] = {
	{.name = "fastpath",
	 .kind = CLI_CHOICE,
	 .arg = "WHEN",
	 AT(fastpath),
	 .choices = fastpath_choices,
	 .initial = "off",
	 .help = "relay flows in the kernel, before they come to a socket: off, auto (those\n"
		 "that can be), require (all of them, or do not start); fast= of a rule wins"},
	{.name = "fastpath-linger",
	 .kind = CLI_NUMBER,
	 .arg = "SECONDS",
	 AT(fastpath_linger_s),
	 .choices = linger_choices,
	 .meanings = linger_meanings,
	 .min = 5,
	 .max = 3600,
	 .initial = "auto",
	 .help = "what is relayed in the kernel goes on for so long when this process was\n"
		 "killed: off, auto (10 where the service manager keeps sockets, else off)",
	 .example = "30"},
	{0},
};

const struct cli_group options_fastpath_group = {"In the kernel", rows};

bool options_want_fastpath(const struct opt *opt)
{
	bool wanted = opt->fastpath != OPT_FASTPATH_OFF;

	for (uint32_t r = 0; r < opt->conf.rule_count; r++) {
		wanted = wanted || opt->conf.rules[r].fast == 1;
	}
	return wanted;
}
