/* routes.c - the table of paths; see routes.h. */
#include "src/web/routes.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

const struct route routes[] = {
	{.path = "/metrics",
	 .kind = ROUTE_SNAPSHOT,
	 .choose = metrics_choose,
	 .make = metrics_make},
	{.path = "/healthz", .kind = ROUTE_SNAPSHOT, .make = health_make},
	{.path = "/readyz", .kind = ROUTE_SNAPSHOT, .make = ready_make},
	{.path = "/status.json", .kind = ROUTE_STATUS, .type = "application/json"},
	{0},
};

const size_t route_count = sizeof(routes) / sizeof(routes[0]) - 1;

static_assert(sizeof(routes) / sizeof(routes[0]) <= ROUTES_MAX, "a place for what is kept");

int route_find(const char *path)
{
	for (int i = 0; routes[i].path; i++) {
		if (strcmp(routes[i].path, path) == 0) {
			return i;
		}
	}
	return -ENOENT;
}
