/* keys_value.c - values that several keys of rules take. See keys.h. Pure, control thread. */
#include <errno.h>
#include <string.h>

#include "src/base/num.h"
#include "src/rules/keys.h"

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
