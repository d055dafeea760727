/* commands_line.c - see commands_line.h. Without memory for JSON there is one refusal that needs
 * none. */
#include "src/run/commands_line.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/json_reserve.h"
#include "src/base/must.h"
#include "src/run/answer.h"
#include "src/run/commands.h"
#include "src/run/report_put.h"

#define CODE_OF(id, code) [PROTOCOL_REFUSED_##id] = (code),

static char *too_long(json_t *answer, size_t *out_len);
static char *no_memory(json_t *answer, size_t *out_len);
static char *text_of(const json_t *answer, size_t *out_len);

static const char *const refusal_codes[] = {PROTOCOL_REFUSALS(CODE_OF)};

json_t *commands_line_success(json_t *id, json_t *command, json_t *result)
{
	return json_pack("{s:i, s:b, s:O*, s:O, s:O}", "version", PROTOCOL_VERSION, "ok", 1, "id",
			 id, "command", command, "result", result);
}

json_t *commands_line_refusal(const json_t *id, enum protocol_refusal code, const char *text)
{
	must(code > PROTOCOL_DONE && code < PROTOCOL_REFUSAL_COUNT);
	if (!json_is_string(id) && !json_is_integer(id)) {
		id = NULL;
	}
	return json_pack("{s:i, s:b, s:O*, s:{s:s, s:o}}", "version", PROTOCOL_VERSION, "ok", 0,
			 "id", id, "error", "code", refusal_codes[code], "text", report_text(text));
}

char *commands_line_of(json_t *answer, size_t *out_len)
{
	size_t len = 0;
	char *line = text_of(answer, &len);

	if (json_reserve_was_short()) {
		free(line);
		return no_memory(answer, out_len);
	}
	if (line && len > PROTOCOL_ANSWER_MAX) {
		free(line);
		return too_long(answer, out_len);
	}
	json_decref(answer);
	if (line) {
		line[len] = '\n'; /* in the place of the zero byte */
		*out_len = len + 1;
	}
	return line;
}

char *commands_line_with_rows(json_t *answer, json_t *result, struct answer *rows, size_t *out_len)
{
	size_t rows_len = 0, head_len = 0, room;
	char *head = text_of(answer, &head_len), *line;
	const char *text = answer_rows(rows, &rows_len), *name = commands_show_name(rows);

	json_decref(result);
	if (head && text && rows_len + head_len > PROTOCOL_ANSWER_MAX) {
		free(head);
		return too_long(answer, out_len);
	}
	room = head_len + rows_len + strlen(name) + sizeof(",\"\":[]}}\n");
	line = head && text && !json_reserve_was_short() ? malloc(room) : NULL;
	if (!line) {
		free(head);
		return no_memory(answer, out_len);
	}
	json_decref(answer);
	must(head_len > 2 && memcmp(head + head_len - 2, "}}", 2) == 0);
	*out_len = (size_t)snprintf(line, room, "%.*s,\"%s\":[", (int)head_len - 2, head, name);
	memcpy(line + *out_len, text, rows_len);
	*out_len += rows_len;
	*out_len += (size_t)snprintf(line + *out_len, room - *out_len, "]}}\n");
	free(head);
	return line;
}

/* Takes `answer'. */
static char *too_long(json_t *answer, size_t *out_len)
{
	json_t *instead =
		commands_line_refusal(json_object_get(answer, "id"), PROTOCOL_REFUSED_TOO_LONG,
				      "the answer is longer than 64 MiB; expected less to be asked "
				      "for; name the rules to show");

	json_decref(answer);
	return commands_line_of(instead, out_len);
}

/* Takes `answer', which may be NULL. With its id, if there is memory for it by now. */
static char *no_memory(json_t *answer, size_t *out_len)
{
	json_t *id = json_incref(json_object_get(answer, "id")), *instead;
	char *line;

	json_decref(answer);
	json_reserve_begin();
	instead = commands_line_refusal(id, PROTOCOL_REFUSED_FAILED, COMMANDS_LINE_NO_MEMORY);
	json_decref(id);
	line = text_of(instead, out_len);
	json_decref(instead);
	if (line && !json_reserve_was_short()) {
		line[(*out_len)++] = '\n';
		return line;
	}
	free(line);
	if (asprintf(&line,
		     "{\"version\":%d,\"ok\":false,\"error\":{\"code\":\"%s\",\"text\":\"%s\"}}\n",
		     PROTOCOL_VERSION, refusal_codes[PROTOCOL_REFUSED_FAILED],
		     COMMANDS_LINE_NO_MEMORY) < 0) {
		return NULL;
	}
	*out_len = strlen(line);
	return line;
}

/* With a zero byte behind it, to be freed. NULL: out of memory. */
static char *text_of(const json_t *answer, size_t *out_len)
{
	size_t len = answer ? json_dumpb(answer, NULL, 0, JSON_COMPACT) : 0;
	char *text = len > 0 ? malloc(len + 1) : NULL;

	if (text && json_dumpb(answer, text, len, JSON_COMPACT) != len) {
		free(text); /* it needs memory to write, too */
		return NULL;
	}
	if (text) {
		text[len] = '\0';
		*out_len = len;
	}
	return text;
}
