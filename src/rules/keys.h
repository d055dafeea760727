/* keys.h - the keys of a rule, key=value behind an endpoint: one row each.
 *
 * Help, the refusals, the defaults and the tests read these rows; the rest of the program sees
 * only what they were read into (conf.h, shard/rule.h). Constant data, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_side {
	CONF_INGRESS,
	CONF_EGRESS
};

/* What a key is read into; see keys.c. */
struct conf_target;

struct conf_key;

/* 0 with the value stored, or -errno with nothing changed. */
typedef int conf_key_read(const struct conf_key *key, const struct conf_target *target,
			  const char *value);

struct conf_key {
	const char *name;
	conf_key_read *read;
	const char *arg;     /* as help shows it: "N" */
	uint64_t min, max;   /* of a number or a length; max 0: there are no bounds */
	const char *takes;   /* what else it takes, behind the bounds in refusals; NULL: nothing */
	const char *initial; /* the default, read like a value; NULL: it is not set */
	const char *example; /* a valid value */
	const char *help;    /* lines, separated by '\n' */
	bool rule_wide;      /* it stands once a rule, behind any of its ingresses */
};

/* The keys of that side, in the order of help; ends with a row without a name. */
const struct conf_key *conf_keys(enum conf_side side);

/* In keys_text.c. What `key' takes, in words: "1 to 255, keep or dec", in `text' of `room' bytes;
 * `text'. */
const char *conf_key_takes(const struct conf_key *key, char *text, size_t room);

/* keys_value.c: a number within the key's bounds, on or off, yes or no. 0 or -EINVAL. */
int conf_key_read_u32(const struct conf_key *key, const char *value, uint32_t *out);
int conf_key_read_switch(const char *value, int8_t *out);
int conf_key_read_yes(const char *value, bool *out);
