/* order.c - see order.h. */
#include "src/ctl/order.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/clock.h"
#include "src/base/out.h"
#include "src/ctl/table.h"
#include "src/ctl/present.h"

static json_t *request_of(const struct ctl_opt *opt);
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
	json_t *request = request_of(opt), *result = NULL;
	enum ctl_status status;

	if (!request) {
		fprintf(stderr, "%s: the words are no UTF-8; expected UTF-8\n", where);
		return CTL_USAGE;
	}
	if (opt->watch_ns > 0 || opt->rates) {
		status = watch(client, opt, request, where);
	} else {
		status = ask(client, request, where, &result);
		status = status == CTL_OK ? print(opt, result, where) : status;
		status = status == CTL_OK ? after(client, opt, result, where) : status;
	}
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
		json_t *rules = json_array();

		good = good &&
		       json_object_set_new(request, "what", json_string(opt->operands[0])) == 0;
		for (size_t i = 1; i < opt->operand_count; i++) {
			good = good &&
			       json_array_append_new(rules, json_string(opt->operands[i])) == 0;
		}
		if (opt->operand_count > 1) {
			good = good && json_object_set(request, "rules", rules) == 0;
		}
		json_decref(rules);
	} else if (opt->command->id == PROTOCOL_COMMAND_LOG_LEVEL && opt->operand_count > 0) {
		good = good &&
		       json_object_set_new(request, "level", json_string(opt->operands[0])) == 0;
	}
	if (!good) {
		json_decref(request);
	}
	return good ? request : NULL;
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
	fprintf(stderr, "%s: %s\n", where, text ? text : "refused");
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

/* Of several, JSON is a line each. */
static enum ctl_status print(const struct ctl_opt *opt, const json_t *result, const char *where)
{
	int rc;

	if (opt->json) {
		size_t flags = opt->watch_ns > 0 ? JSON_COMPACT : JSON_INDENT(2);

		rc = json_dumpf(result, stdout, flags) < 0 ? -EIO : 0;
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
	if (opt->wait && client_await_end(client, &err) < 0) {
		fprintf(stderr, "%s: %s\n", where, err.text);
		return CTL_UNREACHABLE;
	}
	return CTL_OK;
}
