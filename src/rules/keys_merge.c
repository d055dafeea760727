/* keys_merge.c - the keys that say how copies of a feed become one: seq= and those beside it.
 *
 * What they mean together is seen when all ingresses of the rule are known (legs.c). Pure, control
 * thread.
 */
#include <errno.h>
#include <string.h>

#include "src/base/num.h"
#include "src/rules/parse.h"

#define PART_MAX 32 /* of a field as written, and its zero byte */

static int read_parts(const char *parts, struct sequence_rule *out);
static int read_part(const char *part, struct sequence_rule *out);
static int read_field(const char *text, struct sequence_field *out);
static int read_session(const char *text, struct sequence_rule *out);

int conf_key_read_seq(const struct conf_key *key, const struct conf_target *target,
		      const char *value)
{
	struct sequence_rule rule = {0};
	int rc = 0;

	(void)key;
	if (strcmp(value, "rtp") == 0) {
		rule = sequence_rtp;
	} else if (strcmp(value, "moldudp64") == 0) {
		rule = sequence_moldudp64;
	} else if (strcmp(value, "hash") != 0) {
		rc = read_parts(value, &rule);
	}
	if (rc == 0) {
		target->rule->merge.sequence = rule;
		target->rule->merge.method =
			rule.number.bytes > 0 ? MERGE_BY_NUMBER : MERGE_BY_HASH;
	}
	return rc;
}

int conf_key_read_skew(const struct conf_key *key, const struct conf_target *target,
		       const char *value)
{
	return conf_key_read_u32(key, value, &target->rule->merge.skew_ms);
}

int conf_key_read_silent(const struct conf_key *key, const struct conf_target *target,
			 const char *value)
{
	return conf_key_read_u32(key, value, &target->rule->merge.silent_ms);
}

int conf_key_read_failover(const struct conf_key *key, const struct conf_target *target,
			   const char *value)
{
	return conf_key_read_u32(key, value, &target->rule->merge.failover_ms);
}

int conf_key_read_window(const struct conf_key *key, const struct conf_target *target,
			 const char *value)
{
	uint32_t window;
	int rc = conf_key_read_u32(key, value, &window);

	if (rc == 0 && (window & (window - 1)) != 0) {
		rc = -EINVAL;
	}
	if (rc == 0) {
		target->rule->merge.window = window;
	}
	return rc;
}

/* FIELD[,count=FIELD][,session=LEN@OFFSET] */
static int read_parts(const char *parts, struct sequence_rule *out)
{
	bool first = true;

	for (;;) {
		char part[PART_MAX];
		size_t len = strcspn(parts, ",");
		int rc;

		if (len >= sizeof(part)) {
			return -EINVAL;
		}
		memcpy(part, parts, len);
		part[len] = '\0';
		rc = first ? read_field(part, &out->number) : read_part(part, out);
		if (rc < 0 || parts[len] == '\0') {
			return rc;
		}
		first = false;
		parts += len + 1;
	}
}

static int read_part(const char *part, struct sequence_rule *out)
{
	static const char count[] = "count=", session[] = "session=";

	if (strncmp(part, count, strlen(count)) == 0 && out->count.bytes == 0) {
		return read_field(part + strlen(count), &out->count);
	}
	if (strncmp(part, session, strlen(session)) == 0 && out->session_bytes == 0) {
		return read_session(part + strlen(session), out);
	}
	return -EINVAL;
}

/* u16be@2: its width in bits, its order unless it is one byte, and where it stands. */
static int read_field(const char *text, struct sequence_field *out)
{
	static const struct {
		const char *name;
		uint8_t bytes;
		bool little;
	} kinds[] = {
		{"u8@", 1, false},    {"u16be@", 2, false}, {"u16le@", 2, true},
		{"u32be@", 4, false}, {"u32le@", 4, true},  {"u64be@", 8, false},
		{"u64le@", 8, true},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].name);
		uint64_t offset;

		if (strncmp(text, kinds[i].name, len) != 0) {
			continue;
		}
		if (num_parse(text + len, 0, SEQUENCE_OFFSET_MAX, &offset) != 0) {
			return -EINVAL;
		}
		*out = (struct sequence_field){.bytes = kinds[i].bytes,
					       .offset = (uint8_t)offset,
					       .little = kinds[i].little};
		return 0;
	}
	return -EINVAL;
}

static int read_session(const char *text, struct sequence_rule *out)
{
	char bytes_text[PART_MAX];
	size_t len = strcspn(text, "@");
	uint64_t bytes, offset;

	if (text[len] == '\0') {
		return -EINVAL;
	}
	memcpy(bytes_text, text, len);
	bytes_text[len] = '\0';
	if (num_parse(bytes_text, 1, SEQUENCE_SESSION_MAX, &bytes) != 0 ||
	    num_parse(text + len + 1, 0, SEQUENCE_OFFSET_MAX, &offset) != 0) {
		return -EINVAL;
	}
	out->session_bytes = (uint8_t)bytes;
	out->session_offset = (uint8_t)offset;
	return 0;
}
