/* parse.h - what the files that read a rule share; nothing else includes it.
 *
 *     conf.c           a rule's way from text to flows: parse, compare, expand, append
 *     parse.c     words: the cursor, and the form of every refusal
 *     endpoint.c  one word that names an endpoint, with its prefix and port range
 *     name.c      a host's name in the place of an address
 *     keys.c    one word that is key=value
 *     keys_merge.c  those of copies of a feed
 *     keys_output.c  those of an egress
 *     keys_text.c  what is said of these
 *     legs.c      what stands before the arrow
 *     rename.c  interfaces under other names than the kernel's
 *     spread.c  what by= and spread= ask for
 *     twins.c     what only shows when all rules are known
 *
 * Pure: text in, structs out. Control thread.
 */
#pragma once

#include "src/rules/conf.h"
#include "src/rules/keys.h"

#define CONF_WORD_MAX  512 /* of a word and its zero byte: more than any endpoint has */
#define CONF_TAKES_MAX 160 /* of what a key takes, or of the names of all keys of a side */
#define CONF_SHOWN_MAX 101 /* of a word in a message, so that the rest of the message fits */

enum conf_token {
	CONF_TOKEN_WORD,
	CONF_TOKEN_ARROW,
	CONF_TOKEN_COMMA,
	CONF_TOKEN_END,
};

struct conf_cursor {
	const char *at;    /* what is left of the rule */
	const char *where; /* opens every refusal */
	struct err *err;
	char word[CONF_WORD_MAX];   /* of the last CONF_TOKEN_WORD */
	char shown[CONF_SHOWN_MAX]; /* the same for messages: if long, its beginning and "..." */
};

/* The next token, a CONF_TOKEN_*, or -EINVAL. A word lies in cursor->word until the next call. */
int conf_next(struct conf_cursor *cursor);

/* Fills in the error, with `where' before it, and returns -EINVAL. */
int conf_refuse(struct conf_cursor *cursor, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* An endpoint as written: the first address and port, and how many of each. */
struct conf_span {
	struct endpoint first;
	char long_ifname[CONF_IFNAME_MAX]; /* one longer than a kernel name; else "" */
	struct addr source;                /* SOURCE@; family 0: none */
	uint8_t source_bits;               /* of its prefix; 0: one sender */
	uint32_t addr_count;               /* 1 without a prefix */
	uint32_t port_count;               /* 1 without a port range */
	bool link_local;                   /* a group that stays on its link */
};

/* How many flows it stands for. */
static inline unsigned long long conf_span_size(const struct conf_span *span)
{
	return (unsigned long long)span->addr_count * span->port_count;
}

/* A copy of a feed, or the one ingress there is. */
struct conf_leg {
	struct rule_ingress in;
	struct conf_span span;
};

struct conf_legs {
	struct conf_leg leg[MERGE_LEGS_MAX];
	uint32_t count;
};

/* What the options of one endpoint are written to. */
struct conf_target {
	struct conf_rule *rule;  /* ingress only */
	struct rule_ingress *in; /* ingress only */
	struct rule_output *out; /* egress only */
};

/* legs.c: all that stands before the arrow; `out' is zero. Returns the token behind it, or -errno.
 */
int conf_read_legs(struct conf_cursor *cursor, struct conf *conf, struct conf_rule *rule,
		   struct conf_legs *out);

/* Reads cursor->word, which it may cut to pieces. 0 or -EINVAL. */
int conf_read_endpoint(struct conf_cursor *cursor, enum conf_side side, struct conf_span *out);

/* name.c: an egress whose address is `text', a valid name, in brackets or not: its address is not
 * known. 0 or -EINVAL. */
int conf_read_name(struct conf_cursor *cursor, enum conf_side side, const char *text,
		   bool bracketed, struct endpoint *out);

/* The family that the options of such an egress ask for is the one that its name is asked for.
 * `in' is what it is relayed from. 0 or -EINVAL. */
int conf_settle_name(struct conf_cursor *cursor, const struct endpoint *in,
		     struct rule_output *out);

/* Whether `addr', written as `text', can be a host's: 0 or -EINVAL. */
int conf_check_unicast(struct conf_cursor *cursor, const char *text, const struct addr *addr);

/* Applies the defaults of those keys that have one. */
void conf_set_ingress_initial(struct conf_rule *rule, struct rule_ingress *in);
void conf_set_output_initial(struct rule_output *out);

/* Applies cursor->word, a key=value, to an ingress or an output. `seen' has a bit for each key
 * already used at this endpoint; zero at its start. 0 or -EINVAL. */
int conf_read_ingress_option(struct conf_cursor *cursor, uint32_t *seen, struct conf_rule *rule,
			     struct rule_ingress *in);
int conf_read_output_option(struct conf_cursor *cursor, uint32_t *seen, struct rule_output *out);

/* Of the bits in `seen' those of keys that are the rule's, and not one ingress's. */
uint32_t conf_rule_wide_keys(void);

/* keys_output.c: those of an egress; src= in keys_value.c. */
conf_key_read conf_key_read_ttl, conf_key_read_dscp, conf_key_read_src, conf_key_read_sport;
conf_key_read conf_key_read_rate, conf_key_read_priority, conf_key_read_gso, conf_key_read_df;
conf_key_read conf_key_read_mtu, conf_key_read_reply, conf_key_read_local;

/* keys_value.c, of an ingress. */
conf_key_read conf_key_read_fast, conf_key_read_breaker, conf_key_read_link_local;

/* keys_merge.c: how legs are merged. */
conf_key_read conf_key_read_seq, conf_key_read_skew, conf_key_read_window, conf_key_read_silent;
conf_key_read conf_key_read_failover;

/* In keys_text.c: cursor->word is not what `key' takes, or no key of that side. -EINVAL. */
int conf_refuse_value(struct conf_cursor *cursor, const struct conf_key *key);
int conf_refuse_unknown(struct conf_cursor *cursor, enum conf_side side);

/* An interface name too long for an endpoint: writes the alias that stands for it there. 0,
 * -ENOMEM, or -EINVAL when there are too many; with the refusal. */
int conf_alias_ifname(struct conf_cursor *cursor, struct conf *conf, const char *name,
		      char alias[IF_NAMESIZE]);

/* Whether an output may stand beside `count' others behind an ingress: 0 or -EINVAL. */
int conf_check_place(struct conf_cursor *cursor, const struct endpoint *in,
		     const struct rule_output *others, uint32_t count, const struct endpoint *to);

/* The same for all outputs of a rule whose flows and outputs are in place, be they counted yet or
 * not. */
int conf_check_places(struct conf_cursor *cursor, const struct conf *conf,
		      const struct conf_rule *rule);

/* legs.c: whether the rule may have that endpoint, or lacks link-local=: 0 or -EINVAL. */
int conf_check_link_local(struct conf_cursor *cursor, const struct conf_rule *rule,
			  const struct conf_span *span);

/* Whether a flow can be divided as spread= and by= ask; `outputs' are all of it. 0 or -EINVAL. */
int conf_check_spread(struct conf_cursor *cursor, const struct conf_rule *rule,
		      const struct rule_ingress *in, const struct rule_output *outputs,
		      uint32_t count);

/* Whether a datagram sent to `to' may be what a socket at `at' hears: same address and port, and
 * the same interface; where a unicast endpoint names none, any interface is the same. While the
 * address of a name is not known, nobody can say, and it does not. */
bool conf_endpoints_meet(const struct endpoint *to, const struct endpoint *at);
