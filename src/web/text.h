/* text.h - text that grows while it is made, of which every part is appended.
 *
 * Made for many short parts: nothing is formatted twice, and the memory doubles. Out of memory is
 * remembered, what is appended then is nothing, and text_failed tells. Any thread, on its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: empty. */
struct text {
	char *at; /* ends with a zero byte, once anything was appended */
	size_t len, room;
	bool failed;
};

void text_put(struct text *text, const char *part);
void text_put_bytes(struct text *text, const char *part, size_t len);
void text_put_number(struct text *text, uint64_t number);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool text_failed(const struct text *text);
void text_free(struct text *text);
