/* order.c - see order.h. */
#include "src/ctl/order.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/clock.h"
#include "src/base/json_reserve.h"
#include "src/base/out.h"
#include "src/ctl/table.h"
#include "src/ctl/present.h"

static json_t *request_of(const struct ctl_opt *opt);
static json_t *words_of(const struct ctl_opt *opt, size_t first);
static bool add_duty(json_t *request, const struct ctl_opt *opt);
static bool add_ms(json_t *request, const char *name, uint64_t ms);
static bool add_marks(json_t *request, const char *path);
static bool add_file(json_t *request, const char *path);
static char *read_file(const char *command, const char *path, size_t *out_len);
static enum ctl_status ask(struct client *client, const json_t *request, const char *where,
			   json_t **out);
static enum ctl_status watch(struct client *client, const struct ctl_opt *opt,
			     const json_t *request, const char *where);
static void sleep_ns(uint64_t ns);
static enum ctl_status print(const struct ctl_opt *opt, const json_t *result, const char *where);
static enum ctl_status after(struct client *client, const struct ctl_opt *opt, const json_t *result,
			     const char *where);

enum ctl_status order_do(struct client *client, const struct ctl_opt *opt, const char *where)
{
	json_t *request, *result = NULL;
	enum ctl_status status;

	json_reserve_begin();
	request = request_of(opt);
	if (json_reserve_was_short()) {
		json_decref(request);
		fprintf(stderr, "%s: the request cannot be made: out of memory\n", where);
		return CTL_FAILED;
	}
	if (!request) {
		fprintf(stderr,
			"%s: the request cannot be made; expected words and files of UTF-8\n",
			where);
		return CTL_USAGE;
	}
	client->timeout_ns += opt->window_ns;
	if (opt->watch_ns > 0 || opt->rates) {
		status = watch(client, opt, request, where);
	} else {
		status = ask(client, request, where, &result);
		status = status == CTL_OK ? print(opt, result, where) : status;
		status = status == CTL_OK ? after(client, opt, result, where) : status;
	}
	client->timeout_ns -= opt->window_ns;
	json_decref(result);
	json_decref(request);
	return status;
}

/* NULL: a word is no UTF-8, or there is no memory. */
static json_t *request_of(const struct ctl_opt *opt)
{
	json_t *request = json_pack("{s:i, s:s}", "version", PROTOCOL_VERSION, "command",
				    opt->command->table.command);
	bool good = request != NULL;

	if (opt->command->id == PROTOCOL_COMMAND_SHOW) {
		good = good &&
		       json_object_set_new(request, "what", json_string(opt->operands[0])) == 0;
		if (opt->operand_count > 1) {
			good = good && json_object_set_new(request, "rules", words_of(opt, 1)) == 0;
		}
	} else if (opt->command->id == PROTOCOL_COMMAND_LOG_LEVEL && opt->operand_count > 0) {
		good = good &&
		       json_object_set_new(request, "level", json_string(opt->operands[0])) == 0;
	} else if (opt->command->id == PROTOCOL_COMMAND_REBALANCE) {
		good = good &&
		       json_object_set_new(request, "dry_run", json_boolean(opt->dry_run)) == 0 &&
		       json_object_set_new(request, "window_s",
					   json_real((double)opt->window_ns / NS_PER_S)) == 0;
	} else if (opt->command->id == PROTOCOL_COMMAND_REPLACE) {
		good = good && add_file(request, opt->operands[0]);
	} else if (opt->operand_count > 0) {
		const char *key = opt->command->id == PROTOCOL_COMMAND_ADD ? "rules" : "names";

		good = good && json_object_set_new(request, key, words_of(opt, 0)) == 0;
	}
	good = good && add_duty(request, opt);
	if (!good) {
		json_decref(request);
	}
	return good ? request : NULL;
}

/* What active, standby and hold have beside names. */
static bool add_duty(json_t *request, const struct ctl_opt *opt)
{
	switch (opt->command->id) {
	case PROTOCOL_COMMAND_ACTIVE:
		return !opt->after || add_marks(request, opt->after);
	case PROTOCOL_COMMAND_STANDBY:
		if (opt->marks &&
		    json_object_set_new(request, "marks", json_boolean(opt->marks)) < 0) {
			return false;
		}
		return opt->overlap_ms == 0 || add_ms(request, "overlap_ms", opt->overlap_ms);
	case PROTOCOL_COMMAND_HOLD:
		return add_ms(request, "for_ms", opt->for_ms);
	default:
		return true;
	}
}

static bool add_ms(json_t *request, const char *name, uint64_t ms)
{
	return json_object_set_new(request, name, json_integer((json_int_t)ms)) == 0;
}

/* As `standby --marks' has printed them. */
static bool add_marks(json_t *request, const char *path)
{
	json_error_t why;
	size_t len = 0;
	char *text = read_file("active", path, &len);
	json_t *marks = text ? json_loadb(text, len, 0, &why) : NULL;
	bool good = json_is_array(json_object_get(marks, "marks")) &&
		    json_is_integer(json_object_get(marks, "since_ns"));

	if (text && !good && !json_reserve_was_short()) {
		fprintf(stderr,
			"numacastctl: active: %s: %s; expected what `standby --marks' has "
			"printed\n",
			path, marks ? "there are no marks in it" : why.text);
	}
	good = good && json_object_set(request, "marks", json_object_get(marks, "marks")) == 0 &&
	       json_object_set(request, "since_ns", json_object_get(marks, "since_ns")) == 0;
	json_decref(marks);
	free(text);
	return good;
}

/* The operands from `first' on; NULL: one is no UTF-8. */
static json_t *words_of(const struct ctl_opt *opt, size_t first)
{
	json_t *words = json_array();

	for (size_t i = first; i < opt->operand_count; i++) {
		if (json_array_append_new(words, json_string(opt->operands[i])) < 0) {
			json_decref(words);
			return NULL;
		}
	}
	return words;
}

/* What is in the file, and its name for messages. */
static bool add_file(json_t *request, const char *path)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	size_t len = 0;
	char *text = read_file("replace", path, &len);
	bool good = text && json_object_set_new(request, "text", json_stringn(text, len)) == 0 &&
		    json_object_set_new(request, "name", json_string(name)) == 0;

	free(text);
	return good;
}

/* What is in the file, or comes by standard input; it was told when there is none. One that is too
 * long is cut one byte behind what the daemon takes, and refused there. */
static char *read_file(const char *command, const char *path, size_t *out_len)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	char *text = file ? malloc(PROTOCOL_REPLACE_MAX + 1) : NULL;

	if (text) {
		*out_len = fread(text, 1, PROTOCOL_REPLACE_MAX + 1, file);
	}
	if (!text || ferror(file)) {
		fprintf(stderr, "numacastctl: %s: %s: cannot read: %s\n", command, path,
			strerror(errno));
		free(text);
		text = NULL;
	}
	if (file && !is_stdin) {
		fclose(file);
	}
	return text;
}

/* The result, when there is one. */
static enum ctl_status ask(struct client *client, const json_t *request, const char *where,
			   json_t **out)
{
	json_t *answer = NULL;
	struct err err;
	char *text;

	if (client_ask(client, request, &answer, &err) < 0) {
		fprintf(stderr, "%s: %s\n", where, err.text);
		return CTL_UNREACHABLE;
	}
	if (json_is_true(json_object_get(answer, "ok"))) {
		*out = json_incref(json_object_get(answer, "result"));
		json_decref(answer);
		return CTL_OK;
	}
	text = table_cell(answer, "error.text");
	fprintf(stderr, "%s: %s\n", where, text ? text : "refused; out of memory for the reason");
	free(text);
	json_decref(answer);
	return CTL_FAILED;
}

/* stats again and again, or twice for rates. The first answer has no rates and is printed only when
 * none were wanted. */
static enum ctl_status watch(struct client *client, const struct ctl_opt *opt,
			     const json_t *request, const char *where)
{
	uint64_t every_ns = opt->watch_ns > 0 ? opt->watch_ns : NS_PER_S;
	uint64_t left = opt->watch_ns == 0 ? 1 : opt->count > 0 ? opt->count : UINT64_MAX;
	json_t *before = NULL, *result = NULL;
	enum ctl_status status = CTL_OK;

	while (status == CTL_OK && left > 0) {
		status = ask(client, request, where, &result);
		if (status == CTL_OK && opt->rates && before) {
			present_add_rates(result, before);
		}
		if (status == CTL_OK && (before || !opt->rates)) {
			status = print(opt, result, where);
			left--;
		}
		json_decref(before);
		before = result;
		result = NULL;
		if (status == CTL_OK && left > 0) {
			sleep_ns(every_ns);
		}
	}
	json_decref(before);
	return status;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec time = {.tv_sec = (time_t)(ns / NS_PER_S),
				.tv_nsec = (long)(ns % NS_PER_S)};

	while (nanosleep(&time, &time) < 0 && errno == EINTR) {
	}
}

/* Of several, JSON is a line each. What lacks a piece is not told as if it were whole. */
static enum ctl_status print(const struct ctl_opt *opt, const json_t *result, const char *where)
{
	int rc;

	if (json_reserve_was_short()) {
		rc = -ENOMEM;
	} else if (opt->json || opt->marks) {
		size_t flags = opt->watch_ns > 0 ? JSON_COMPACT : JSON_INDENT(2);

		rc = json_dumpf(result, stdout, flags) < 0 ? -EIO : 0;
		rc = json_reserve_was_short() ? -ENOMEM : rc;
		putchar('\n');
	} else {
		rc = present_print(opt, result, stdout);
		if (opt->watch_ns > 0) {
			putchar('\n');
		}
	}
	if (rc == 0) {
		rc = out_finish(stdout);
	}
	if (rc < 0) {
		fprintf(stderr, "%s: cannot print the answer: %s\n", where, strerror(-rc));
		return CTL_FAILED;
	}
	return CTL_OK;
}

static enum ctl_status after(struct client *client, const struct ctl_opt *opt, const json_t *result,
			     const char *where)
{
	struct err err;

	if (opt->command->id == PROTOCOL_COMMAND_HEALTH) {
		return json_is_true(json_object_get(result, "healthy")) ? CTL_OK : CTL_FAILED;
	}
	if (opt->overlap_ms > 0) {
		sleep_ns(opt->overlap_ms * NS_PER_MS); /* the other machine's time, or our own */
	}
	if (opt->wait && client_await_end(client, &err) < 0) {
		fprintf(stderr, "%s: %s\n", where, err.text);
		return CTL_UNREACHABLE;
	}
	return CTL_OK;
}
