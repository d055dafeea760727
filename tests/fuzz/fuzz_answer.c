/* fuzz_answer.c - any bytes as what a daemon answers to numacastctl.
 *
 * The first byte chooses the command that was given, the second its subject,
 * the third the size of a screen; then come pieces that end with a byte 0xff,
 * behind which stands a key for `top'. Each answer is printed as the command
 * prints it, with rates since the one before it, and is taken by `top'. What
 * must hold: no crash, and nothing that a terminal would obey reaches it.
 */
#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/must.h"
#include "src/ctl/client.h"
#include "src/ctl/options.h"
#include "src/ctl/present.h"
#include "src/ctl/table.h"
#include "src/ctl/top_layout.h"
#include "src/ctl/top_plain.h"
#include "src/ctl/top_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
	struct client client;
	int daemon;
	struct ctl_opt opt;
	const char *subject;
	json_t *before; /* the last result */
	struct top_state top;
	unsigned columns, lines;
};

/* As a terminal takes it: lines, and no control characters. */
static void judge_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		must(c == '\n' || c >= 0x20);
		must(c != 0x7f);
		must(c != 0xc2 || i + 1 == len || (unsigned char)text[i + 1] >= 0xa0);
	}
}

static void print(const struct bench *bench, const json_t *result)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	must(out);
	must(present_print(&bench->opt, result, out) == 0);
	must(fclose(out) == 0);
	judge_text(text, len);
	free(text);
}

static void draw(struct bench *bench)
{
	struct top_frame frame;

	must(top_frame_init(&frame, bench->columns, bench->lines) == 0);
	top_layout_draw(&bench->top, &frame);
	for (unsigned i = 0; i < frame.lines; i++) {
		char *text = top_frame_text(&frame, i);

		must(text);
		judge_text(text, strlen(text));
		free(text);
	}
	top_frame_free(&frame);
}

static void print_plainly(struct bench *bench, bool json)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	must(out);
	must(top_plain_print(&bench->top, json, out) == 0);
	must(fclose(out) == 0);
	if (!json) {
		judge_text(text, len);
	}
	free(text);
}

static void take(struct bench *bench, json_t *answer)
{
	json_t *result = json_object_get(answer, "result");

	if (!json_is_true(json_object_get(answer, "ok"))) {
		char *why = table_cell(answer, "error.text");

		must(why);
		judge_text(why, strlen(why));
		free(why);
		return;
	}
	print(bench, result);
	if (json_is_object(result)) {
		json_t *copy = json_deep_copy(result);

		must(copy);
		present_add_rates(copy, bench->before);
		print(bench, copy);
		json_decref(copy);
		if (top_state_take(&bench->top, json_incref(result), json_incref(result)) == 0) {
			print_plainly(bench, false);
			print_plainly(bench, true);
		} else {
			top_state_lose(&bench->top, "no answer");
		}
		draw(bench);
	}
	json_decref(bench->before);
	bench->before = json_incref(result);
}

/* False: the connection is of no use any more. */
static bool hear(struct bench *bench, const uint8_t *bytes, size_t len)
{
	json_t *answer = NULL;
	struct err err;
	int rc = 0;

	while (len > 0 && rc == 0) {
		ssize_t sent = send(bench->daemon, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0) {
			bytes += sent;
			len -= (size_t)sent;
		}
		while ((rc = client_take(&bench->client, &answer, &err)) == 0) {
			take(bench, answer);
			json_decref(answer);
		}
		rc = rc == -EAGAIN ? 0 : rc;
	}
	return rc == 0;
}

static void open_bench(struct bench *bench, const uint8_t *how)
{
	unsigned commands = 0, words = 0;
	int ends[2];

	memset(bench, 0, sizeof(*bench));
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	bench->client.fd = ends[0];
	bench->daemon = ends[1];
	while (ctl_commands[commands].table.command) {
		commands++;
	}
	must(commands > 0);
	bench->opt.command = &ctl_commands[how[0] % commands];
	while (bench->opt.command->words && bench->opt.command->words[words]) {
		words++;
	}
	bench->subject = words > 0 ? bench->opt.command->words[how[1] % words] : "rules";
	bench->opt.operands = &bench->subject;
	bench->opt.operand_count = 1;
	top_state_init(&bench->top, how[1] % TOP_VIEWS, 1);
	bench->columns = 1 + how[2] % 16 * 12;
	bench->lines = 1 + how[2] / 16 * 2;
}

static void close_bench(struct bench *bench)
{
	top_state_free(&bench->top);
	json_decref(bench->before);
	close(bench->daemon);
	client_close(&bench->client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench bench;
	bool goes_on = true;

	must(setlocale(LC_CTYPE, "C.UTF-8"));
	if (size < 3) {
		return 0;
	}
	open_bench(&bench, data);
	data += 3;
	size -= 3;
	while (size > 0 && goes_on) {
		const uint8_t *end = memchr(data, 0xff, size);
		size_t len = end ? (size_t)(end - data) : size;
		size_t used = end ? len + 1 + (len + 1 < size) : size;

		goes_on = hear(&bench, data, len);
		if (end && len + 1 < size) {
			(void)top_state_press(&bench.top,
					      end[1] < 0xc0 ? end[1] : TOP_KEY_UP + end[1] - 0xc0u);
			draw(&bench);
		}
		data += used;
		size -= used;
	}
	close_bench(&bench);
	return 0;
}
