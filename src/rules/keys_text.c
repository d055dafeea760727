/* keys_text.c - what is said of keys: what one takes, and why a key=value is refused.
 *
 * Made from the rows of keys.c, so that it cannot forget to say what was expected. Pure, control
 * thread.
 */
#include <stdio.h>
#include <string.h>

#include "src/base/must.h"
#include "src/rules/parse.h"

#define GIGA 1000000000ULL

static void append(char *text, size_t room, const char *word);

const char *conf_key_takes(const struct conf_key *key, char *text, size_t room)
{
	bool giga = key->max > 0 && key->max % GIGA == 0;

	text[0] = '\0';
	if (key->max > 0) {
		snprintf(text, room, "%llu to %llu%s", (unsigned long long)key->min,
			 (unsigned long long)(giga ? key->max / GIGA : key->max), giga ? "G" : "");
	}
	append(text, room, key->takes ? key->takes : "");
	return text;
}

int conf_refuse_value(struct conf_cursor *cursor, const struct conf_key *key)
{
	char takes[CONF_TAKES_MAX];

	return conf_refuse(cursor, "'%s' is not valid; %s= takes %s; write for instance %s=%s",
			   cursor->shown, key->name, conf_key_takes(key, takes, sizeof(takes)),
			   key->name, key->example);
}

int conf_refuse_unknown(struct conf_cursor *cursor, enum conf_side side)
{
	const struct conf_key *keys = conf_keys(side);
	char known[CONF_TAKES_MAX] = "";

	for (const struct conf_key *key = keys; key->name; key++) {
		append(known, sizeof(known), key == keys ? "" : key[1].name ? ", " : " and ");
		append(known, sizeof(known), key->name);
	}
	return conf_refuse(
		cursor,
		"'%s' is not an option of an %s; its options are key=value with the keys %s; check "
		"the spelling%s",
		cursor->shown, side == CONF_INGRESS ? "ingress" : "egress", known,
		strchr(cursor->word, '=') ? "" : ", or the comma before a next egress");
}

/* All words are the table's, so the room is a matter of ours. */
static void append(char *text, size_t room, const char *word)
{
	size_t used = strlen(text), len = strlen(word);

	must(len < room - used);
	memcpy(text + used, word, len + 1);
}
