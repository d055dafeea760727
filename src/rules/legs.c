/* legs.c - reads what stands before the arrow: one ingress, or several that bring one feed.
 *
 * Each leg is an endpoint with options of its own; what is the rule's (its name, how its legs are
 * merged) may stand behind any of them, once. Pure; control thread.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "src/rules/parse.h"

static int read_leg(struct conf_cursor *cursor, struct conf *conf, struct conf_leg *leg);
static int read_options(struct conf_cursor *cursor, struct conf_rule *rule, struct rule_ingress *in,
			uint32_t *seen);
static int check_count(struct conf_cursor *cursor, struct conf_rule *rule,
		       const struct conf_legs *legs);
static int check_merge(struct conf_cursor *cursor, struct conf_rule *rule);
static int refuse_alone(struct conf_cursor *cursor, const char *key);
static int check_window(struct conf_cursor *cursor, struct merge_rule *merge);
static int settle_breakers(struct conf_cursor *cursor, const struct conf_rule *rule,
			   struct conf_legs *legs);
static bool is_plus(const struct conf_cursor *cursor);

int conf_read_legs(struct conf_cursor *cursor, struct conf *conf, struct conf_rule *rule,
		   struct conf_legs *out)
{
	struct rule_ingress initial = RULE_INGRESS_UNSET;
	uint32_t seen = 0;
	int token, rc;

	conf_set_ingress_initial(rule, &initial);
	do {
		struct conf_leg *leg = &out->leg[out->count];

		if (out->count == MERGE_LEGS_MAX) {
			return conf_refuse(cursor,
					   "more than %d ingresses; so many copies of a feed are "
					   "merged at most; remove some",
					   MERGE_LEGS_MAX);
		}
		leg->in = initial;
		rc = read_leg(cursor, conf, leg);
		if (rc < 0) {
			return rc;
		}
		out->count++;
		seen &= conf_rule_wide_keys();
		token = read_options(cursor, rule, &leg->in, &seen);
		if (token < 0) {
			return token;
		}
	} while (token == CONF_TOKEN_WORD);
	rule->merge.leg_count = (uint8_t)out->count;
	rc = check_count(cursor, rule, out);
	rc = rc == 0 ? check_merge(cursor, rule) : rc;
	rc = rc == 0 ? settle_breakers(cursor, rule, out) : rc;
	for (uint32_t i = 0; i < out->count && rc == 0; i++) {
		rc = conf_check_link_local(cursor, rule, &out->leg[i].span);
	}
	return rc == 0 ? token : rc;
}

int conf_check_link_local(struct conf_cursor *cursor, const struct conf_rule *rule,
			  const struct conf_span *span)
{
	bool v4 = span->first.addr.family == AF_INET;
	char text[ENDPOINT_TEXT_MAX];

	if (!span->link_local || rule->link_local) {
		return 0;
	}
	return conf_refuse(cursor,
			   "'%s' has %s; such groups stay on their link and are never forwarded "
			   "(%s); to relay discovery all the same, write link-local=yes behind the "
			   "ingress; else use a group %s",
			   endpoint_format(&span->first, text),
			   v4 ? "an address in 224.0.0.0/24" : "link-local scope",
			   v4 ? "RFC 5771" : "RFC 4291",
			   v4 ? "in 239.0.0.0/8" : "of wider scope, in ff05::/16 or ff3e::/32");
}

static int read_leg(struct conf_cursor *cursor, struct conf *conf, struct conf_leg *leg)
{
	struct conf_span *span = &leg->span;
	int token = conf_next(cursor);
	int rc;

	if (token < 0) {
		return token;
	}
	if (token != CONF_TOKEN_WORD || is_plus(cursor)) {
		return conf_refuse(
			cursor, "the rule has no ingress; a rule is INGRESS [+ INGRESS]... -> "
				"EGRESS [, EGRESS]...; write for instance 239.1.1.1%%eth0:5000 -> "
				"239.2.2.2%%eth1:6000");
	}
	if (conf_read_endpoint(cursor, CONF_INGRESS, span) != 0) {
		return -EINVAL;
	}
	if (span->long_ifname[0]) {
		rc = conf_alias_ifname(cursor, conf, span->long_ifname, span->first.ifname);
		if (rc != 0) {
			return rc;
		}
	}
	leg->in.at = span->first;
	leg->in.source = span->source;
	leg->in.source_bits = span->source_bits;
	if (conf_span_size(span) > CONF_FLOWS_MAX) {
		return conf_refuse(
			cursor,
			"%u addresses times %u ports are too many; a configuration has at most %d "
			"flows; use a longer prefix or fewer ports",
			span->addr_count, span->port_count, CONF_FLOWS_MAX);
	}
	return 0;
}

/* Returns the token behind them: a word is the `+' before the next leg. */
static int read_options(struct conf_cursor *cursor, struct conf_rule *rule, struct rule_ingress *in,
			uint32_t *seen)
{
	int token;

	while ((token = conf_next(cursor)) == CONF_TOKEN_WORD && !is_plus(cursor)) {
		if (conf_read_ingress_option(cursor, seen, rule, in) != 0) {
			return -EINVAL;
		}
	}
	if (rule->spread > 1 && rule->shard != CONF_SHARD_ANY) {
		return conf_refuse(cursor,
				   "both shard= and spread=; shard= names the one owner and "
				   "spread= asks for several; remove one of the two");
	}
	return token;
}

/* Ranges of all legs map one to one. */
static int check_count(struct conf_cursor *cursor, struct conf_rule *rule,
		       const struct conf_legs *legs)
{
	const struct conf_span *first = &legs->leg[0].span;

	for (uint32_t i = 1; i < legs->count; i++) {
		const struct conf_span *span = &legs->leg[i].span;

		if (conf_span_size(span) != conf_span_size(first)) {
			return conf_refuse(
				cursor,
				"ingress %u has %u address(es) with %u port(s), %llu in all, the "
				"first %u with %u, %llu in all; the copies of a feed map one to "
				"one, so all must have as many; lengthen or shorten a prefix or a "
				"range of ports",
				i + 1, span->addr_count, span->port_count, conf_span_size(span),
				first->addr_count, first->port_count, conf_span_size(first));
		}
		rule->uneven |= span->port_count != first->port_count;
	}
	return 0;
}

static int check_merge(struct conf_cursor *cursor, struct conf_rule *rule)
{
	struct merge_rule *merge = &rule->merge;
	bool told = merge->method != MERGE_OFF; /* apart, by numbers or payloads */

	if (told && merge->failover_ms > 0) {
		return conf_refuse(cursor,
				   "both seq= and failover=; numbers tell copies apart, failover= "
				   "is for feeds that have none; remove one of the two");
	}
	if (merge->failover_ms > 0) {
		merge->method = MERGE_FAILOVER;
	}
	if (merge->method == MERGE_OFF && merge->leg_count > 1) {
		return conf_refuse(cursor,
				   "%u ingresses need seq= or failover=; expected seq=rtp, "
				   "seq=moldudp64, seq=hash or a field such as seq=u32le@0, or "
				   "failover=MS for a feed without numbers; a guess would lose "
				   "data, so add one of them",
				   merge->leg_count);
	}
	if (merge->method == MERGE_FAILOVER && merge->leg_count == 1) {
		return conf_refuse(cursor, "failover= with one ingress; there is nothing to go "
					   "over to; remove it, or add + INGRESS");
	}
	if (merge->method == MERGE_BY_HASH && merge->leg_count == 1) {
		return conf_refuse(cursor, "seq=hash with one ingress; payloads alone tell of no "
					   "loss; remove it, or add + INGRESS");
	}
	if (merge->method != MERGE_OFF && rule->by != SHARE_BY_OUTPUTS) {
		return conf_refuse(cursor,
				   "by=%s with seq= or failover=; whoever decides must hear all of "
				   "a feed; remove by=",
				   share_by_name(rule->by));
	}
	if (!told && (merge->skew_ms > 0 || merge->window > 0)) {
		return refuse_alone(cursor, merge->skew_ms > 0 ? "skew" : "window");
	}
	if (merge->method == MERGE_OFF && merge->silent_ms > 0) {
		return refuse_alone(cursor, "silent");
	}
	merge->skew_ms = merge->skew_ms > 0 ? merge->skew_ms : MERGE_SKEW_MS;
	merge->silent_ms = merge->silent_ms > 0 ? merge->silent_ms : MERGE_SILENT_MS;
	return told ? check_window(cursor, merge) : 0;
}

static int refuse_alone(struct conf_cursor *cursor, const char *key)
{
	return conf_refuse(cursor,
			   "%s= without seq=; it belongs to a feed whose numbers are known; "
			   "remove it, or add seq=",
			   key);
}

static int check_window(struct conf_cursor *cursor, struct merge_rule *merge)
{
	uint32_t most = merge_window_max(&merge->sequence);

	if (merge->window > most) {
		return conf_refuse(cursor,
				   "window=%u with numbers of %u bits; what is behind and what is "
				   "ahead must be told apart; give at most %u",
				   merge->window, 8U * merge->sequence.number.bytes, most);
	}
	if (merge->window == 0) {
		merge->window = most < MERGE_WINDOW_DEFAULT ? most : MERGE_WINDOW_DEFAULT;
	}
	return 0;
}

/* Who knows copies by their numbers, or listens to one leg only, needs no other breaker. */
static int settle_breakers(struct conf_cursor *cursor, const struct conf_rule *rule,
			   struct conf_legs *legs)
{
	for (uint32_t i = 0; i < legs->count; i++) {
		int8_t *breaker = &legs->leg[i].in.breaker;

		if (*breaker > RULE_BREAKER_OFF && rule->merge.method != MERGE_OFF) {
			return conf_refuse(cursor,
					   "breaker= with seq= or failover=; where copies are "
					   "merged, what comes back is one of them; remove "
					   "breaker=");
		}
		if (*breaker == RULE_AUTO) {
			*breaker = rule->link_local ? RULE_BREAKER_STRICT : RULE_BREAKER_ON;
		}
	}
	return 0;
}

static bool is_plus(const struct conf_cursor *cursor)
{
	return strcmp(cursor->word, "+") == 0;
}
