/* commands_line.h - the answer to a request, and the line that it is sent as.
 *
 * A line is told as it is only if all that was built since json_reserve_begin() is whole;
 * otherwise, and where it is too long, it is a refusal. Control thread.
 */
#pragma once

#include <stddef.h>

#include "src/base/protocol.h"

struct answer;
struct json_t;

/* What is told of an order that may have been carried out, too. */
#define COMMANDS_LINE_NO_MEMORY \
	"answer: out of memory; ask for less; show changes tells what was done"

/* An answer; NULL: out of memory. What it is made of is shared; `id' may be NULL. */
struct json_t *commands_line_success(struct json_t *id, struct json_t *command,
				     struct json_t *result);
struct json_t *commands_line_refusal(const struct json_t *id, enum protocol_refusal code,
				     const char *text);

/* Its line, with its end, to be freed; takes `answer'. NULL: there is no memory for a line; what
 * was ordered may be done, so this is no refusal, and the client is left. */
char *commands_line_of(struct json_t *answer, size_t *out_len);

/* The same as if `result', the last member of `answer', had the rows. Takes both. */
char *commands_line_with_rows(struct json_t *answer, struct json_t *result, struct answer *rows,
			      size_t *out_len);
