/* keys_output.c - what the keys of an egress are read into. See keys.h. Pure, control thread. */
#include <errno.h>
#include <string.h>

#include "src/base/dscp.h"
#include "src/base/num.h"
#include "src/rules/parse.h"

int conf_key_read_ttl(const struct conf_key *key, const struct conf_target *target,
		      const char *value)
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
	if (conf_key_read_u32(key, value, &ttl) != 0) {
		return -EINVAL;
	}
	target->out->ttl_mode = RULE_TTL_FIXED;
	target->out->ttl = (uint8_t)ttl;
	return 0;
}

int conf_key_read_dscp(const struct conf_key *key, const struct conf_target *target,
		       const char *value)
{
	uint8_t dscp;
	int rc;

	if (strcmp(value, "keep") == 0) {
		target->out->dscp = RULE_DSCP_KEEP;
		return 0;
	}
	rc = dscp_parse(value, &dscp);
	rc = rc == 0 && dscp > key->max ? -EINVAL : rc;
	if (rc == 0) {
		target->out->dscp = (int8_t)dscp;
	}
	return rc;
}

int conf_key_read_sport(const struct conf_key *key, const struct conf_target *target,
			const char *value)
{
	uint32_t port;
	int rc;

	if (strcmp(value, "keep") == 0) {
		target->out->sport_keep = true;
		return 0;
	}
	rc = conf_key_read_u32(key, value, &port);
	if (rc == 0) {
		target->out->sport = (uint16_t)port;
	}
	return rc;
}

int conf_key_read_rate(const struct conf_key *key, const struct conf_target *target,
		       const char *value)
{
	return num_parse_rate(value, key->min, key->max, &target->out->rate_bps);
}

int conf_key_read_priority(const struct conf_key *key, const struct conf_target *target,
			   const char *value)
{
	uint32_t priority;
	int rc = conf_key_read_u32(key, value, &priority);

	if (rc == 0) {
		target->out->priority = (int8_t)priority;
	}
	return rc;
}

int conf_key_read_gso(const struct conf_key *key, const struct conf_target *target,
		      const char *value)
{
	(void)key;
	if (strcmp(value, "auto") == 0) {
		target->out->gso = RULE_AUTO;
		return 0;
	}
	return conf_key_read_switch(value, &target->out->gso);
}

int conf_key_read_df(const struct conf_key *key, const struct conf_target *target,
		     const char *value)
{
	(void)key;
	return conf_key_read_switch(value, &target->out->df);
}

int conf_key_read_mtu(const struct conf_key *key, const struct conf_target *target,
		      const char *value)
{
	uint32_t mtu;
	int rc = conf_key_read_u32(key, value, &mtu);

	if (rc == 0) {
		target->out->mtu = (uint16_t)mtu;
	}
	return rc;
}

int conf_key_read_reply(const struct conf_key *key, const struct conf_target *target,
			const char *value)
{
	(void)key;
	return conf_key_read_yes(value, &target->out->reply);
}

int conf_key_read_local(const struct conf_key *key, const struct conf_target *target,
			const char *value)
{
	(void)key;
	return conf_key_read_yes(value, &target->out->local);
}
