/* asked.c - what the names of hosts in rules mean here and now. See asked.h, lookup.h.
 *
 * A name that DNS does not know keeps nothing from starting, and all else is relayed: it is a
 * warning. Control thread.
 */
#include "src/host/asked.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/setup/lookup.h"

#define NAMES_MAX 64 /* asked for */
#define WAIT_NS   (5 * NS_PER_S)

static void collect(const struct conf *conf, struct host_facts *facts);
static void await(struct lookup *lookup, const struct host_facts *facts);
static bool all_answered(const struct host_facts *facts);
static void take(void *context, const struct lookup_answer *answer);
static const char *list_addrs(struct host *host, const struct host_named *named);

int asked_names(const struct setup *setup, struct host_facts *facts)
{
	struct lookup *lookup;
	struct err err;
	int rc;

	facts->names = calloc(NAMES_MAX, sizeof(*facts->names));
	if (!facts->names) {
		return -ENOMEM;
	}
	collect(&setup->opt->conf, facts);
	if (facts->name_count == 0) {
		return 0;
	}
	rc = lookup_open(&lookup, &err);
	if (rc < 0) {
		for (uint32_t i = 0; i < facts->name_count; i++) {
			err_set(&facts->names[i].why, "%s", err.text);
		}
		return 0;
	}
	for (uint32_t i = 0; i < facts->name_count; i++) {
		lookup_begin(lookup, facts->names[i].name, take, &facts->names[i]);
	}
	await(lookup, facts);
	lookup_close(lookup);
	return 0;
}

void host_names(struct host *host)
{
	for (uint32_t i = 0; i < host->facts->name_count; i++) {
		const struct host_named *named = &host->facts->names[i];
		struct finding finding = {
			.id = "host_name",
			.subject = named->name->text,
			.why = "the address is looked up while relaying, and an output without "
			       "one drops what it is offered, as pending",
		};

		if (named->count > 0) {
			finding.value = list_addrs(host, named);
		} else {
			finding.level = FINDING_WARN;
			finding.value = named->why.text;
			finding.advice = "see that a server in /etc/resolv.conf, or the hosts "
					 "file, knows the name, or write the address";
		}
		host_add(host, &finding);
	}
}

static void collect(const struct conf *conf, struct host_facts *facts)
{
	for (uint32_t i = 0; i < conf->output_count && facts->name_count < NAMES_MAX; i++) {
		const struct host_name *name = conf->outputs[i].to.name;
		bool known = name == NULL;

		for (uint32_t n = 0; n < facts->name_count && !known; n++) {
			known = facts->names[n].name == name;
		}
		if (!known) {
			facts->names[facts->name_count].name = name;
			err_set(&facts->names[facts->name_count++].why,
				"not answered within %llu s",
				(unsigned long long)(WAIT_NS / NS_PER_S));
		}
	}
}

static void await(struct lookup *lookup, const struct host_facts *facts)
{
	uint64_t now_ns = clock_now_ns(), end_ns = now_ns + WAIT_NS;

	while (!all_answered(facts) && now_ns < end_ns) {
		struct pollfd fd = {.fd = lookup_fd(lookup), .events = POLLIN};
		int most_ms = (int)((end_ns - now_ns) / NS_PER_MS) + 1;

		(void)poll(&fd, 1, lookup_wait_ms(lookup, most_ms));
		lookup_tick(lookup);
		now_ns = clock_now_ns();
	}
}

static bool all_answered(const struct host_facts *facts)
{
	bool all = true;

	for (uint32_t i = 0; i < facts->name_count; i++) {
		all = all && facts->names[i].answered;
	}
	return all;
}

static void take(void *context, const struct lookup_answer *answer)
{
	struct host_named *named = context;

	named->answered = true;
	named->ttl_s = answer->ttl_s;
	named->count = answer->rc < 0 ? 0 : answer->count;
	memcpy(named->addrs, answer->addrs, sizeof(named->addrs));
	err_set(&named->why, "%s", answer->why ? answer->why : "");
}

static const char *list_addrs(struct host *host, const struct host_named *named)
{
	char addr[ADDR_TEXT_MAX];
	const char *list = host_text(host, "%s", addr_format(&named->addrs[0], addr));

	for (uint32_t i = 1; i < named->count; i++) {
		list = host_text(host, "%s, %s", list, addr_format(&named->addrs[i], addr));
	}
	return host_text(host, "%s%s, for %u s", list,
			 named->count > 1 ? ", of which the first is taken" : "", named->ttl_s);
}
