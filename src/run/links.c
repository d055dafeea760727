/* links.c - see links.h. */
#include "src/run/links.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/run/supervisor.h"

#define AGAIN_NS NS_PER_S

static int look_at_all(struct links *links, struct err *err);
static int look_at_names(struct links *links, struct err *err);
static void look_again(struct links *links, int rc, const struct err *err);
static void hear(void *context, const struct ifwatch_event *event);

void links_open(struct links *links)
{
	int rc = ifwatch_open(&links->watch);

	links->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (links->epoll_fd < 0) {
		log_warn("interfaces: cannot wait for news of them: epoll: %s; they are looked at "
			 "once a second",
			 strerror(errno));
	}
	if (rc < 0) {
		log_warn("interfaces: cannot hear from the kernel what becomes of them: %s; "
			 "expected AF_NETLINK to be allowed; a link that comes back may stay dark "
			 "until a querier asks",
			 strerror(-rc));
		ifwatch_close(&links->watch);
	} else {
		links_listen(links, links->watch.fd);
	}
}

int links_start(struct links *links, struct supervisor *sup, struct err *err)
{
	int rc = renew_init(&links->renew, sup);
	struct err names = {0};

	links->sup = sup;
	links->follow = (struct follow){.sup = sup};
	look_again(links, look_at_names(links, &names), &names);
	links->sources.due = true;
	if (rc == 0) {
		rc = pending_init(&links->pending, sup, clock_now_ns());
	}
	if (rc < 0) {
		err_set(err, "interfaces: out of memory");
	}
	return rc;
}

/* A shard that ends closes its sockets, and nothing of that is a change. */
void links_changed(struct links *links)
{
	struct supervisor *sup = links->sup;
	bool ending = false;
	struct err err = {0};
	int rc = 0;

	links->sources.due = true;
	links->heard++;
	gate_keep(&sup->gate);
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		ending = ending || sup->workers[s].closing;
	}
	if (!ending) {
		rc = look_at_all(links, &err);
		lane_changed(sup);
	}
	gate_let(&sup->gate);
	look_again(links, rc, &err);
}

const char *links_amiss(const struct links *links, unsigned ifindex)
{
	const struct ifwatch_link *link = ifwatch_find(&links->watch.table, ifindex);

	return link && !link->running ? "the link of its interface is down" : NULL;
}

const char *links_flow_amiss(const struct links *links, const struct ingress_flow *flow)
{
	const char *amiss = links_amiss(links, flow->rule->ifindex);

	if (!amiss && stat_get(&flow->stats->circling) != 0) {
		amiss = "what is relayed comes back by way of other hosts";
	}
	return amiss;
}

const char *links_output_amiss(const struct links *links, const struct rule_table_output *rule)
{
	return links_amiss(links, rule->ifindex);
}

const char *links_output_waits(const struct links *links, const struct rule_table_output *rule)
{
	return sources_lacks(&links->sources, rule)
		       ? "its source address (src=) is not this host's at present"
		       : NULL;
}

void links_listen(struct links *links, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd >= 0 && links->epoll_fd > 0) {
		(void)epoll_ctl(links->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	}
}

int links_fd(const struct links *links)
{
	return links->epoll_fd;
}

void links_tick(struct links *links)
{
	struct ifwatch_listener listener = {.tell = hear, .context = links};

	links->now_ns = clock_now_ns();
	ifwatch_tick(&links->watch, &listener, links->now_ns);
	/* A new listing: news of addresses may have been lost, too. */
	links->sources.due = links->sources.due || links->listing != links->watch.table.listing;
	links->listing = links->watch.table.listing;
	names_tick(&links->names, links->now_ns);
	lane_prolong(links->sup, links->now_ns);
	lane_hear(links->sup);
	members_watch_tick(&links->members, links->sup);
	if (links->again_ns > 0 && links->now_ns >= links->again_ns &&
	    changer_is_idle(&links->sup->changer)) {
		links_changed(links);
	}
	if (!changer_is_amid(&links->sup->changer) && sources_tick(&links->sources, links->sup)) {
		duty_wake(&links->sup->changer.duty);
	}
	if (changer_is_idle(&links->sup->changer)) {
		neighbours_tick(&links->neighbours, links->sup, links->now_ns);
		renew_tick(&links->renew, links->now_ns);
		follow_tick(&links->follow);
		pending_tick(&links->pending, links->now_ns);
		lane_tick(links->sup, links->now_ns);
	}
}

int links_sleep_ms(const struct links *links, int most_ms)
{
	most_ms = lane_sleep_ms(links->sup, names_sleep_ms(&links->names, most_ms));
	return changer_is_idle(&links->sup->changer) ? pending_sleep_ms(&links->pending, most_ms)
						     : most_ms;
}

void links_close(struct links *links)
{
	names_close(&links->names);
	members_watch_close(&links->members);
	neighbours_free(&links->neighbours);
	sources_free(&links->sources);
	pending_free(&links->pending);
	renew_free(&links->renew);
	ifwatch_close(&links->watch);
	if (links->epoll_fd > 0) {
		close(links->epoll_fd);
	}
}

/* At as much of it as can be. 0, or -errno of the first thing that could not be looked at with
 * `err'.
 */
static int look_at_all(struct links *links, struct err *err)
{
	int names = look_at_names(links, err);
	int replies = replies_look(&links->sup->replies, links->sup, err);
	int rc = pending_look(&links->pending);

	rc = rc == 0 ? renew_look(&links->renew) : rc;
	if (rc < 0) {
		err_set(err, "interfaces: out of memory; what came with the last change is not "
			     "known yet to be pending, nor reported again when a link is back");
	}
	return rc < 0 ? rc : replies < 0 ? replies : names;
}

/* They have a descriptor from the first one on. */
static int look_at_names(struct links *links, struct err *err)
{
	int before = names_fd(&links->names);
	int rc;

	if (members_watch_open(&links->members, links->sup)) {
		links_listen(links, links->members.fd);
	}
	links->names.sup = links->sup;
	rc = names_look(&links->names, err);
	if (before < 0) {
		links_listen(links, names_fd(&links->names));
	}
	return rc;
}

/* Said of the first of several failures in a row. */
static void look_again(struct links *links, int rc, const struct err *err)
{
	if (rc < 0 && links->again_ns == 0) {
		log_warn("%s; it is tried again each second", err->text);
	}
	links->again_ns = rc < 0 ? clock_now_ns() + AGAIN_NS : 0;
}

static void hear(void *context, const struct ifwatch_event *event)
{
	struct links *links = context;

	links->heard++;
	switch (event->news) {
	case IFWATCH_UP:
	case IFWATCH_PORT_UP:
		renew_want(&links->renew, event->ifindex, event->news == IFWATCH_UP, links->now_ns);
		follow_links(&links->follow);
		break;
	case IFWATCH_ADDED:
	case IFWATCH_DOWN:
		follow_links(&links->follow);
		break;
	case IFWATCH_REMOVED:
	case IFWATCH_MTU:
		links->follow.due = true;
		break;
	case IFWATCH_ADDRESS:
	case IFWATCH_ADDRESS_GONE:
		links->sources.due = true;
		lane_addresses_changed(links->sup);
		break;
	}
	if (event->news != IFWATCH_REMOVED && event->news != IFWATCH_DOWN &&
	    event->news != IFWATCH_ADDRESS_GONE) {
		pending_wake(&links->pending, event->ifindex, event->name, links->now_ns);
	}
}
