/* fuzz_rule.c - any bytes as rules, one a line: conf_add_rule and conf_check_twins.
 *
 * What must hold, whatever is written: a refused rule leaves the configuration unchanged and its
 * message begins with the place and has three parts; an accepted one yields flows and outputs
 * that satisfy what the rest of the program relies on, and its first flow, written out again as a
 * rule, is read as the same flow. To keep inputs fast: at most RULES_MAX lines, none after
 * FLOWS_MAX flows, about so many flows of a rule are looked at, and conf_check_twins runs for at
 * most CHECKED_MAX.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shard/limits.h"
#include "src/base/must.h"
#include "src/rules/conf.h"

#define RULES_MAX   16
#define FLOWS_MAX   4096
#define CHECKED_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const struct err *err, const char *where)
{
	size_t len = strlen(where);
	const char *second;

	must(strncmp(err->text, where, len) == 0);
	must(err->text[len] == ':');
	second = strstr(err->text + len, "; ");
	must(second != NULL);
	must(strstr(second + 1, "; ") != NULL);
}

/* Groups that stay on their link are `meant', or are not there. */
static void check_endpoint(const struct endpoint *ep, bool meant)
{
	bool group6 = ep->addr.family == AF_INET6 && addr_is_multicast(&ep->addr);

	must(ep->addr.family == AF_INET || ep->addr.family == AF_INET6);
	must(ep->addr.port != 0);
	must(memchr(ep->ifname, '\0', sizeof(ep->ifname)) != NULL);
	must(meant || !addr_is_local_control(&ep->addr));
	must(!group6 || (ep->addr.ip[1] & 0x0f) != 1);
	must(!addr_is_multicast(&ep->addr) || ep->ifname[0]);
	must(meant || !addr_is_multicast(&ep->addr) || !addr_is_link_local(&ep->addr));
}

static void check_output(const struct rule_output *out, bool meant)
{
	check_endpoint(&out->to, meant);
	must(addr_is_any(&out->to.addr) == (out->to.name != NULL));
	must(rule_output_is_valid(out));
	must(out->src.port == 0);
}

static void check_flow(const struct conf *conf, const struct conf_flow *flow)
{
	const struct rule_ingress *in = &flow->in;
	bool meant = conf->rules[flow->rule].link_local;

	check_endpoint(&in->at, meant);
	must(!addr_is_any(&in->at.addr) || in->at.ifname[0]);
	must(in->source_bits < (in->at.addr.family == AF_INET ? 32 : 128));
	must(in->source.family == 0 || in->source.family == in->at.addr.family);
	must(in->source.port == 0);
	must(in->gro >= RULE_AUTO && in->gro <= 1);
	must(in->pool_class >= RULE_AUTO && in->pool_class < POOL_CLASS_COUNT);
	must(flow->leg < conf->rules[flow->rule].merge.leg_count);
	must(flow->output_count <= FLOW_OUTPUTS_MAX);
	must((flow->output_count >= 1) == (flow->leg == 0));
	must(flow->first_output + flow->output_count <= conf->output_count);
	for (uint32_t i = 0; i < flow->output_count; i++) {
		check_output(&conf->outputs[flow->first_output + i], meant);
	}
}

/* Writes `flow' as a rule without options; false when it has too many outputs for `room'. */
static bool write_rule(const struct conf *conf, const struct conf_flow *flow, char *text,
		       size_t room)
{
	char ep[ENDPOINT_TEXT_MAX];
	char source[RULE_SOURCE_TEXT_MAX];
	bool v6 = flow->in.source.family == AF_INET6;
	size_t used = 0;

	if (conf->long_ifname_count > 0 || conf->rules[flow->rule].link_local) {
		return false; /* an alias is nothing to write, and what needs an option neither */
	}
	if ((flow->output_count + 1) * (sizeof(ep) + sizeof(source)) > room) {
		return false;
	}
	if (flow->in.source.family != 0) {
		used = (size_t)sprintf(text, v6 ? "[%s]@" : "%s@",
				       rule_format_source(&flow->in, source));
	}
	used += (size_t)sprintf(text + used, "%s", endpoint_format(&flow->in.at, ep));
	for (uint32_t i = 0; i < flow->output_count; i++) {
		used += (size_t)sprintf(
			text + used, "%s%s", i == 0 ? "->" : ",",
			endpoint_format(&conf->outputs[flow->first_output + i].to, ep));
	}
	return true;
}

static void check_round_trip(const struct conf *conf, const struct conf_flow *flow)
{
	static char text[32768];
	struct conf again = {0};
	struct err err;

	if (!write_rule(conf, flow, text, sizeof(text))) {
		return;
	}
	must(conf_add_rule(&again, text, "again", &err) == 0);
	must(again.flow_count == 1);
	must(addr_equal(&again.flows[0].in.at.addr, &flow->in.at.addr));
	must(strcmp(again.flows[0].in.at.ifname, flow->in.at.ifname) == 0);
	must(addr_equal(&again.flows[0].in.source, &flow->in.source));
	must(again.flows[0].in.source_bits == flow->in.source_bits);
	must(again.output_count == flow->output_count);
	for (uint32_t i = 0; i < flow->output_count; i++) {
		const struct endpoint *to = &conf->outputs[flow->first_output + i].to;

		must(addr_equal(&again.outputs[i].to.addr, &to->addr));
		must(strcmp(again.outputs[i].to.ifname, to->ifname) == 0);
		must(!again.outputs[i].to.name == !to->name);
	}
	conf_free(&again);
}

static void check_rule(const struct conf *conf, const struct conf_rule *rule)
{
	must(rule->flow_count >= 1);
	must(rule->first_flow + rule->flow_count == conf->flow_count);
	must(rule->weight >= 1);
	must(rule->spread >= 1 && (rule->by != SHARE_BY_OUTPUTS ||
				   rule->spread <= conf->flows[rule->first_flow].output_count));
	must(rule->name[0] != '\0');
	for (uint32_t i = 0; i < rule->flow_count; i += 1 + rule->flow_count / FLOWS_MAX) {
		const struct conf_flow *flow = &conf->flows[rule->first_flow + i];

		must(flow->rule == conf->rule_count - 1);
		check_flow(conf, flow);
	}
	check_round_trip(conf, &conf->flows[rule->first_flow]);
}

static void add_line(struct conf *conf, const char *line)
{
	struct conf before = *conf;
	struct err err = {""};
	int rc = conf_add_rule(conf, line, "fuzz:1", &err);

	if (rc == 0) {
		must(conf->rule_count == before.rule_count + 1);
		check_rule(conf, &conf->rules[before.rule_count]);
		return;
	}
	check_message(&err, "fuzz:1");
	must(conf->rule_count == before.rule_count);
	must(conf->flow_count == before.flow_count);
	must(conf->output_count == before.output_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf conf = {0};
	struct err err = {""};
	char *text = malloc(size + 1);
	char *line = text;
	int rc;

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	for (int i = 0; i < RULES_MAX && conf.flow_count < FLOWS_MAX && line; i++) {
		char *end = strchr(line, '\n');

		if (end) {
			*end++ = '\0';
		}
		add_line(&conf, line);
		line = end;
	}
	rc = conf.flow_count <= CHECKED_MAX ? conf_check_twins(&conf, &err) : 0;
	must(rc == 0 || err.text[0] != '\0');
	conf_free(&conf);
	free(text);
	return 0;
}
