/* links.c - see links.h. */
#include "src/run/links.h"

#include <string.h>

#include "src/base/clock.h"
#include "src/base/log.h"

static void hear(void *context, const struct ifwatch_event *event);

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

int links_start(struct links *links, struct supervisor *sup)
{
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
	renew_tick(&links->renew, links->now_ns);
}

void links_close(struct links *links)
{
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
}
