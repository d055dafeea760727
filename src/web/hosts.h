/* hosts.h - by which names a browser may ask: what a request's `Host' may say.
 *
 * A page of somebody else, whose name the DNS turns into the loopback's address once its script
 * runs, is to a browser on this host of one origin with what is told here, and could read it. What
 * gives it away is the name, which the browser still sends. An address cannot be turned so, and
 * `localhost' no DNS answers for. One thread.
 */
#pragma once

#include <stdbool.h>

#include "src/base/addr.h"

struct hosts {
	bool any;    /* whatever it says */
	char *names; /* separated by commas; "": only localhost and addresses */
};

/* For who listens at `at'. `names' is --metrics-host, NULL where it was not given: any name, but
 * none at an address of the loopback. 0 or -ENOMEM. */
int hosts_init(struct hosts *hosts, const struct addr *at, const char *names);
void hosts_free(struct hosts *hosts);

/* Whether to answer a request whose `Host' is `asked'. NULL: it has none, which no browser sends.
 */
bool hosts_allow(const struct hosts *hosts, const char *asked);
