/* routes.c - the table of paths; see routes.h. */
#include "src/web/routes.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "src/web/page.h"

/* Its colours are in it. */
#define SVG .type = "image/svg+xml", .policy = "default-src 'none'; style-src 'unsafe-inline'"

const struct route routes[] = {
	{.path = "/metrics",
	 .kind = ROUTE_SNAPSHOT,
	 .choose = metrics_choose,
	 .make = metrics_make},
	{.path = "/healthz", .kind = ROUTE_SNAPSHOT, .brief = true, .make = health_make},
	{.path = "/readyz", .kind = ROUTE_SNAPSHOT, .brief = true, .make = ready_make},
	{.path = "/status.json",
	 .kind = ROUTE_TEXT,
	 .part = WEB_STATUS,
	 .type = "application/json"},
	{.path = "/plan.svg", .kind = ROUTE_TEXT, .part = WEB_PLAN, SVG},
	{.path = "/plan-medium.svg", .kind = ROUTE_TEXT, .part = WEB_PLAN_MEDIUM, SVG},
	{.path = "/plan-narrow.svg", .kind = ROUTE_TEXT, .part = WEB_PLAN_NARROW, SVG},
	{.path = "/",
	 .kind = ROUTE_FIXED,
	 .type = "text/html; charset=utf-8",
	 .policy = page_policy,
	 .make = page_make},
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
