/* ifwatch.c - see ifwatch.h.
 *
 * Links come as RTM_NEWLINK, in listings and as news alike. What counts as "up again" is a carrier
 * that was away, by the flags or by the kernel's count of carriers: a short interruption may be
 * over before the news is written. The same messages in family AF_BRIDGE speak of ports in other
 * words, and their RTM_DELLINK of a port that left its bridge: they are not looked at.
 */
#include "src/run/ifwatch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"

#define READS_MAX 64 /* in one tick: the others come in the next */
#define DEPTH_MAX 8  /* of links on links, as the kernel has it */

#define LISTING_PAUSE_NS NS_PER_S

static bool is_whole(const struct nlmsghdr *message, int left);
static bool take_link(struct ifwatch_table *table, const struct nlmsghdr *message,
		      const struct ifwatch_listener *listener);
static bool read_link(const struct nlmsghdr *message, struct ifwatch_link *out);
static void read_attribute(const struct nlattr *attr, struct ifwatch_link *out, bool *elsewhere);
static void compare(const struct ifwatch_table *table, const struct ifwatch_link *was,
		    const struct ifwatch_link *is, const struct ifwatch_listener *listener);
static void tell_uppers(const struct ifwatch_table *table, const struct ifwatch_link *of, int depth,
			const struct ifwatch_listener *listener);
static void take_address(const struct ifwatch_table *table, const struct nlmsghdr *message,
			 const struct ifwatch_listener *listener);
static void remove_link(struct ifwatch_table *table, unsigned ifindex,
			const struct ifwatch_listener *listener);
static unsigned end_listing(struct ifwatch_table *table, const struct ifwatch_listener *listener);
static struct ifwatch_link *find_link(const struct ifwatch_table *table, unsigned ifindex);
static struct ifwatch_link *add_link(struct ifwatch_table *table, unsigned ifindex);
static void tell(const struct ifwatch_listener *listener, enum ifwatch_news news, unsigned ifindex,
		 const char *name);
static int ask_for_links(struct ifwatch *watch);

void ifwatch_begin_listing(struct ifwatch_table *table)
{
	table->listing++;
	table->broken = false;
}

unsigned ifwatch_take(struct ifwatch_table *table, const void *data, size_t bytes,
		      const struct ifwatch_listener *listener)
{
	const struct nlmsghdr *message = data;
	unsigned found = 0;
	int left = (int)bytes;

	for (; is_whole(message, left); message = mnl_nlmsg_next(message, &left)) {
		table->broken = table->broken || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		switch (message->nlmsg_type) {
		case RTM_NEWLINK:
		case RTM_DELLINK:
			found |= take_link(table, message, listener) ? 0 : IFWATCH_BROKEN;
			break;
		case RTM_NEWADDR:
		case RTM_DELADDR:
			take_address(table, message, listener);
			break;
		case NLMSG_ERROR:
			found |= IFWATCH_LISTED | IFWATCH_BROKEN;
			break;
		case NLMSG_DONE:
			found |= end_listing(table, listener);
			break;
		default:
			break;
		}
	}
	return found;
}

const struct ifwatch_link *ifwatch_find(const struct ifwatch_table *table, unsigned ifindex)
{
	return find_link(table, ifindex);
}

void ifwatch_table_free(struct ifwatch_table *table)
{
	free(table->links);
	*table = (struct ifwatch_table){0};
}

int ifwatch_open(struct ifwatch *watch)
{
	unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;

	*watch = (struct ifwatch){.fd = -1};
	watch->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!watch->socket || mnl_socket_bind(watch->socket, groups, MNL_SOCKET_AUTOPID) < 0) {
		return -errno;
	}
	watch->fd = mnl_socket_get_fd(watch->socket);
	return ask_for_links(watch);
}

void ifwatch_close(struct ifwatch *watch)
{
	if (watch->socket) {
		mnl_socket_close(watch->socket);
	}
	watch->socket = NULL;
	watch->fd = -1;
	ifwatch_table_free(&watch->table);
}

void ifwatch_tick(struct ifwatch *watch, const struct ifwatch_listener *listener, uint64_t now_ns)
{
	for (int i = 0; watch->fd >= 0 && i < READS_MAX; i++) {
		ssize_t got =
			mnl_socket_recvfrom(watch->socket, watch->buffer, sizeof(watch->buffer));
		unsigned found;

		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			break;
		}
		if (got < 0) {
			watch->wanted = true; /* ENOBUFS, ENOSPC: some of it is lost */
			continue;
		}
		found = ifwatch_take(&watch->table, watch->buffer, (size_t)got, listener);
		watch->listing = watch->listing && !(found & IFWATCH_LISTED);
		watch->wanted = watch->wanted || (found & IFWATCH_BROKEN);
	}
	if (watch->wanted && !watch->listing && now_ns - watch->asked_ns >= LISTING_PAUSE_NS) {
		watch->asked_ns = now_ns;
		(void)ask_for_links(watch); /* still wanted when it fails */
	}
}

/* libmnl reads a length as an int, and takes one beyond INT_MAX for a small one. */
static bool is_whole(const struct nlmsghdr *message, int left)
{
	return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (uint32_t)left;
}

/* False when there is no memory for it. */
static bool take_link(struct ifwatch_table *table, const struct nlmsghdr *message,
		      const struct ifwatch_listener *listener)
{
	struct ifwatch_link is = {0}, was = {0};
	struct ifwatch_link *link;

	if (!read_link(message, &is)) {
		return true;
	}
	if (message->nlmsg_type == RTM_DELLINK) {
		remove_link(table, is.ifindex, listener);
		return true;
	}
	link = find_link(table, is.ifindex);
	if (link) {
		was = *link;
	} else {
		link = add_link(table, is.ifindex);
	}
	if (!link) {
		return false;
	}
	is.listed = table->listing;
	*link = is;
	compare(table, &was, &is, listener);
	return true;
}

/* False when the message is of no link, or without its name. */
static bool read_link(const struct nlmsghdr *message, struct ifwatch_link *out)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	bool elsewhere = false;
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*info) || info->ifi_family != AF_UNSPEC ||
	    info->ifi_index <= 0) {
		return false;
	}
	out->ifindex = (unsigned)info->ifi_index;
	out->running = (info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_RUNNING) != 0;
	mnl_attr_for_each(attr, message, sizeof(*info))
	{
		read_attribute(attr, out, &elsewhere);
	}
	if (elsewhere) {
		out->lower = 0; /* the number is one of another namespace */
	}
	return out->name[0] != '\0';
}

static void read_attribute(const struct nlattr *attr, struct ifwatch_link *out, bool *elsewhere)
{
	bool number = mnl_attr_get_payload_len(attr) == sizeof(uint32_t);

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0) {
			snprintf(out->name, sizeof(out->name), "%s", mnl_attr_get_str(attr));
		}
		break;
	case IFLA_LINK:
		out->lower = number ? mnl_attr_get_u32(attr) : 0;
		break;
	case IFLA_MASTER:
		out->master = number ? mnl_attr_get_u32(attr) : 0;
		break;
	case IFLA_MTU:
		out->mtu = number ? mnl_attr_get_u32(attr) : 0;
		break;
	case IFLA_CARRIER_UP_COUNT:
		out->ups = number ? mnl_attr_get_u32(attr) : 0;
		break;
	case IFLA_LINK_NETNSID:
		*elsewhere = true;
		break;
	default:
		break;
	}
}

/* `was' is all zero for a link that is new. */
static void compare(const struct ifwatch_table *table, const struct ifwatch_link *was,
		    const struct ifwatch_link *is, const struct ifwatch_listener *listener)
{
	bool is_new = was->ifindex == 0;
	bool came = is->running && (!was->running || was->ups != is->ups);

	if (!is_new && strcmp(was->name, is->name) != 0) {
		tell(listener, IFWATCH_REMOVED, was->ifindex, was->name);
	}
	if (is_new || strcmp(was->name, is->name) != 0) {
		tell(listener, IFWATCH_ADDED, is->ifindex, is->name);
	}
	if (came && !is_new) {
		tell(listener, IFWATCH_UP, is->ifindex, is->name);
	}
	if (!is_new && was->running && !is->running) {
		tell(listener, IFWATCH_DOWN, is->ifindex, is->name);
	}
	if (!is_new && is->mtu != 0 && was->mtu != is->mtu) {
		tell(listener, IFWATCH_MTU, is->ifindex, is->name);
	}
	if ((table->known || !is_new) && (came || (is->running && was->master != is->master))) {
		tell_uppers(table, is, 0, listener);
	}
}

static void tell_uppers(const struct ifwatch_table *table, const struct ifwatch_link *of, int depth,
			const struct ifwatch_listener *listener)
{
	for (uint32_t i = 0; i < table->count && depth < DEPTH_MAX; i++) {
		const struct ifwatch_link *upper = &table->links[i];

		if (upper->ifindex != of->ifindex &&
		    (upper->lower == of->ifindex || upper->ifindex == of->master)) {
			tell(listener, IFWATCH_PORT_UP, upper->ifindex, upper->name);
			tell_uppers(table, upper, depth + 1, listener);
		}
	}
}

static void take_address(const struct ifwatch_table *table, const struct nlmsghdr *message,
			 const struct ifwatch_listener *listener)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	const struct ifwatch_link *link;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(*info)) {
		link = find_link(table, info->ifa_index);
		tell(listener,
		     message->nlmsg_type == RTM_NEWADDR ? IFWATCH_ADDRESS : IFWATCH_ADDRESS_GONE,
		     info->ifa_index, link ? link->name : "");
	}
}

static void remove_link(struct ifwatch_table *table, unsigned ifindex,
			const struct ifwatch_listener *listener)
{
	struct ifwatch_link *link = find_link(table, ifindex);
	struct ifwatch_link was;

	if (!link) {
		return;
	}
	was = *link;
	table->count--;
	memmove(link, link + 1, (size_t)(table->links + table->count - link) * sizeof(*link));
	tell(listener, IFWATCH_REMOVED, was.ifindex, was.name);
}

/* When it is complete, whatever was not in it has gone unnoticed. */
static unsigned end_listing(struct ifwatch_table *table, const struct ifwatch_listener *listener)
{
	if (table->broken) {
		return IFWATCH_LISTED | IFWATCH_BROKEN;
	}
	for (uint32_t i = table->count; i-- > 0;) {
		if (table->links[i].listed != table->listing) {
			remove_link(table, table->links[i].ifindex, listener);
		}
	}
	table->known = true;
	return IFWATCH_LISTED;
}

/* The link with this index or, when there is none, NULL. */
static struct ifwatch_link *find_link(const struct ifwatch_table *table, unsigned ifindex)
{
	uint32_t low = 0, high = table->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (table->links[mid].ifindex == ifindex) {
			return &table->links[mid];
		}
		if (table->links[mid].ifindex < ifindex) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return NULL;
}

/* A place for it, in order; indexes mostly grow, so it is looked for from the end. NULL: no memory.
 */
static struct ifwatch_link *add_link(struct ifwatch_table *table, unsigned ifindex)
{
	uint32_t at = table->count;

	if (table->count == table->room) {
		uint32_t room = table->room ? table->room * 2 : 16;
		void *grown = realloc(table->links, room * sizeof(*table->links));

		if (!grown) {
			return NULL;
		}
		table->links = grown;
		table->room = room;
	}
	for (; at > 0 && table->links[at - 1].ifindex > ifindex; at--) {
		table->links[at] = table->links[at - 1];
	}
	table->count++;
	table->links[at] = (struct ifwatch_link){.ifindex = ifindex};
	return &table->links[at];
}

static void tell(const struct ifwatch_listener *listener, enum ifwatch_news news, unsigned ifindex,
		 const char *name)
{
	struct ifwatch_event event = {.news = news, .ifindex = ifindex, .name = name};

	listener->tell(listener->context, &event);
}

static int ask_for_links(struct ifwatch *watch)
{
	char buffer[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct ifinfomsg))];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = watch->table.listing + 1;
	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg)); /* all zero: every link */
	if (mnl_socket_sendto(watch->socket, message, message->nlmsg_len) < 0) {
		return -errno;
	}
	ifwatch_begin_listing(&watch->table);
	watch->listing = true;
	watch->wanted = false;
	return 0;
}
