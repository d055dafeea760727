/* links.c - see links.h. */
#include "src/run/links.h"

#include <string.h>

#include "src/base/clock.h"
#include "src/base/log.h"

static void hear(void *context, const struct ifwatch_event *event);
static void take_members(struct links *links);

void links_open(struct links *links)
{
	int rc = ifwatch_open(&links->watch);

	if (rc < 0) {
		log_warn("interfaces: cannot hear from the kernel what becomes of them: %s; "
			 "expected AF_NETLINK to be allowed; a link that comes back may stay dark "
			 "until a querier asks",
			 strerror(-rc));
		ifwatch_close(&links->watch);
	}
}

int links_start(struct links *links, struct supervisor *sup, struct err *err)
{
	int rc = pending_init(&links->pending, sup, clock_now_ns());

	if (rc == 0) {
		rc = renew_init(&links->renew, sup);
	}
	if (rc < 0) {
		err_set(err, "interfaces: out of memory");
	}
	return rc;
}

int links_renew(struct links *links, struct supervisor *sup)
{
	renew_free(&links->renew);
	return renew_init(&links->renew, sup);
}

int links_fd(const struct links *links)
{
	return links->watch.fd;
}

void links_tick(struct links *links)
{
	struct ifwatch_listener listener = {.tell = hear, .context = links};

	links->now_ns = clock_now_ns();
	ifwatch_tick(&links->watch, &listener, links->now_ns);
	if (pending_tick(&links->pending, links->now_ns)) {
		take_members(links);
	}
	renew_tick(&links->renew, links->now_ns);
}

void links_close(struct links *links)
{
	pending_free(&links->pending);
	renew_free(&links->renew);
	ifwatch_close(&links->watch);
}

static void hear(void *context, const struct ifwatch_event *event)
{
	struct links *links = context;

	switch (event->news) {
	case IFWATCH_UP:
	case IFWATCH_PORT_UP:
		renew_want(&links->renew, event->ifindex, event->news == IFWATCH_UP, links->now_ns);
		break;
	case IFWATCH_ADDED:
	case IFWATCH_REMOVED:
	case IFWATCH_ADDRESS:
		break;
	}
	if (event->news != IFWATCH_REMOVED) {
		pending_wake(&links->pending, event->ifindex, event->name, links->now_ns);
	}
}

/* One more has joined. Without memory for it the others are forgotten too, until the next. */
static void take_members(struct links *links)
{
	struct supervisor *sup = links->renew.sup;

	renew_free(&links->renew);
	if (renew_init(&links->renew, sup) < 0) {
		renew_free(&links->renew);
		links->renew.sup = sup;
		log_warn("interfaces: out of memory; nothing is reported again when a link is "
			 "back");
	}
}
