/* conf.c - a rule's way from text to flows and outputs.
 *
 * What it fills in is what the plan places (step 2) and what a shard's rule table is copied from
 * (step 8). One rule is read in four moves:
 *
 *     the ingresses and their options    -> the rule, and the flows that the others vary (legs.c)
 *     each egress and its options        -> the outputs of the rule's first flow
 *     egress against egress and ingress  -> refusals that need the whole rule
 *     expansion                          -> one flow per address and port, outputs moved along
 *
 * New flows and outputs are written behind the counted ones, and the counts move last: a refused
 * rule leaves nothing behind but spare room. Pure but for malloc; control thread.
 */
#include "src/rules/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shard/limits.h"
#include "src/base/must.h"
#include "src/rules/parse.h"

/* A rule being read. */
struct reading {
	struct conf *conf;
	struct conf_cursor cursor;
	struct conf_rule rule;
	struct conf_legs legs;
	uint32_t egress_count;                   /* in conf->outputs, behind the counted ones */
	uint32_t egress_ports[FLOW_OUTPUTS_MAX]; /* of each address of an egress */
};

static int check_text(struct conf_cursor *cursor);
static int refuse_byte(struct conf_cursor *cursor, size_t at);
static int read_rule(struct reading *reading);
static int read_egress(struct reading *reading);
static bool hears_broadcast(const struct conf_legs *legs);
static int alias(struct reading *reading, struct conf_span *span);
static int read_output(struct conf_cursor *cursor, struct conf_span *span, struct rule_output *out);
static int check_output(struct reading *reading, const struct conf_span *span,
			const struct rule_output *out);
static int check_src(struct reading *reading, const struct rule_output *out, const char *to);
static int append(struct reading *reading, const char *text);
static int room_for_all(struct conf *conf, uint64_t flow_count, uint64_t output_count);
static int room_for_outputs(struct conf *conf, uint64_t want);
static void *make_room(void *array, uint32_t *room, uint64_t want, size_t size);
static int no_memory(struct conf_cursor *cursor);
static void expand(const struct reading *reading);
static struct endpoint moved(const struct endpoint *first, uint32_t ports, uint32_t add);

int conf_add_rule(struct conf *conf, const char *text, const char *where, struct err *err)
{
	struct reading reading = {
		.conf = conf,
		.cursor = {.at = text, .where = where, .err = err},
		.rule = {.shard = CONF_SHARD_ANY, .fast = RULE_AUTO},
	};
	int rc = check_text(&reading.cursor);

	if (rc == 0) {
		rc = read_rule(&reading);
	}
	if (rc == 0) {
		rc = append(&reading, text);
	}
	return rc;
}

void conf_free(struct conf *conf)
{
	for (uint32_t i = 0; i < conf->rule_count; i++) {
		free(conf->rules[i].text);
		free(conf->rules[i].where);
	}
	free(conf->rules);
	free(conf->flows);
	free(conf->outputs);
	free(conf->long_ifnames);
	*conf = (struct conf){0};
}

/* After this, words hold nothing that could spoil a message or a report. */
static int check_text(struct conf_cursor *cursor)
{
	size_t len = strlen(cursor->at);

	if (len > CONF_RULE_TEXT_MAX) {
		return conf_refuse(
			cursor,
			"the rule has %zu characters; at most %d are read; split it into several "
			"rules with other egresses, or use ranges",
			len, CONF_RULE_TEXT_MAX);
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)cursor->at[i];

		if (byte >= 0x7f || (byte < ' ' && !strchr("\t\r\n\v\f", byte))) {
			return refuse_byte(cursor, i);
		}
	}
	return 0;
}

/* Names what editors, word processors and web pages put in place of what was typed. */
static int refuse_byte(struct conf_cursor *cursor, size_t at)
{
	static const struct {
		const char *bytes, *name, *cure;
	} known[] = {
		{"\xef\xbb\xbf", "a byte order mark", "save the text without it"},
		{"\xc2\xa0", "a no-break blank", "retype it as an ordinary blank"},
		{"\xe2\x80\xaf", "a narrow no-break blank", "retype it as an ordinary blank"},
		{"\xe2\x80\x8b", "a blank of no width", "remove it"},
		{"\xe2\x80\x93", "a dash of a word processor", "retype it as '-'"},
		{"\xe2\x80\x94", "a dash of a word processor", "retype it as '-'"},
		{"\xe2\x86\x92", "an arrow in one character", "retype it as '->'"},
		{"\xe2\x80\x9c", "a quote of a word processor", "remove it"},
		{"\xe2\x80\x9d", "a quote of a word processor", "remove it"},
		{"\xe2\x80\x98", "a quote of a word processor", "remove it"},
		{"\xe2\x80\x99", "a quote of a word processor", "remove it"},
	};
	const char *text = cursor->at + at;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(text, known[i].bytes, strlen(known[i].bytes)) == 0) {
			return conf_refuse(cursor,
					   "%s at character %zu of the rule; a rule is plain ASCII "
					   "text; %s",
					   known[i].name, at + 1, known[i].cure);
		}
	}
	return conf_refuse(cursor,
			   "byte 0x%02x at character %zu of the rule; a rule is plain ASCII text; "
			   "remove or retype that character",
			   (unsigned char)*text, at + 1);
}

static int read_rule(struct reading *reading)
{
	struct conf_cursor *cursor = &reading->cursor;
	int token = conf_read_legs(cursor, reading->conf, &reading->rule, &reading->legs);

	if (token < 0) {
		return token;
	}
	if (token != CONF_TOKEN_ARROW) {
		return conf_refuse(
			cursor, "no '->' after the ingress and its options; a rule is INGRESS -> "
				"EGRESS [, EGRESS]...; on a command line put the rule in quotes");
	}
	do {
		token = read_egress(reading);
	} while (token == CONF_TOKEN_COMMA);
	if (token < 0) {
		return token;
	}
	if (token == CONF_TOKEN_ARROW) {
		return conf_refuse(cursor, "a second '->'; a rule has one, and commas between its "
					   "egresses; write one rule for each ingress");
	}
	return conf_check_spread(cursor, &reading->rule, &reading->legs.leg[0].in,
				 reading->conf->outputs + reading->conf->output_count,
				 reading->egress_count);
}

/* Reads one egress behind the counted outputs; returns the token that ended it, or -errno. */
static int read_egress(struct reading *reading)
{
	struct conf *conf = reading->conf;
	struct conf_span span = {0};
	struct rule_output out = {0};
	int token;
	int rc;

	if (reading->egress_count == FLOW_OUTPUTS_MAX) {
		return conf_refuse(
			&reading->cursor,
			"more than %d egresses; that many fit one rule; relay to a multicast "
			"group, or on another host from there",
			FLOW_OUTPUTS_MAX);
	}
	token = read_output(&reading->cursor, &span, &out);
	if (token < 0) {
		return token;
	}
	rc = alias(reading, &span);
	out.to = span.first;
	if (out.ttl_mode == RULE_TTL_AUTO && hears_broadcast(&reading->legs)) {
		out.ttl = RULE_TTL_DEFAULT; /* also as a broadcast: a circle of these must count */
	}
	if (out.ttl_mode == RULE_TTL_AUTO && span.link_local) {
		out.ttl_mode = RULE_TTL_FIXED; /* by it receivers know that no router was between */
		out.ttl = UINT8_MAX;
	}
	rc = rc == 0 ? conf_check_link_local(&reading->cursor, &reading->rule, &span) : rc;
	rc = rc == 0 ? conf_settle_name(&reading->cursor, &reading->legs.leg[0].in.at, &out) : rc;
	rc = rc == 0 ? check_output(reading, &span, &out) : rc;
	if (rc != 0) {
		return rc;
	}
	if (room_for_outputs(conf, (uint64_t)conf->output_count + reading->egress_count + 1) != 0) {
		return no_memory(&reading->cursor);
	}
	reading->egress_ports[reading->egress_count] = span.port_count;
	reading->rule.uneven |= span.port_count != reading->legs.leg[0].span.port_count;
	conf->outputs[conf->output_count + reading->egress_count++] = out;
	return token;
}

static bool hears_broadcast(const struct conf_legs *legs)
{
	for (uint32_t i = 0; i < legs->count; i++) {
		if (addr_is_broadcast(&legs->leg[i].in.at.addr)) {
			return true;
		}
	}
	return false;
}

/* An interface name that does not fit the endpoint gets its alias. */
static int alias(struct reading *reading, struct conf_span *span)
{
	if (!span->long_ifname[0]) {
		return 0;
	}
	return conf_alias_ifname(&reading->cursor, reading->conf, span->long_ifname,
				 span->first.ifname);
}

static int read_output(struct conf_cursor *cursor, struct conf_span *span, struct rule_output *out)
{
	uint32_t seen = 0;
	int token = conf_next(cursor), rc;

	if (token < 0) {
		return token;
	}
	if (token != CONF_TOKEN_WORD) {
		return conf_refuse(cursor,
				   "no egress after '->' or ','; expected ADDR%%IFACE:PORT; write "
				   "for instance 239.2.2.2%%eth1:6000, or remove the last comma");
	}
	rc = conf_read_endpoint(cursor, CONF_EGRESS, span);
	if (rc != 0) {
		return rc;
	}
	*out = (struct rule_output)RULE_OUTPUT_UNSET;
	out->to = span->first;
	conf_set_output_initial(out);
	while ((token = conf_next(cursor)) == CONF_TOKEN_WORD) {
		if (conf_read_output_option(cursor, &seen, out) != 0) {
			return -EINVAL;
		}
	}
	return token;
}

static int check_output(struct reading *reading, const struct conf_span *span,
			const struct rule_output *out)
{
	const struct conf *conf = reading->conf;
	const struct conf_span *in = &reading->legs.leg[0].span;
	const struct rule_output *others =
		reading->egress_count > 0 ? conf->outputs + conf->output_count : NULL;
	struct conf_cursor *cursor = &reading->cursor;
	char to[ENDPOINT_TEXT_MAX];

	endpoint_format(&out->to, to);
	if (conf_span_size(span) != conf_span_size(in)) {
		return conf_refuse(
			cursor,
			"egress %s has %u address(es) with %u port(s), %llu in all, the ingress %u "
			"with %u, %llu in all; ranges map one to one, so both must have as many "
			"in all; lengthen or shorten a prefix or a range of ports",
			to, span->addr_count, span->port_count, conf_span_size(span),
			in->addr_count, in->port_count, conf_span_size(in));
	}
	for (uint32_t i = 0; i < reading->legs.count; i++) {
		if (conf_check_place(cursor, &reading->legs.leg[i].in.at, others,
				     reading->egress_count, &out->to) != 0) {
			return -EINVAL;
		}
	}
	return check_src(reading, out, to);
}

static int check_src(struct reading *reading, const struct rule_output *out, const char *to)
{
	struct conf_cursor *cursor = &reading->cursor;
	char src[ADDR_TEXT_MAX];

	if (out->src_keep && reading->legs.count > 1) {
		return conf_refuse(cursor,
				   "src=keep of egress %s with several ingresses; receivers would "
				   "see another source with each datagram; write src=ADDR or leave "
				   "it out",
				   to);
	}
	if (out->src_keep && reading->legs.leg[0].in.at.addr.family != out->to.addr.family) {
		return conf_refuse(
			cursor,
			"src=keep of egress %s, whose family is not the ingress's; a sender's "
			"address can be kept only within IPv4 or within IPv6; write src=ADDR or "
			"leave it out",
			to);
	}
	if (out->sport_keep && !out->src_keep) {
		return conf_refuse(
			cursor,
			"sport=keep of egress %s without src=keep; a sender's port means "
			"something beside its address only; write both, or sport=N",
			to);
	}
	if (out->reply && out->src_keep) {
		return conf_refuse(cursor,
				   "reply=yes of egress %s with src=keep; answers then go to the "
				   "sender's own address, and not to this host; remove one of the "
				   "two",
				   to);
	}
	if (out->local && !addr_is_multicast(&out->to.addr)) {
		return conf_refuse(cursor,
				   "local=yes of egress %s, which is no multicast group; it is for "
				   "receivers of a group on this host; remove it",
				   to);
	}
	if (out->mtu > 0 && out->mtu < RULE_MTU_MIN_V6 && out->to.addr.family == AF_INET6) {
		return conf_refuse(cursor,
				   "mtu=%u of egress %s, which is IPv6; each link of IPv6 carries "
				   "%d bytes at least; give as much or more",
				   out->mtu, to, RULE_MTU_MIN_V6);
	}
	if (out->src.family == 0) {
		return 0;
	}
	if (out->src.family != out->to.addr.family) {
		return conf_refuse(
			cursor,
			"src=%s of egress %s, which is of the other family; both must be IPv4 or "
			"both IPv6; give an address of the egress's family",
			addr_format(&out->src, src), to);
	}
	return conf_check_unicast(cursor, addr_format(&out->src, src), &out->src);
}

static int append(struct reading *reading, const char *text)
{
	struct conf *conf = reading->conf;
	struct conf_rule *rule = &reading->rule;
	uint32_t feeds = (uint32_t)conf_span_size(&reading->legs.leg[0].span);
	uint32_t flows = feeds * reading->legs.count;
	uint64_t flow_count = (uint64_t)conf->flow_count + flows;
	uint64_t output_count = conf->output_count + (uint64_t)feeds * reading->egress_count;

	if (flow_count > CONF_FLOWS_MAX || output_count > CONF_OUTPUTS_MAX) {
		return conf_refuse(
			&reading->cursor,
			"with this rule there are %llu flows and %llu outputs; at most %d and %d "
			"are possible; divide the rules over several hosts or daemons",
			(unsigned long long)flow_count, (unsigned long long)output_count,
			CONF_FLOWS_MAX, CONF_OUTPUTS_MAX);
	}
	if (room_for_all(conf, flow_count, output_count) != 0) {
		return no_memory(&reading->cursor);
	}
	rule->first_flow = conf->flow_count;
	rule->flow_count = flows;
	expand(reading);
	if (conf_check_places(&reading->cursor, conf, rule) != 0) {
		return -EINVAL;
	}
	rule->text = strdup(text);
	rule->where = strdup(reading->cursor.where);
	if (!rule->text || !rule->where) {
		free(rule->text);
		free(rule->where);
		return no_memory(&reading->cursor);
	}
	if (!rule->name[0]) {
		snprintf(rule->name, sizeof(rule->name), "rule%u", conf->rule_count + 1);
	}
	conf->rules[conf->rule_count++] = *rule;
	conf->flow_count = (uint32_t)flow_count;
	conf->output_count = (uint32_t)output_count;
	return 0;
}

static int room_for_all(struct conf *conf, uint64_t flow_count, uint64_t output_count)
{
	struct conf_rule *rules = make_room(conf->rules, &conf->rule_room,
					    (uint64_t)conf->rule_count + 1, sizeof(*rules));
	struct conf_flow *flows =
		make_room(conf->flows, &conf->flow_room, flow_count, sizeof(*flows));

	conf->rules = rules ? rules : conf->rules;
	conf->flows = flows ? flows : conf->flows;
	return rules && flows ? room_for_outputs(conf, output_count) : -ENOMEM;
}

static int room_for_outputs(struct conf *conf, uint64_t want)
{
	struct rule_output *outputs =
		make_room(conf->outputs, &conf->output_room, want, sizeof(*outputs));

	if (!outputs) {
		return -ENOMEM;
	}
	conf->outputs = outputs;
	return 0;
}

/* `array' of `size' byte elements, grown by doubling so that `want' fit; NULL: no memory, and
 * `array' is as it was. */
static void *make_room(void *array, uint32_t *room, uint64_t want, size_t size)
{
	uint64_t new_room = *room > 0 ? *room : 16;
	void *grown;

	if (array && want <= *room) {
		return array;
	}
	while (new_room < want) {
		new_room *= 2;
	}
	grown = realloc(array, new_room * size);
	if (grown) {
		*room = (uint32_t)new_room;
	}
	return grown;
}

static int no_memory(struct conf_cursor *cursor)
{
	conf_refuse(cursor, "out of memory while reading the rule; free some, or use fewer rules");
	return -ENOMEM;
}

/* The legs of a feed stand together, and the first has the outputs. */
static void expand(const struct reading *reading)
{
	struct conf *conf = reading->conf;
	const struct rule_output *first = conf->outputs + conf->output_count;
	const struct conf_legs *legs = &reading->legs;
	uint32_t feeds = (uint32_t)conf_span_size(&legs->leg[0].span);
	uint32_t egresses = reading->egress_count;

	for (uint32_t i = 0; i < feeds; i++) {
		struct conf_flow *lead = &conf->flows[conf->flow_count + i * legs->count];

		for (uint32_t leg = 0; leg < legs->count; leg++) {
			lead[leg] = (struct conf_flow){.rule = conf->rule_count,
						       .in = legs->leg[leg].in,
						       .leg = (uint8_t)leg};
			lead[leg].in.at =
				moved(&legs->leg[leg].in.at, legs->leg[leg].span.port_count, i);
		}
		lead->first_output = conf->output_count + i * egresses;
		lead->output_count = egresses;
		for (uint32_t j = 0; j < egresses; j++) {
			struct rule_output *out = &conf->outputs[lead->first_output + j];

			*out = first[j];
			out->to = moved(&first[j].to, reading->egress_ports[j], i);
		}
	}
}

/* The endpoint `add' behind `first' in a range of `ports' at each address. The prefix was aligned
 * and the port range ended by 65535, so nothing wraps. */
static struct endpoint moved(const struct endpoint *first, uint32_t ports, uint32_t add)
{
	struct endpoint ep = *first;

	must(addr_offset(&first->addr, add / ports, &ep.addr) == 0);
	ep.addr.port = (uint16_t)(first->addr.port + add % ports);
	return ep;
}
