/* print.c - lines and JSON from findings. See print.h. */
#include "src/host/print.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "src/base/out.h"

static const char *const level_names[] = {
	[FINDING_OK] = "ok",
	[FINDING_UNKNOWN] = "unknown",
	[FINDING_WARN] = "warn",
	[FINDING_FAIL] = "fail",
};

static void print_finding(const struct finding *finding, FILE *out);
static json_t *json_finding(const struct finding *finding);
static void set_text(json_t *object, const char *key, const char *text);

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
	int rc, end;

	json_object_set_new(root, "format", json_integer(1));
	json_object_set_new(root, "version", json_string(PACKAGE_VERSION));
	for (uint32_t i = 0; i < host->count; i++) {
		json_array_append_new(findings, json_finding(&host->findings[i]));
	}
	json_object_set_new(root, "findings", findings);
	for (int level = FINDING_OK; level <= FINDING_FAIL; level++) {
		json_object_set_new(root, level_names[level],
				    json_integer(host_count(host, (enum finding_level)level)));
	}
	rc = json_dumpf(root, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 ? 0 : -ENOMEM;
	json_decref(root);
	fputc('\n', out);
	end = out_finish(out);
	return end < 0 ? end : rc;
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

static json_t *json_finding(const struct finding *finding)
{
	json_t *object = json_object();

	set_text(object, "level", level_names[finding->level]);
	set_text(object, "id", finding->id);
	set_text(object, "subject", finding->subject);
	set_text(object, "value", finding->value);
	set_text(object, "why", finding->why);
	set_text(object, "cure", finding->cure);
	set_text(object, "advice", finding->advice);
	return object;
}

/* null where there is nothing to say. */
static void set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, text ? json_string(text) : json_null());
}
