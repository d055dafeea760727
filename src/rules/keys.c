/* keys.c - reads one key=value of an ingress or an egress.
 *
 * Carries no step itself: these values steer the plan (step 2), the receive (steps 3 to 7) and the
 * send (steps 9 and 10). Each key is one row of a table: its reader, what it takes, an example;
 * the refusals are made from the row, so they cannot forget to say what was expected. Units: as in
 * shard/rule.h. Pure, control thread.
 */
#include "src/rules/parse.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "shard/limits.h"
#include "shard/pool.h"
#include "src/base/dscp.h"
#include "src/base/num.h"

#define RATE_MAX_BPS (1000ULL * 1000 * 1000 * 1000) /* 1 Tbit/s */
#define NAME_BYTES   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/+-"

/* What the options of one endpoint are written to. */
struct target {
	struct conf_rule *rule;  /* ingress only */
	struct rule_ingress *in; /* ingress only */
	struct rule_output *out; /* egress only */
};

struct key {
	const char *name;
	int (*read)(const struct target *target, const char *value); /* 0 or -errno */
	const char *takes;
	const char *example;
};

static int read_name(const struct target *target, const char *value);
static int read_weight(const struct target *target, const char *value);
static int read_spread(const struct target *target, const char *value);
static int read_shard(const struct target *target, const char *value);
static int read_class(const struct target *target, const char *value);
static int read_gro(const struct target *target, const char *value);
static int read_ttl(const struct target *target, const char *value);
static int read_dscp(const struct target *target, const char *value);
static int read_src(const struct target *target, const char *value);
static int read_sport(const struct target *target, const char *value);
static int read_rate(const struct target *target, const char *value);
static int read_priority(const struct target *target, const char *value);
static int read_gso(const struct target *target, const char *value);
static int read_option(struct conf_cursor *cursor, uint32_t *seen, const struct key *keys,
		       const struct target *target);

static const struct key ingress_keys[] = {
	{"name", read_name, "1 to 63 letters, digits and . _ : / + -", "name=studio-1"},
	{"weight", read_weight, "1 to 1000000", "weight=10"},
	{"spread", read_spread, "1 to 64 shards", "spread=2"},
	{"shard", read_shard, "a shard's number, 0 to 1023", "shard=0"},
	{"class", read_class, "small, standard, jumbo or train", "class=jumbo"},
	{"gro", read_gro, "on or off", "gro=off"},
	{0},
};

static const struct key output_keys[] = {
	{"ttl", read_ttl, "1 to 255, keep or dec", "ttl=16"},
	{"dscp", read_dscp, "0 to 63, keep, or a name such as EF, AF41, CS5, LE, BE", "dscp=AF41"},
	{"src", read_src, "a unicast address without port, or keep", "src=192.0.2.1"},
	{"sport", read_sport, "a port, 1 to 65535", "sport=5000"},
	{"rate", read_rate, "1 to 1000G bits a second, with k, M or G for powers of 1000",
	 "rate=10M"},
	{"priority", read_priority, "0 to 7", "priority=6"},
	{"gso", read_gso, "on, off or auto", "gso=off"},
	{0},
};

static_assert(CONF_SPREAD_MAX == 64, "the table above says 64");
static_assert(SHARDS_MAX == 1024, "the table above says 1023");
static_assert(CONF_NAME_MAX == 64, "the table above says 63");

int conf_read_ingress_option(struct conf_cursor *cursor, uint32_t *seen, struct conf_rule *rule,
			     struct rule_ingress *in)
{
	const struct target target = {.rule = rule, .in = in};

	return read_option(cursor, seen, ingress_keys, &target);
}

int conf_read_output_option(struct conf_cursor *cursor, uint32_t *seen, struct rule_output *out)
{
	const struct target target = {.out = out};

	return read_option(cursor, seen, output_keys, &target);
}

static int refuse_unknown(struct conf_cursor *cursor, const struct key *keys,
			  const struct target *target)
{
	char known[128] = "";

	for (const struct key *key = keys; key->name; key++) {
		strcat(strcat(known, key == keys ? "" : key[1].name ? ", " : " and "), key->name);
	}
	return conf_refuse(
		cursor,
		"'%s' is not an option of an %s; its options are key=value with the keys %s; check "
		"the spelling%s",
		cursor->shown, target->in ? "ingress" : "egress", known,
		strchr(cursor->word, '=') ? "" : ", or the comma before a next egress");
}

static int read_option(struct conf_cursor *cursor, uint32_t *seen, const struct key *keys,
		       const struct target *target)
{
	const char *word = cursor->word;
	size_t len = strcspn(word, "=");
	uint32_t bit = 1;

	for (const struct key *key = keys; key->name; key++, bit <<= 1) {
		if (word[len] != '=' || strlen(key->name) != len ||
		    memcmp(key->name, word, len) != 0) {
			continue;
		}
		if (*seen & bit) {
			return conf_refuse(
				cursor,
				"'%s' comes after another %s= of the same endpoint; a key is given "
				"once; remove one of the two",
				cursor->shown, key->name);
		}
		if (key->read(target, word + len + 1) != 0) {
			return conf_refuse(cursor,
					   "'%s' is not valid; %s= takes %s; write for instance %s",
					   cursor->shown, key->name, key->takes, key->example);
		}
		*seen |= bit;
		return 0;
	}
	return refuse_unknown(cursor, keys, target);
}

static int read_name(const struct target *target, const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len >= CONF_NAME_MAX || value[strspn(value, NAME_BYTES)]) {
		return -EINVAL;
	}
	memcpy(target->rule->name, value, len + 1);
	return 0;
}

static int read_u32(const char *value, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t number;
	int rc = num_parse(value, min, max, &number);

	if (rc == 0) {
		*out = (uint32_t)number;
	}
	return rc;
}

static int read_weight(const struct target *target, const char *value)
{
	return read_u32(value, 1, 1000000, &target->rule->weight);
}

static int read_spread(const struct target *target, const char *value)
{
	return read_u32(value, 1, CONF_SPREAD_MAX, &target->rule->spread);
}

static int read_shard(const struct target *target, const char *value)
{
	return read_u32(value, 0, SHARDS_MAX - 1, &target->rule->shard);
}

static int read_class(const struct target *target, const char *value)
{
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		if (strcmp(value, pool_class_name((enum pool_class)cls)) == 0) {
			target->in->pool_class = (int8_t)cls;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_switch(const char *value, int8_t *out)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) {
		return -EINVAL;
	}
	*out = value[1] == 'n';
	return 0;
}

static int read_gro(const struct target *target, const char *value)
{
	return read_switch(value, &target->in->gro);
}

static int read_ttl(const struct target *target, const char *value)
{
	uint32_t ttl;

	if (strcmp(value, "keep") == 0) {
		target->out->ttl_mode = RULE_TTL_KEEP;
		return 0;
	}
	if (strcmp(value, "dec") == 0) {
		target->out->ttl_mode = RULE_TTL_DEC;
		return 0;
	}
	if (read_u32(value, 1, 255, &ttl) != 0) {
		return -EINVAL;
	}
	target->out->ttl_mode = RULE_TTL_FIXED;
	target->out->ttl = (uint8_t)ttl;
	return 0;
}

static int read_dscp(const struct target *target, const char *value)
{
	uint8_t dscp;
	int rc;

	if (strcmp(value, "keep") == 0) {
		target->out->dscp = RULE_DSCP_KEEP;
		return 0;
	}
	rc = dscp_parse(value, &dscp);
	if (rc == 0) {
		target->out->dscp = (int8_t)dscp;
	}
	return rc;
}

/* Brackets around IPv6 are allowed, since endpoints need them. Whether it is a host's address and
 * of the egress's family is seen when the endpoint is complete (conf.c). */
static int read_src(const struct target *target, const char *value)
{
	char text[CONF_WORD_MAX];
	size_t len = strlen(value);
	bool bracketed = len >= 2 && value[0] == '[' && value[len - 1] == ']';
	struct addr addr;

	if (strcmp(value, "keep") == 0) {
		target->out->src_keep = true;
		return 0;
	}
	if (bracketed) {
		value++;
		len -= 2;
	}
	memcpy(text, value, len);
	text[len] = '\0';
	if (addr_parse_ip(text, &addr) != 0 || addr_is_multicast(&addr) ||
	    (bracketed && addr.family == AF_INET)) {
		return -EINVAL;
	}
	target->out->src = addr;
	return 0;
}

static int read_sport(const struct target *target, const char *value)
{
	uint32_t port;
	int rc = read_u32(value, 1, UINT16_MAX, &port);

	if (rc == 0) {
		target->out->sport = (uint16_t)port;
	}
	return rc;
}

static int read_rate(const struct target *target, const char *value)
{
	return num_parse_rate(value, 1, RATE_MAX_BPS, &target->out->rate_bps);
}

static int read_priority(const struct target *target, const char *value)
{
	uint32_t priority;
	int rc = read_u32(value, 0, 7, &priority);

	if (rc == 0) {
		target->out->priority = (int8_t)priority;
	}
	return rc;
}

static int read_gso(const struct target *target, const char *value)
{
	if (strcmp(value, "auto") == 0) {
		target->out->gso = RULE_AUTO;
		return 0;
	}
	return read_switch(value, &target->out->gso);
}
