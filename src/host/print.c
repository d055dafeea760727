/* print.c - lines and JSON from findings. See print.h. */
#include "src/host/print.h"

#include <errno.h>
#include <jansson.h>

#include "src/base/json_reserve.h"
#include "src/base/out.h"

static const char *const level_names[] = {
	[FINDING_OK] = "ok",
	[FINDING_UNKNOWN] = "unknown",
	[FINDING_WARN] = "warn",
	[FINDING_FAIL] = "fail",
};

static void print_finding(const struct finding *finding, FILE *out);
static json_t *json_finding(const struct finding *finding);
static int set_text(json_t *object, const char *key, const char *text);

int host_print_text(const struct host *host, FILE *out)
{
	for (uint32_t i = 0; i < host->count; i++) {
		print_finding(&host->findings[i], out);
	}
	fprintf(out, "%u findings: %u ok, %u unknown, %u warn, %u fail\n", host->count,
		host_count(host, FINDING_OK), host_count(host, FINDING_UNKNOWN),
		host_count(host, FINDING_WARN), host_count(host, FINDING_FAIL));
	return out_finish(out);
}

int host_print_json(const struct host *host, FILE *out)
{
	json_t *root = json_object(), *findings = json_array();
	int failed = 0;
	char *text;

	failed |= json_object_set_new(root, "format", json_integer(1));
	failed |= json_object_set_new(root, "version", json_string(PACKAGE_VERSION));
	for (uint32_t i = 0; i < host->count; i++) {
		failed |= json_array_append_new(findings, json_finding(&host->findings[i]));
	}
	failed |= json_object_set_new(root, "findings", findings);
	for (int level = FINDING_OK; level <= FINDING_FAIL; level++) {
		failed |= json_object_set_new(
			root, level_names[level],
			json_integer(host_count(host, (enum finding_level)level)));
	}
	text = failed ? NULL : json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	json_decref(root);
	if (!text || json_reserve_was_short()) { /* or jansson has left out some of it */
		json_reserve_give(text);
		return -ENOMEM;
	}
	fprintf(out, "%s\n", text);
	json_reserve_give(text);
	return out_finish(out);
}

uint32_t host_count(const struct host *host, enum finding_level level)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < host->count; i++) {
		count += host->findings[i].level == level;
	}
	return count;
}

static void print_finding(const struct finding *finding, FILE *out)
{
	fprintf(out, "%-7s  %s", level_names[finding->level], finding->id);
	if (finding->subject) {
		fprintf(out, " %s", finding->subject);
	}
	fprintf(out, ": %s; %s", finding->value, finding->why);
	if (finding->cure) {
		fprintf(out, "; cure: %s", finding->cure);
	}
	if (finding->advice) {
		fprintf(out, "; %s", finding->advice);
	}
	fputc('\n', out);
}

/* NULL without memory: one of which something is missing is none. */
static json_t *json_finding(const struct finding *finding)
{
	json_t *object = json_object();
	int failed = 0;

	failed |= set_text(object, "level", level_names[finding->level]);
	failed |= set_text(object, "id", finding->id);
	failed |= set_text(object, "subject", finding->subject);
	failed |= set_text(object, "value", finding->value);
	failed |= set_text(object, "why", finding->why);
	failed |= set_text(object, "cure", finding->cure);
	failed |= set_text(object, "advice", finding->advice);
	if (failed) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* null where there is nothing to say; -1 without memory. */
static int set_text(json_t *object, const char *key, const char *text)
{
	return json_object_set_new(object, key, text ? json_string(text) : json_null());
}
