/* text.c - see text.h. */
#include "src/web/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN   4096
#define DIGITS_MAX 20 /* of a number of 64 bits */

static bool make_room(struct text *text, size_t len);

void text_put(struct text *text, const char *part)
{
	text_put_bytes(text, part, strlen(part));
}

void text_put_bytes(struct text *text, const char *part, size_t len)
{
	if (make_room(text, len)) {
		memcpy(text->at + text->len, part, len);
		text->len += len;
		text->at[text->len] = '\0';
	}
}

/* By hand: there are hundreds of thousands of them in one answer. */
void text_put_number(struct text *text, uint64_t number)
{
	char digits[DIGITS_MAX];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	text_put_bytes(text, digits + at, sizeof(digits) - at);
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text->failed |= len < 0; /* the C library needs memory for some numbers */
	if (len >= 0 && make_room(text, (size_t)len)) {
		va_start(args, format);
		vsnprintf(text->at + text->len, (size_t)len + 1, format, args);
		va_end(args);
		text->len += (size_t)len;
	}
}

bool text_failed(const struct text *text)
{
	return text->failed;
}

void text_free(struct text *text)
{
	free(text->at);
	*text = (struct text){0};
}

/* For `len' bytes and a zero. */
static bool make_room(struct text *text, size_t len)
{
	size_t room = text->room > 0 ? text->room : ROOM_MIN;
	char *at;

	if (text->failed || text->len + len < text->room) {
		return !text->failed;
	}
	while (room <= text->len + len) {
		room *= 2;
	}
	at = realloc(text->at, room);
	if (!at) {
		text->failed = true;
		return false;
	}
	text->at = at;
	text->room = room;
	return true;
}
