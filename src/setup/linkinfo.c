/* linkinfo.c - one RTM_GETLINK, by index or by alternative name, and its answer.
 *
 * Attributes are read into a table by their number and looked up there; a kernel that does not know
 * one of them leaves its place empty. Control thread.
 */
#include "src/setup/linkinfo.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES 16384
#define ANSWER_S     2
#define ALTNAME_ROOM 128 /* the kernel's longest, with its zero byte */

struct question {
	struct nlmsghdr head;
	struct ifinfomsg body;
	struct rtattr attr;
	char name[ALTNAME_ROOM];
};

static int ask_link(unsigned ifindex, const char *altname, unsigned *found, struct linkinfo *out);
static int exchange(int fd, unsigned ifindex, const char *altname, unsigned *found,
		    struct linkinfo *out);
static void add_name(struct question *question, const char *altname);
static int read_link(const struct nlmsghdr *head, unsigned *found, struct linkinfo *out);
static void index_attributes(const struct rtattr *attr, int left, const struct rtattr **table,
			     unsigned most);
static void read_kinds(const struct rtattr *info, struct linkinfo *out);
static bool read_keeps_tags(const struct rtattr *data);
static void copy_kind(const struct rtattr *attr, char *kind);
static uint32_t read_u32(const struct rtattr *attr);

int linkinfo_ask(unsigned ifindex, struct linkinfo *out)
{
	unsigned same;

	return ask_link(ifindex, "", &same, out);
}

int linkinfo_find(const char *altname, unsigned *ifindex)
{
	struct linkinfo ignored;

	return ask_link(0, altname, ifindex, &ignored);
}

bool linkinfo_is_taken(const struct linkinfo *link)
{
	return link->master[0] != '\0' && strcmp(link->master_kind, "vrf") != 0;
}

bool linkinfo_is_stacked(const struct linkinfo *link)
{
	static const char *const free_kinds[] = {"", "veth", "dummy", "bond", "team", "ifb"};

	for (size_t i = 0; i < sizeof(free_kinds) / sizeof(free_kinds[0]); i++) {
		if (strcmp(link->kind, free_kinds[i]) == 0) {
			return false;
		}
	}
	return true;
}

/* By index, or where that is 0 by alternative name. */
static int ask_link(unsigned ifindex, const char *altname, unsigned *found, struct linkinfo *out)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct linkinfo link = {0};
	unsigned index = 0;
	int rc;

	if (fd < 0) {
		return -errno;
	}
	rc = exchange(fd, ifindex, altname, &index, &link);
	close(fd);
	if (rc == 0) {
		*found = index;
		*out = link;
	}
	return rc;
}

static int exchange(int fd, unsigned ifindex, const char *altname, unsigned *found,
		    struct linkinfo *out)
{
	struct timeval limit = {.tv_sec = ANSWER_S};
	struct question question = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(question.body)),
			 .nlmsg_type = RTM_GETLINK,
			 .nlmsg_flags = NLM_F_REQUEST},
		.body = {.ifi_index = (int)ifindex},
	};
	union {
		struct nlmsghdr head;
		char bytes[ANSWER_BYTES];
	} answer;
	ssize_t len;

	if (ifindex == 0) {
		add_name(&question, altname);
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    send(fd, &question, question.head.nlmsg_len, 0) < 0) {
		return -errno;
	}
	len = recv(fd, &answer, sizeof(answer), 0);
	if (len < 0) {
		return -errno;
	}
	return NLMSG_OK(&answer.head, (uint32_t)len) ? read_link(&answer.head, found, out)
						     : -EBADMSG;
}

static void add_name(struct question *question, const char *altname)
{
	size_t len = strnlen(altname, sizeof(question->name) - 1) + 1;

	question->attr.rta_type = IFLA_ALT_IFNAME;
	question->attr.rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(question->name, altname, len);
	question->name[sizeof(question->name) - 1] = '\0';
	question->head.nlmsg_len += RTA_SPACE(len);
}

static int read_link(const struct nlmsghdr *head, unsigned *found, struct linkinfo *out)
{
	const struct rtattr *table[IFLA_MAX + 1] = {0};
	unsigned master;

	if (head->nlmsg_type == NLMSG_ERROR && NLMSG_PAYLOAD(head, 0) >= sizeof(int)) {
		int error = ((const struct nlmsgerr *)NLMSG_DATA(head))->error;

		return error < 0 ? error : -EBADMSG;
	}
	if (head->nlmsg_type != RTM_NEWLINK || NLMSG_PAYLOAD(head, 0) < sizeof(struct ifinfomsg)) {
		return -EBADMSG;
	}
	*found = (unsigned)((const struct ifinfomsg *)NLMSG_DATA(head))->ifi_index;
	index_attributes(IFLA_RTA(NLMSG_DATA(head)), (int)IFLA_PAYLOAD(head), table, IFLA_MAX);
	out->mtu_max = read_u32(table[IFLA_MAX_MTU]);
	master = read_u32(table[IFLA_MASTER]);
	if (master != 0 && !if_indextoname(master, out->master)) {
		snprintf(out->master, sizeof(out->master), "?"); /* gone since, or elsewhere */
	}
	if (table[IFLA_LINKINFO]) {
		read_kinds(table[IFLA_LINKINFO], out);
	}
	return 0;
}

static void index_attributes(const struct rtattr *attr, int left, const struct rtattr **table,
			     unsigned most)
{
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		unsigned type = attr->rta_type & NLA_TYPE_MASK;

		if (type <= most) {
			table[type] = attr;
		}
	}
}

static void read_kinds(const struct rtattr *info, struct linkinfo *out)
{
	const struct rtattr *table[IFLA_INFO_MAX + 1] = {0};

	index_attributes(RTA_DATA(info), (int)RTA_PAYLOAD(info), table, IFLA_INFO_MAX);
	copy_kind(table[IFLA_INFO_KIND], out->kind);
	copy_kind(table[IFLA_INFO_SLAVE_KIND], out->master_kind);
	if (strcmp(out->kind, "vlan") == 0 && table[IFLA_INFO_DATA]) {
		out->keeps_tags = read_keeps_tags(table[IFLA_INFO_DATA]);
	}
}

/* As `reorder_hdr off' of ip(8) has it; no flags at all stand for that, too. */
static bool read_keeps_tags(const struct rtattr *data)
{
	const struct rtattr *table[IFLA_VLAN_MAX + 1] = {0};
	const struct rtattr *flags;
	struct ifla_vlan_flags value = {0};

	index_attributes(RTA_DATA(data), (int)RTA_PAYLOAD(data), table, IFLA_VLAN_MAX);
	flags = table[IFLA_VLAN_FLAGS];
	if (flags && RTA_PAYLOAD(flags) >= sizeof(value)) {
		memcpy(&value, RTA_DATA(flags), sizeof(value));
	}
	return !(value.flags & VLAN_FLAG_REORDER_HDR);
}

static void copy_kind(const struct rtattr *attr, char *kind)
{
	if (attr) {
		snprintf(kind, LINKINFO_KIND_MAX, "%.*s", (int)RTA_PAYLOAD(attr),
			 (const char *)RTA_DATA(attr));
	}
}

static uint32_t read_u32(const struct rtattr *attr)
{
	uint32_t value = 0;

	if (attr && RTA_PAYLOAD(attr) >= sizeof(value)) {
		memcpy(&value, RTA_DATA(attr), sizeof(value));
	}
	return value;
}
