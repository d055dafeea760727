/* keys_value.c - values that several keys of rules take. See keys.h. Pure, control thread. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/num.h"
#include "src/rules/parse.h"

int conf_key_read_u32(const struct conf_key *key, const char *value, uint32_t *out)
{
	uint64_t number;
	int rc = num_parse(value, key->min, key->max, &number);

	if (rc == 0) {
		*out = (uint32_t)number;
	}
	return rc;
}

int conf_key_read_switch(const char *value, int8_t *out)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) {
		return -EINVAL;
	}
	*out = value[1] == 'n';
	return 0;
}

int conf_key_read_yes(const char *value, bool *out)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
		return -EINVAL;
	}
	*out = value[0] == 'y';
	return 0;
}

int conf_key_read_breaker(const struct conf_key *key, const struct conf_target *target,
			  const char *value)
{
	static const char *const words[] = {[RULE_BREAKER_OFF] = "off",
					    [RULE_BREAKER_ON] = "on",
					    [RULE_BREAKER_STRICT] = "strict"};

	(void)key;
	for (int mode = RULE_BREAKER_OFF; mode <= RULE_BREAKER_STRICT; mode++) {
		if (strcmp(value, words[mode]) == 0) {
			target->in->breaker = (int8_t)mode;
			return 0;
		}
	}
	return -EINVAL;
}

int conf_key_read_link_local(const struct conf_key *key, const struct conf_target *target,
			     const char *value)
{
	(void)key;
	return conf_key_read_yes(value, &target->rule->link_local);
}

/* Brackets around IPv6 are allowed, since endpoints need them. Whether it is a host's address and
 * of the egress's family is seen when the endpoint is complete (conf.c). */
int conf_key_read_src(const struct conf_key *key, const struct conf_target *target,
		      const char *value)
{
	char text[CONF_WORD_MAX];
	size_t len = strlen(value);
	bool bracketed = len >= 2 && value[0] == '[' && value[len - 1] == ']';
	struct addr addr;

	(void)key;
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

int conf_key_read_fast(const struct conf_key *key, const struct conf_target *target,
		       const char *value)
{
	(void)key;
	return conf_key_read_switch(value, &target->rule->fast);
}
