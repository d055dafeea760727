/* keys.c - reads one key=value of an ingress or an egress.
 *
 * Each key is one row of a table: its reader, its bounds, its default, what else it takes, an
 * example, its help. The refusals are made from the row, so they cannot forget to say what was
 * expected, and the default is read by the same reader as what is written. A key without a default
 * leaves what RULE_INGRESS_UNSET, RULE_OUTPUT_UNSET and conf.c begin with. Units: as in
 * shard/rule.h. Pure, control thread.
 */
#include "src/rules/keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "shard/limits.h"
#include "shard/pool.h"
#include "shard/share.h"
#include "src/base/must.h"
#include "src/rules/parse.h"

#define WEIGHT_MAX   1000000
#define GIGA         1000000000ULL
#define RATE_MAX_BPS (1000 * GIGA) /* 1 Tbit/s */
#define MEMBER_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define NAME_BYTES   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/+-"

static void set_initial(enum conf_side side, const struct conf_target *target);
static int read_option(struct conf_cursor *cursor, uint32_t *seen, enum conf_side side,
		       const struct conf_target *target);
static conf_key_read read_name, read_weight, read_spread, read_by, read_shard, read_class;
static conf_key_read read_gro, read_max_age, read_member;

static const struct conf_key ingress_keys[] = {
	{.name = "name",
	 .read = read_name,
	 .rule_wide = true,
	 .arg = "NAME",
	 .min = 1,
	 .max = CONF_NAME_MAX - 1,
	 .takes = " letters, digits and . _ : / + -",
	 .example = "studio-1",
	 .help = "what logs and reports call the rule; ruleN, counted from 1, without it"},
	{.name = "weight",
	 .read = read_weight,
	 .rule_wide = true,
	 .arg = "N",
	 .min = 1,
	 .max = WEIGHT_MAX,
	 .initial = "1",
	 .example = "10",
	 .help = "the load this flow stands for when shards are balanced"},
	{.name = "spread",
	 .read = read_spread,
	 .rule_wide = true,
	 .arg = "N",
	 .min = 1,
	 .max = CONF_SPREAD_MAX,
	 .takes = " shards",
	 .initial = "1",
	 .example = "2",
	 .help = "divide this flow over N shards, in the way that by= says"},
	{.name = "by",
	 .read = read_by,
	 .rule_wide = true,
	 .arg = "outputs|source|cpu",
	 .takes = "outputs, source or cpu",
	 .initial = "outputs",
	 .example = "source",
	 .help = "what spread= divides: outputs (each shard hears all and serves its own),\n"
		 "source (each serves all outputs for its share of the senders), or cpu\n"
		 "(for what the kernel receives on its CPU)"},
	{.name = "shard",
	 .read = read_shard,
	 .rule_wide = true,
	 .arg = "N",
	 .max = SHARDS_MAX - 1,
	 .takes = ", a shard's number",
	 .example = "0",
	 .help = "the shard that owns the flow; the plan decides without it"},
	{.name = "fast",
	 .read = conf_key_read_fast,
	 .rule_wide = true,
	 .arg = "on|off",
	 .takes = "on or off",
	 .example = "off",
	 .help = "relay in the kernel what can be, or do not, whatever --fastpath says"},
	{.name = "member",
	 .read = read_member,
	 .rule_wide = true,
	 .arg = "NAME",
	 .min = 1,
	 .max = CONF_NAME_MAX - 1,
	 .takes = " letters, digits and . _ -",
	 .example = "relay-a",
	 .help = "of --members, the machine that relays this; by a hash of the ingress\n"
		 "without it"},
	{.name = "class",
	 .read = read_class,
	 .arg = "CLASS",
	 .takes = "small, standard, jumbo or train",
	 .example = "jumbo",
	 .help = "receive into buffers of this class: small, standard, jumbo or train"},
	{.name = "gro",
	 .read = read_gro,
	 .arg = "on|off",
	 .takes = "on or off",
	 .example = "off",
	 .help = "receive coalesced trains, or do not, whatever --gro says"},
	{.name = "max-age",
	 .read = read_max_age,
	 .arg = "MSEC",
	 .min = 1,
	 .max = RULE_MAX_AGE_MS,
	 .takes = " milliseconds",
	 .example = "200",
	 .help = "drop what has waited longer in the kernel when it is received; nothing\n"
		 "is without it"},
	{.name = "breaker",
	 .read = conf_key_read_breaker,
	 .arg = "on|off|strict",
	 .takes = "on, off or strict",
	 .example = "strict",
	 .help = "keep out what comes back by way of other hosts: once it is sure that it\n"
		 "does (on), never (off), or whatever is repeated at once (strict); on\n"
		 "without it, strict with link-local=yes"},
	{.name = "link-local",
	 .read = conf_key_read_link_local,
	 .rule_wide = true,
	 .arg = "yes|no",
	 .takes = "yes or no",
	 .initial = "no",
	 .example = "yes",
	 .help = "take groups that stay on their link, 224.0.0.0/24 and ff02::/16: for\n"
		 "discovery; they are sent to with TTL 255 unless ttl= says otherwise"},
	{.name = "seq",
	 .read = conf_key_read_seq,
	 .rule_wide = true,
	 .arg = "rtp|moldudp64|hash|FIELD",
	 .takes = "rtp, moldudp64, hash or u8, u16, u32, u64 with be or le @OFFSET[,count=..]"
		  "[,session=LEN@OFFSET]",
	 .example = "u32le@0",
	 .help = "the number by which copies of a datagram are known: of RTP, MoldUDP64,\n"
		 "or a field such as u32be@6,count=u8@10,session=8@0"},
	{.name = "skew",
	 .read = conf_key_read_skew,
	 .rule_wide = true,
	 .arg = "MS",
	 .min = 1,
	 .max = MERGE_MS_MAX,
	 .example = "500",
	 .help = "how long after the first a copy may come; 500 ms without it"},
	{.name = "window",
	 .read = conf_key_read_window,
	 .rule_wide = true,
	 .arg = "N",
	 .min = MERGE_WINDOW_MIN,
	 .max = MERGE_WINDOW_MAX,
	 .takes = ", a power of two",
	 .example = "16384",
	 .help = "how many numbers are remembered; 16384 without it"},
	{.name = "silent",
	 .read = conf_key_read_silent,
	 .rule_wide = true,
	 .arg = "MS",
	 .min = 100,
	 .max = MERGE_MS_MAX,
	 .example = "1000",
	 .help = "a copy that says nothing for so long while another does is silent;\n"
		 "1000 ms without it"},
	{.name = "failover",
	 .read = conf_key_read_failover,
	 .rule_wide = true,
	 .arg = "MS",
	 .min = 1,
	 .max = MERGE_MS_MAX,
	 .example = "500",
	 .help = "for feeds without numbers: the first ingress that was heard within so\n"
		 "long is relayed"},
	{0},
};

static const struct conf_key output_keys[] = {
	{.name = "ttl",
	 .read = conf_key_read_ttl,
	 .arg = "N|keep|dec",
	 .min = 1,
	 .max = UINT8_MAX,
	 .takes = ", keep or dec",
	 .example = "16",
	 .help = "TTL or hop limit sent: keep the one received, or dec it by 1; without it\n"
		 "16, counting down from relay to relay"},
	{.name = "dscp",
	 .read = conf_key_read_dscp,
	 .arg = "N|NAME|keep",
	 .max = RULE_DSCP_MAX,
	 .takes = ", keep, or a name such as EF, AF41, CS5, LE, BE",
	 .example = "AF41",
	 .help = "DSCP sent; 0 without it"},
	{.name = "src",
	 .read = conf_key_read_src,
	 .arg = "ADDR|keep",
	 .takes = "a unicast address without port, or keep",
	 .example = "192.0.2.1",
	 .help = "source address sent from: one of this host's, or the sender's"},
	{.name = "sport",
	 .read = conf_key_read_sport,
	 .arg = "N|keep",
	 .min = 1,
	 .max = UINT16_MAX,
	 .takes = ", a port, or keep",
	 .example = "5000",
	 .help = "source port sent from, or with src=keep the sender's; the kernel\n"
		 "chooses without it"},
	{.name = "rate",
	 .read = conf_key_read_rate,
	 .arg = "BITS",
	 .min = 1,
	 .max = RATE_MAX_BPS,
	 .takes = " bits a second, with k, M or G for powers of 1000",
	 .example = "10M",
	 .help = "at most so many bits of payload a second; what exceeds it is dropped"},
	{.name = "priority",
	 .read = conf_key_read_priority,
	 .arg = "N",
	 .max = RULE_PRIORITY_MAX,
	 .example = "6",
	 .help = "what is served first under pressure, here and (as socket priority) in\n"
		 "the kernel: the higher"},
	{.name = "gso",
	 .read = conf_key_read_gso,
	 .arg = "on|off|auto",
	 .takes = "on, off or auto",
	 .initial = "auto",
	 .example = "off",
	 .help = "send trains to this output, or do not, whatever --gso says"},
	{.name = "df",
	 .read = conf_key_read_df,
	 .arg = "on|off",
	 .takes = "on or off",
	 .initial = "off",
	 .example = "on",
	 .help = "forbid routers to cut datagrams into fragments; what does not fit is lost"},
	{.name = "mtu",
	 .read = conf_key_read_mtu,
	 .arg = "N",
	 .min = RULE_MTU_MIN,
	 .max = UINT16_MAX,
	 .takes = " bytes with headers, in IPv6 1280 at least",
	 .example = "1400",
	 .help = "what the path to the receivers carries; what the kernel knows without it"},
	{.name = "reply",
	 .read = conf_key_read_reply,
	 .arg = "yes|no",
	 .takes = "yes or no",
	 .initial = "no",
	 .example = "yes",
	 .help = "send what comes back to the output's port to who asked last"},
	{.name = "local",
	 .read = conf_key_read_local,
	 .arg = "yes|no",
	 .takes = "yes or no",
	 .initial = "no",
	 .example = "yes",
	 .help = "let this host's own receivers of the group hear it, too"},
	{0},
};

static_assert(sizeof(ingress_keys) / sizeof(ingress_keys[0]) <= 33, "a bit each in `seen'");
static_assert(sizeof(output_keys) / sizeof(output_keys[0]) <= 33, "a bit each in `seen'");

const struct conf_key *conf_keys(enum conf_side side)
{
	return side == CONF_INGRESS ? ingress_keys : output_keys;
}

void conf_set_ingress_initial(struct conf_rule *rule, struct rule_ingress *in)
{
	set_initial(CONF_INGRESS, &(struct conf_target){.rule = rule, .in = in});
}

void conf_set_output_initial(struct rule_output *out)
{
	set_initial(CONF_EGRESS, &(struct conf_target){.out = out});
}

int conf_read_ingress_option(struct conf_cursor *cursor, uint32_t *seen, struct conf_rule *rule,
			     struct rule_ingress *in)
{
	const struct conf_target target = {.rule = rule, .in = in};

	return read_option(cursor, seen, CONF_INGRESS, &target);
}

int conf_read_output_option(struct conf_cursor *cursor, uint32_t *seen, struct rule_output *out)
{
	const struct conf_target target = {.out = out};

	return read_option(cursor, seen, CONF_EGRESS, &target);
}

uint32_t conf_rule_wide_keys(void)
{
	uint32_t bits = 0;

	for (unsigned i = 0; ingress_keys[i].name; i++) {
		bits |= ingress_keys[i].rule_wide ? 1U << i : 0;
	}
	return bits;
}

static void set_initial(enum conf_side side, const struct conf_target *target)
{
	for (const struct conf_key *key = conf_keys(side); key->name; key++) {
		must(!key->initial || key->read(key, target, key->initial) == 0);
	}
}

static int read_option(struct conf_cursor *cursor, uint32_t *seen, enum conf_side side,
		       const struct conf_target *target)
{
	const char *word = cursor->word;
	size_t len = strcspn(word, "=");
	uint32_t bit = 1;

	for (const struct conf_key *key = conf_keys(side); key->name; key++, bit <<= 1) {
		if (word[len] != '=' || strlen(key->name) != len ||
		    memcmp(key->name, word, len) != 0) {
			continue;
		}
		if (*seen & bit) {
			return conf_refuse(
				cursor,
				"'%s' comes after another %s= of the same %s; a key is given once; "
				"remove one of the two",
				cursor->shown, key->name, key->rule_wide ? "rule" : "endpoint");
		}
		if (key->read(key, target, word + len + 1) != 0) {
			return conf_refuse_value(cursor, key);
		}
		*seen |= bit;
		return 0;
	}
	return conf_refuse_unknown(cursor, side);
}

static int read_name(const struct conf_key *key, const struct conf_target *target,
		     const char *value)
{
	size_t len = strlen(value);

	if (len < key->min || len > key->max || value[strspn(value, NAME_BYTES)]) {
		return -EINVAL;
	}
	memcpy(target->rule->name, value, len + 1);
	return 0;
}

static int read_member(const struct conf_key *key, const struct conf_target *target,
		       const char *value)
{
	size_t len = strlen(value);

	if (len < key->min || len > key->max || value[strspn(value, MEMBER_BYTES)]) {
		return -EINVAL;
	}
	memcpy(target->rule->member, value, len + 1);
	return 0;
}

static int read_weight(const struct conf_key *key, const struct conf_target *target,
		       const char *value)
{
	return conf_key_read_u32(key, value, &target->rule->weight);
}

static int read_spread(const struct conf_key *key, const struct conf_target *target,
		       const char *value)
{
	return conf_key_read_u32(key, value, &target->rule->spread);
}

static int read_by(const struct conf_key *key, const struct conf_target *target, const char *value)
{
	(void)key;
	for (int by = SHARE_BY_OUTPUTS; by <= SHARE_BY_CPU; by++) {
		if (strcmp(value, share_by_name((enum share_by)by)) == 0) {
			target->rule->by = (enum share_by)by;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_shard(const struct conf_key *key, const struct conf_target *target,
		      const char *value)
{
	return conf_key_read_u32(key, value, &target->rule->shard);
}

static int read_class(const struct conf_key *key, const struct conf_target *target,
		      const char *value)
{
	(void)key;
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		if (strcmp(value, pool_class_name((enum pool_class)cls)) == 0) {
			target->in->pool_class = (int8_t)cls;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_gro(const struct conf_key *key, const struct conf_target *target, const char *value)
{
	(void)key;
	return conf_key_read_switch(value, &target->in->gro);
}

static int read_max_age(const struct conf_key *key, const struct conf_target *target,
			const char *value)
{
	return conf_key_read_u32(key, value, &target->in->max_age_ms);
}
