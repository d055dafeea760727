/* parse.c - cuts a rule into words and gives every refusal its form.
 *
 * It runs before any shard exists. A rule is words, `->' and `,'; blanks separate words and are
 * optional around the other two, so that `239.1.1.1%eth0:5000->239.2.2.2%eth1:6000' is three
 * tokens. Only within seq= a comma stands for itself. conf_add_rule has made sure that only
 * printable ASCII and blanks come here. Pure, control thread.
 */
#include "src/rules/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t\r\n\v\f"

static bool at_arrow(const char *text);
static void show_word(struct conf_cursor *cursor, size_t len);

int conf_next(struct conf_cursor *cursor)
{
	const char *at = cursor->at + strspn(cursor->at, BLANKS);
	const char *stops;
	size_t len = 0;

	cursor->at = at;
	if (!*at) {
		return CONF_TOKEN_END;
	}
	if (*at == ',') {
		cursor->at = at + 1;
		return CONF_TOKEN_COMMA;
	}
	if (at_arrow(at)) {
		cursor->at = at + 2;
		return CONF_TOKEN_ARROW;
	}
	stops = strncmp(at, "seq=", 4) == 0 ? BLANKS : BLANKS ",";
	while (at[len] && !strchr(stops, at[len]) && !at_arrow(at + len)) {
		len++;
	}
	if (len >= sizeof(cursor->word)) {
		return conf_refuse(
			cursor,
			"the word that begins '%.32s' is too long; no endpoint or option has more "
			"than %zu characters; is a blank or a comma missing?",
			at, sizeof(cursor->word) - 1);
	}
	memcpy(cursor->word, at, len);
	cursor->word[len] = '\0';
	show_word(cursor, len);
	cursor->at = at + len;
	return CONF_TOKEN_WORD;
}

int conf_refuse(struct conf_cursor *cursor, const char *format, ...)
{
	char text[sizeof(cursor->err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(cursor->err, "%s: %s", cursor->where, text);
	return -EINVAL;
}

static bool at_arrow(const char *text)
{
	return text[0] == '-' && text[1] == '>';
}

static void show_word(struct conf_cursor *cursor, size_t len)
{
	size_t room = sizeof(cursor->shown);

	if (len < room) {
		memcpy(cursor->shown, cursor->word, len + 1);
	} else {
		memcpy(cursor->shown, cursor->word, room - sizeof("..."));
		memcpy(cursor->shown + room - sizeof("..."), "...", sizeof("..."));
	}
}
