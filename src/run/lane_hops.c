/* lane_hops.c - see lane_hops.h. */
#include "src/run/lane_hops.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/log.h"

#define ROUND_NS   (5 * NS_PER_S)
#define HOPS_MAX   512 /* asked for at a time */
#define READS_MAX  64
#define NEWS_BYTES 32768
#define GROUP(id)  (1U << (RTNLGRP_##id - 1))

static int take_news(const struct nlmsghdr *message, void *context);
static bool take_neighbour(struct lane_hops *hops, const struct hop *news);
static bool ask_again(struct lane_hops *hops, struct lane_hop *known);
static void use(struct lane_hops *hops, struct hop *hop);
static void reach(struct lane_hops *hops, struct lane_hop *key);
static bool is_same(const struct lane_hops *hops, const struct hop *a, const struct hop *b);
static int compare_hops(const void *left, const void *right);

void lane_hops_open(struct lane_hops *hops)
{
	unsigned groups = GROUP(NEIGH) | GROUP(IPV4_ROUTE) | GROUP(IPV6_ROUTE) | GROUP(IPV4_RULE) |
			  GROUP(IPV6_RULE);

	hops->asker = hop_open();
	hops->news = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!hops->asker || !hops->news ||
	    mnl_socket_bind(hops->news, groups, MNL_SOCKET_AUTOPID) < 0) {
		log_notice("fast path: the kernel cannot be asked for routes and neighbours: %s; "
			   "expected AF_NETLINK to be allowed; flows with unicast outputs go by "
			   "their sockets",
			   strerror(errno));
		lane_hops_close(hops);
	}
}

void lane_hops_close(struct lane_hops *hops)
{
	if (hops->asker) {
		mnl_socket_close(hops->asker);
	}
	if (hops->news) {
		mnl_socket_close(hops->news);
	}
	free(hops->found.list);
	*hops = (struct lane_hops){0};
}

int lane_hops_fd(const struct lane_hops *hops)
{
	return hops->news ? mnl_socket_get_fd(hops->news) : -1;
}

/* What we hear at once: whether a neighbour is another one. */
struct hearing {
	struct lane_hops *hops;
	bool changed;
};

bool lane_hops_hear(struct lane_hops *hops)
{
	struct hearing hearing = {.hops = hops};
	char news[NEWS_BYTES];

	for (int i = 0; hops->news && i < READS_MAX; i++) {
		ssize_t got = mnl_socket_recvfrom(hops->news, news, sizeof(news));

		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			break;
		}
		if (got < 0) {
			hearing.changed = true; /* ENOBUFS: some of it is lost */
			continue;
		}
		(void)mnl_cb_run(news, (size_t)got, 0, 0, take_news, &hearing);
	}
	return hearing.changed;
}

bool lane_hops_refresh(struct lane_hops *hops, uint64_t now_ns)
{
	bool changed = false;

	if (!hops->asker) {
		return false;
	}
	if (hops->next >= hops->found.count) {
		if (now_ns - hops->round_ns < ROUND_NS) {
			return false;
		}
		hops->round_ns = now_ns;
		hops->asked_policy = false;
		hops->next = 0;
	}
	for (uint32_t i = 0; i < HOPS_MAX && hops->next < hops->found.count; i++) {
		changed = ask_again(hops, &hops->found.list[hops->next++]) || changed;
	}
	return changed;
}

int lane_hops_find(struct lane_hops *hops, struct lane_hop_list *list, uint32_t first,
		   const struct lane_hop *key, struct hop *out)
{
	struct lane_hop found = *key;

	*out = (struct hop){0};
	for (uint32_t i = first; i < list->count; i++) {
		if (addr_ip_equal(&list->list[i].to, &key->to) &&
		    list->list[i].ifindex == key->ifindex) {
			*out = list->list[i].hop;
			return 0;
		}
	}
	if (list->count == list->room) {
		uint32_t room = 2 * list->room + 16;
		struct lane_hop *grown = realloc(list->list, room * sizeof(*grown));

		if (!grown) {
			return -ENOMEM;
		}
		list->list = grown;
		list->room = room;
	}
	if (hops->asker) {
		reach(hops, &found);
		if (found.hop.way == HOP_NEIGHBOUR && found.hop.state == NUD_NONE) {
			use(hops, &found.hop);
		}
	}
	list->list[list->count++] = found;
	*out = found.hop;
	return 0;
}

bool lane_hops_knows(const struct lane_hops *hops, const struct hop *hop)
{
	return hop_is_known(hop) && (!hops->refused || hop_is_fresh(hop));
}

void lane_hops_take(struct lane_hops *hops, struct lane_hop_list *list)
{
	free(hops->found.list);
	hops->found = *list;
	*list = (struct lane_hop_list){0};
	if (hops->found.count > 0) {
		qsort(hops->found.list, hops->found.count, sizeof(*hops->found.list), compare_hops);
	}
	hops->routes = false;
}

static int take_news(const struct nlmsghdr *message, void *context)
{
	struct hearing *hearing = context;
	struct hop news;

	switch (message->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWRULE:
	case RTM_DELRULE:
		hearing->hops->asked_policy = false;
		hearing->hops->routes = hearing->hops->found.count > 0;
		break;
	default:
		if (hop_read(message, &news)) {
			hearing->changed = take_neighbour(hearing->hops, &news) || hearing->changed;
		}
		break;
	}
	return MNL_CB_OK;
}

/* Whether the neighbour is one of ours, and another one than it was. */
static bool take_neighbour(struct lane_hops *hops, const struct hop *news)
{
	uint32_t low = 0, high = hops->found.count;
	bool changed = false;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (hop_compare(&hops->found.list[middle].hop, news) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	for (; low < hops->found.count && hop_compare(&hops->found.list[low].hop, news) == 0;
	     low++) {
		struct hop *known = &hops->found.list[low].hop;
		struct hop before = *known;

		known->state = news->state;
		known->mac_bytes = news->mac_bytes;
		memcpy(known->mac, news->mac, sizeof(known->mac));
		changed = changed || !is_same(hops, &before, known);
	}
	return changed;
}

static bool ask_again(struct lane_hops *hops, struct lane_hop *known)
{
	struct lane_hop now = *known;

	reach(hops, &now);
	if (now.hop.way == HOP_NEIGHBOUR && !hop_is_fresh(&now.hop)) {
		use(hops, &now.hop);
	}
	return !is_same(hops, &known->hop, &now.hop); /* a look will know it from now on */
}

/* Finds the hop anew. Where the kernel does not say which rules it has, none are suspected: it was
 * asked for the hop a moment ago. */
static void reach(struct lane_hops *hops, struct lane_hop *key)
{
	hop_reach(hops->asker, &key->to, key->ifindex, &key->hop);
	if (!hops->asked_policy) {
		hops->policy[0] = hop_has_policy(hops->asker, AF_INET) > 0;
		hops->policy[1] = hop_has_policy(hops->asker, AF_INET6) > 0;
		hops->asked_policy = true;
	}
	if (key->hop.way == HOP_NEIGHBOUR && hops->policy[key->to.family == AF_INET6]) {
		key->hop.way = HOP_POLICY;
	}
}

static void use(struct lane_hops *hops, struct hop *hop)
{
	int rc = hop_use(hops->asker, hop);

	if (rc < 0 && !hops->refused) {
		hops->refused = true;
		log_notice("fast path: neighbours cannot be kept: %s; expected CAP_NET_ADMIN; "
			   "flows with unicast outputs leave it when the kernel forgets one",
			   strerror(-rc));
	}
}

/* In what the program is told. */
static bool is_same(const struct lane_hops *hops, const struct hop *a, const struct hop *b)
{
	bool known = lane_hops_knows(hops, a);

	return a->way == b->way && a->ifindex == b->ifindex && addr_ip_equal(&a->addr, &b->addr) &&
	       a->mtu == b->mtu && known == lane_hops_knows(hops, b) &&
	       (!known || memcmp(a->mac, b->mac, sizeof(a->mac)) == 0);
}

static int compare_hops(const void *left, const void *right)
{
	const struct lane_hop *a = left, *b = right;

	return hop_compare(&a->hop, &b->hop);
}
