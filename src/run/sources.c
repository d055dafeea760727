/* sources.c - see sources.h.
 *
 * News of single addresses may be lost, so they only say that it is time to look: the kernel is
 * asked for all addresses, and not at all while no output names one. Neighbours in the places
 * mostly have the same source, which is then looked for once.
 */
#include "src/run/sources.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/run/supervisor.h"

static bool any_wanted(const struct supervisor *sup);
static const struct rule_table_output *wanted(const struct shard *shard, uint32_t index);
static struct source source_of(const struct rule_table_output *rule);
static bool is_same(const struct source *a, const struct source *b);
static bool has(const struct ifaddrs *have, const struct source *source);
static unsigned scope_of(const struct sockaddr *addr);
static bool add(struct sources *sources, const struct source *source);

bool sources_tick(struct sources *sources, const struct supervisor *sup)
{
	struct ifaddrs *have = NULL;

	if (!sources->due) {
		return false;
	}
	if (!any_wanted(sup)) {
		sources->due = false;
		sources->count = 0;
		return false;
	}
	if (getifaddrs(&have) < 0) {
		sources->due = true; /* in the next tick: until then all stands as it did */
		return false;
	}
	sources->due = sources_compare(sources, sup, have) < 0;
	freeifaddrs(have);
	return true;
}

int sources_compare(struct sources *sources, const struct supervisor *sup,
		    const struct ifaddrs *have)
{
	struct source last = {0};
	int rc = 0;

	sources->count = 0;
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct shard *shard = sup->workers[s].shard;

		for (uint32_t i = 0; i < shard->egress.place_count; i++) {
			const struct rule_table_output *rule = wanted(shard, i);
			struct source source;

			if (!rule) {
				continue;
			}
			source = source_of(rule);
			if (!is_same(&source, &last) && !sources_lacks(sources, rule) &&
			    !has(have, &source) && !add(sources, &source)) {
				rc = -ENOMEM;
			}
			last = source;
		}
	}
	return rc;
}

bool sources_lacks(const struct sources *sources, const struct rule_table_output *rule)
{
	struct source source;

	if (sources->count == 0 || rule->out.src.family == 0) {
		return false;
	}
	source = source_of(rule);
	for (uint32_t i = 0; i < sources->count; i++) {
		if (is_same(&sources->gone[i], &source)) {
			return true;
		}
	}
	return false;
}

void sources_free(struct sources *sources)
{
	free(sources->gone);
	*sources = (struct sources){0};
}

static bool any_wanted(const struct supervisor *sup)
{
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct shard *shard = sup->workers[s].shard;

		for (uint32_t i = 0; i < shard->egress.place_count; i++) {
			if (wanted(shard, i)) {
				return true;
			}
		}
	}
	return false;
}

/* The output in that place if it names its source, or NULL. */
static const struct rule_table_output *wanted(const struct shard *shard, uint32_t index)
{
	const struct rule_table_output *rule = shard_output(shard, index)->output.rule;

	return rule && rule->out.src.family != 0 ? rule : NULL;
}

static struct source source_of(const struct rule_table_output *rule)
{
	struct source source = {.addr = rule->out.src};

	source.addr.port = 0;
	if (source.addr.family == AF_INET6 && addr_is_link_local(&source.addr)) {
		source.ifindex = rule->ifindex;
	}
	return source;
}

static bool is_same(const struct source *a, const struct source *b)
{
	return a->ifindex == b->ifindex && addr_equal(&a->addr, &b->addr);
}

static bool has(const struct ifaddrs *have, const struct source *source)
{
	for (; have; have = have->ifa_next) {
		struct addr addr;

		if (!have->ifa_addr || addr_from_sockaddr(have->ifa_addr, &addr) < 0) {
			continue;
		}
		addr.port = 0;
		if (addr_equal(&addr, &source->addr) &&
		    (source->ifindex == 0 || scope_of(have->ifa_addr) == source->ifindex)) {
			return true;
		}
	}
	return false;
}

/* The interface that a link-local address is of. */
static unsigned scope_of(const struct sockaddr *addr)
{
	struct sockaddr_in6 v6;

	memcpy(&v6, addr, sizeof(v6));
	return v6.sin6_scope_id;
}

/* False: out of memory. */
static bool add(struct sources *sources, const struct source *source)
{
	if (sources->count == sources->room) {
		uint32_t room = sources->room ? 2 * sources->room : 4;
		void *grown = realloc(sources->gone, room * sizeof(*sources->gone));

		if (!grown) {
			return false;
		}
		sources->gone = grown;
		sources->room = room;
	}
	sources->gone[sources->count++] = *source;
	return true;
}
