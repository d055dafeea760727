/* renew.c - see renew.h.
 *
 * The sockets are the shards'. Control uses them under the gate's lock, under which each worker
 * says that it begins to close them (gate.h): no shard waits for that lock while it relays. All
 * sockets of a group are taken together, since the kernel reports what they add up to. What is
 * reported WHOLE costs a flow some microseconds of hearing, so it is for flows that cannot be
 * hearing anything: those on an interface that had no carrier, and those still silent later.
 */
#include "src/run/renew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/run/supervisor.h"

#define PAUSE_NS NS_PER_S /* between two renewals of an interface, however often its link flaps */

/* After the first. Spanning tree makes a port wait for 30 s. */
static const unsigned again_after_s[] = {1, 4, 16, 35};
#define AGAIN_COUNT (sizeof(again_after_s) / sizeof(again_after_s[0]))

struct renew_member {
	const struct rule_flow *rule;
	const struct flow_stats *stats;
	const struct worker *worker;
	const struct ingress_flow *flow; /* whose socket it is, as long as it has this token */
	uint32_t token;
	int fd;
	uint64_t received; /* when last reported, or found */
};

struct renew_link {
	unsigned ifindex;
	uint32_t first, count; /* members */
	bool due, whole;
	uint32_t step; /* 0: the link has just come back */
	uint64_t due_ns, up_ns, last_ns;
};

static uint32_t collect(struct renew *renew, const struct worker *worker, uint32_t count);
static int compare_members(const void *a, const void *b);
static void part_links(struct renew *renew);
static void report_link(struct renew *renew, struct renew_link *link, uint64_t now_ns);
static uint32_t same_group(const struct renew_member *members, uint32_t count);
static int report_group(struct renew_member *members, uint32_t count, enum sock_report what);
static bool is_silent(const struct renew_member *members, uint32_t count);
static void keep_failure(int rc, int *worst);

int renew_init(struct renew *renew, struct supervisor *sup)
{
	uint32_t count = 0;

	*renew = (struct renew){.sup = sup};
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		count += sup->workers[s].shard->relay.place_count;
	}
	renew->members = calloc(count + 1UL, sizeof(*renew->members));
	renew->links = calloc(count + 1UL, sizeof(*renew->links));
	if (!renew->members || !renew->links) {
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		renew->member_count = collect(renew, &sup->workers[s], renew->member_count);
	}
	qsort(renew->members, renew->member_count, sizeof(*renew->members), compare_members);
	part_links(renew);
	return 0;
}

void renew_free(struct renew *renew)
{
	free(renew->members);
	free(renew->links);
	*renew = (struct renew){0};
}

int renew_look(struct renew *renew)
{
	struct renew now;
	int rc = renew_init(&now, renew->sup);

	if (rc < 0) {
		renew_free(&now);
		return rc;
	}
	for (uint32_t i = 0, j = 0; i < now.link_count && j < renew->link_count;) {
		struct renew_link *link = &now.links[i];
		const struct renew_link *was = &renew->links[j];

		if (link->ifindex == was->ifindex) {
			link->due = was->due;
			link->whole = was->whole;
			link->step = was->step;
			link->due_ns = was->due_ns;
			link->up_ns = was->up_ns;
			link->last_ns = was->last_ns;
		}
		i += link->ifindex <= was->ifindex;
		j += was->ifindex <= link->ifindex;
	}
	renew_free(renew);
	*renew = now;
	return 0;
}

void renew_want(struct renew *renew, unsigned ifindex, bool whole, uint64_t now_ns)
{
	for (uint32_t i = 0; i < renew->link_count; i++) {
		struct renew_link *link = &renew->links[i];
		bool waits = link->due && link->step == 0;

		if (link->ifindex != ifindex) {
			continue;
		}
		link->whole = whole || (waits && link->whole);
		link->due = true;
		link->step = 0;
		link->up_ns = now_ns;
		link->due_ns = link->last_ns == 0 ? now_ns : link->last_ns + PAUSE_NS;
	}
}

void renew_tick(struct renew *renew, uint64_t now_ns)
{
	for (uint32_t i = 0; i < renew->link_count; i++) {
		if (renew->links[i].due && now_ns >= renew->links[i].due_ns) {
			report_link(renew, &renew->links[i], now_ns);
		}
	}
}

static uint32_t collect(struct renew *renew, const struct worker *worker, uint32_t count)
{
	for (uint32_t f = 0; f < worker->shard->relay.place_count; f++) {
		const struct flow_place *place = shard_flow(worker->shard, f);

		if (place->flow.fd >= 0 && addr_is_multicast(&place->rule.in.at.addr)) {
			renew->members[count++] = (struct renew_member){
				.rule = &place->rule,
				.stats = &place->stats,
				.worker = worker,
				.flow = &place->flow,
				.token = place->flow.token,
				.fd = place->flow.fd,
				.received = stat_get(&place->stats.received),
			};
		}
	}
	return count;
}

static int compare_members(const void *a, const void *b)
{
	const struct rule_flow *one = ((const struct renew_member *)a)->rule;
	const struct rule_flow *other = ((const struct renew_member *)b)->rule;

	if (one->ifindex != other->ifindex) {
		return one->ifindex < other->ifindex ? -1 : 1;
	}
	return memcmp(one->in.at.addr.ip, other->in.at.addr.ip, sizeof(one->in.at.addr.ip));
}

static void part_links(struct renew *renew)
{
	struct renew_link *link = NULL;

	for (uint32_t i = 0; i < renew->member_count; i++) {
		unsigned ifindex = renew->members[i].rule->ifindex;

		if (!link || link->ifindex != ifindex) {
			link = &renew->links[renew->link_count++];
			*link = (struct renew_link){.ifindex = ifindex, .first = i};
		}
		link->count++;
	}
}

/* Reports the memberships of an interface, all at first, and then those of silent flows. */
static void report_link(struct renew *renew, struct renew_link *link, uint64_t now_ns)
{
	struct renew_member *members = &renew->members[link->first];
	uint32_t done = 0, groups = 0, count;
	int worst = 0;

	gate_keep(&renew->sup->gate);
	for (uint32_t i = 0; i < link->count; i += count) {
		bool whole = link->step > 0 || link->whole;

		count = same_group(&members[i], link->count - i);
		groups++;
		if (link->step > 0 && !is_silent(&members[i], count)) {
			continue;
		}
		keep_failure(report_group(&members[i], count,
					  whole ? SOCK_REPORT_WHOLE : SOCK_REPORT_GENTLY),
			     &worst);
		done++;
	}
	gate_let(&renew->sup->gate);
	if (link->step == 0) {
		log_notice("%s: the link is up again; telling the network of %u groups that are "
			   "joined there",
			   members->rule->in.at.ifname, groups);
	}
	if (worst < 0) {
		log_warn("%s: cannot tell the network again what is joined there: %s; a switch "
			 "may stay silent until it is asked by a querier",
			 members->rule->in.at.ifname, strerror(-worst));
	}
	link->last_ns = now_ns;
	link->due = done > 0 && link->step < AGAIN_COUNT;
	if (link->due) {
		link->due_ns = link->up_ns + again_after_s[link->step] * NS_PER_S;
		link->step++;
	}
}

/* How many members from the first on are of its group: the kernel adds up their filters. */
static uint32_t same_group(const struct renew_member *members, uint32_t count)
{
	uint32_t same = 1;

	while (same < count && compare_members(&members[0], &members[same]) == 0) {
		same++;
	}
	return same;
}

static int report_group(struct renew_member *members, uint32_t count, enum sock_report what)
{
	int worst = 0;

	for (int half = 0; half < 2; half++) {
		for (uint32_t i = 0; i < count; i++) {
			const struct renew_member *m = &members[i];

			if (!m->worker->closing && m->flow->token == m->token) {
				keep_failure(sock_report(m->fd, &m->rule->in, m->rule->ifindex,
							 half == 0 ? what : SOCK_REPORT_END),
					     &worst);
			}
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		members[i].received = stat_get(&members[i].stats->received);
	}
	return worst;
}

/* Whether none of them has heard anything since it was last reported. */
static bool is_silent(const struct renew_member *members, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (stat_get(&members[i].stats->received) != members[i].received) {
			return false;
		}
	}
	return true;
}

static void keep_failure(int rc, int *worst)
{
	*worst = rc < 0 ? rc : *worst;
}
