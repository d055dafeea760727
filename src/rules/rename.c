/* rename.c - interfaces under other names than the kernel's own.
 *
 * Linux gives an interface alternative names beside its own one (ip-link(8), altname), and those
 * may have up to 127 characters. Which interface a name means only its host can say; until
 * src/setup has asked, a rule means by a name no more than the name. One that does not fit an
 * endpoint is kept aside, and an alias stands for it. Once the kernel's names are in place, two
 * names of one interface are one, and what was told apart before may turn out to be the same: a
 * twin, a circle, an egress that is given twice. Pure but for malloc; control thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/rules/parse.h"

#define ALIASES_MAX 99999 /* their numbers leave room for the beginning of the name */

static bool is_same_place(const struct endpoint *a, const struct endpoint *b);
static int check_flow(struct conf_cursor *cursor, const struct conf *conf,
		      const struct conf_flow *lead, uint32_t legs);
static void rename_one(const struct conf_ifname *names, uint32_t count, struct endpoint *at);
static int check_all_places(const struct conf *conf, struct err *err);
static int compare_from(const void *left, const void *right);

const char *conf_ifname(const struct conf *conf, const char *ifname)
{
	const char *slash = strchr(ifname, '/');
	unsigned long number = slash ? strtoul(slash + 1, NULL, 10) : conf->long_ifname_count;

	return number < conf->long_ifname_count ? conf->long_ifnames[number] : ifname;
}

int conf_alias_ifname(struct conf_cursor *cursor, struct conf *conf, const char *name,
		      char alias[IF_NAMESIZE])
{
	uint32_t number = 0;
	void *grown;

	while (number < conf->long_ifname_count && strcmp(conf->long_ifnames[number], name) != 0) {
		number++;
	}
	if (number > ALIASES_MAX) {
		return conf_refuse(
			cursor,
			"interface name '%.48s' is one too many of its length; at most %d "
			"are told apart; use the short names that `ip link' shows",
			name, ALIASES_MAX + 1);
	}
	if (number == conf->long_ifname_count) {
		grown = realloc(conf->long_ifnames, (number + 1UL) * sizeof(*conf->long_ifnames));
		if (!grown) {
			conf_refuse(cursor, "out of memory while reading the rule; free some, or "
					    "use fewer rules");
			return -ENOMEM;
		}
		conf->long_ifnames = grown;
		snprintf(conf->long_ifnames[number], CONF_IFNAME_MAX, "%s", name);
		conf->long_ifname_count++;
	}
	snprintf(alias, IF_NAMESIZE, "%.9s/%u", name, number % (ALIASES_MAX + 1));
	return 0;
}

int conf_check_place(struct conf_cursor *cursor, const struct endpoint *in,
		     const struct rule_output *others, uint32_t count, const struct endpoint *to)
{
	char text[ENDPOINT_TEXT_MAX];

	if (conf_endpoints_meet(to, in)) {
		return conf_refuse(
			cursor,
			"egress %s equals the ingress; what is sent there would come back for "
			"ever; change the address, the port or the interface",
			endpoint_format(to, text));
	}
	for (uint32_t i = 0; i < count; i++) {
		if (is_same_place(to, &others[i].to)) {
			return conf_refuse(
				cursor,
				"egress %s is given twice; each datagram leaves once for each "
				"egress; remove one of the two, or give both an %%IFACE of their "
				"own",
				endpoint_format(to, text));
		}
	}
	return 0;
}

/* The n-th address and port of an egress belong to the n-th of the ingress. Where all have as many
 * ports, two egresses of a rule therefore coincide everywhere or nowhere, and so do egress and
 * ingress, and the first flow tells. Else they may meet in any. */
int conf_check_places(struct conf_cursor *cursor, const struct conf *conf,
		      const struct conf_rule *rule)
{
	uint32_t legs = rule->merge.leg_count;
	uint32_t count = rule->uneven ? rule->flow_count : legs;
	int rc = 0;

	for (uint32_t i = 0; i < count && rc == 0; i += legs) {
		rc = check_flow(cursor, conf, &conf->flows[rule->first_flow + i], legs);
	}
	return rc;
}

int conf_rename(struct conf *conf, const struct conf_ifname *names, uint32_t count, struct err *err)
{
	int rc;

	for (uint32_t i = 0; i < conf->flow_count; i++) {
		rename_one(names, count, &conf->flows[i].in.at);
	}
	for (uint32_t i = 0; i < conf->output_count; i++) {
		rename_one(names, count, &conf->outputs[i].to);
	}
	rc = check_all_places(conf, err);
	return rc == 0 ? conf_check_twins(conf, err) : rc;
}

/* A name is told from others and from addresses by itself, whatever it turns out to mean. */
static bool is_same_place(const struct endpoint *a, const struct endpoint *b)
{
	struct endpoint one = *a, other = *b;

	if (!a->name != !b->name) {
		return false;
	}
	if (!a->name) {
		return conf_endpoints_meet(a, b);
	}
	/* Of either family and of IPv4, which is among them, are written alike. */
	if (strcmp(a->name->text, b->name->text) != 0 ||
	    (a->name->family == AF_INET6) != (b->name->family == AF_INET6)) {
		return false;
	}
	one.name = other.name = NULL;
	one.addr = other.addr = (struct addr){.port = a->addr.port};
	other.addr.port = b->addr.port;
	return conf_endpoints_meet(&one, &other);
}

static int check_flow(struct conf_cursor *cursor, const struct conf *conf,
		      const struct conf_flow *lead, uint32_t legs)
{
	const struct rule_output *outputs = conf->outputs + lead->first_output;
	int rc = 0;

	for (uint32_t i = 0; i < lead->output_count && rc == 0; i++) {
		for (uint32_t leg = 0; leg < legs && rc == 0; leg++) {
			rc = conf_check_place(cursor, &lead[leg].in.at, outputs, i, &outputs[i].to);
		}
	}
	return rc;
}

static void rename_one(const struct conf_ifname *names, uint32_t count, struct endpoint *at)
{
	struct conf_ifname key = {0};
	const struct conf_ifname *found;

	memcpy(key.from, at->ifname, sizeof(key.from));
	found = count == 0 ? NULL : bsearch(&key, names, count, sizeof(key), compare_from);
	if (found) {
		memcpy(at->ifname, found->to, sizeof(at->ifname));
	}
}

static int check_all_places(const struct conf *conf, struct err *err)
{
	int rc = 0;

	for (uint32_t r = 0; r < conf->rule_count && rc == 0; r++) {
		struct conf_cursor cursor = {.where = conf->rules[r].where, .err = err};

		rc = conf_check_places(&cursor, conf, &conf->rules[r]);
	}
	return rc;
}

static int compare_from(const void *left, const void *right)
{
	return strcmp(((const struct conf_ifname *)left)->from,
		      ((const struct conf_ifname *)right)->from);
}
