/* sock_explain.c - turns (what was being done, errno) into a message with its cure (step 3).
 *
 * One table: adding a cure is adding a line. The values that decide are read when the message is
 * written, so that the operator sees what to raise and from what. Control path only.
 */
#include "shard/sock_opt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SYSCTL_TEXT_MAX 64
#define SOCK_NOW_MAX    4

static const struct sock_cure {
	enum sock_deed deed;
	int error;
	const char *text;
	const char *now[SOCK_NOW_MAX]; /* sysctls whose values are shown */
} sock_cures[] = {
	{SOCK_DEED_CREATE_RAW,
	 EPERM,
	 "sport=keep needs CAP_NET_RAW (AmbientCapabilities= in the unit)",
	 {0}},
	{SOCK_DEED_CREATE_RAW,
	 EMFILE,
	 "this process may not open more files; raise `ulimit -n' (LimitNOFILE= in the unit)",
	 {"ulimit -n"}},
	{SOCK_DEED_CREATE,
	 EMFILE,
	 "this process may not open more files; raise `ulimit -n' (LimitNOFILE= in the unit)",
	 {"ulimit -n"}},
	{SOCK_DEED_CREATE,
	 ENFILE,
	 "the system has no file left; raise fs.file-max",
	 {"fs.file-max"}},
	{SOCK_DEED_CREATE,
	 EAFNOSUPPORT,
	 "this kernel or container has no such address family; enable IPv6 or remove the rule",
	 {0}},
	{SOCK_DEED_DEVICE,
	 ENODEV,
	 "the interface is not there, or was deleted and made anew; see `ip link'",
	 {0}},
	{SOCK_DEED_DEVICE,
	 EPERM,
	 "kernels before 5.7 want CAP_NET_RAW for this; grant it (AmbientCapabilities= in the "
	 "unit)",
	 {0}},
	{SOCK_DEED_BIND,
	 EADDRINUSE,
	 "another socket has this address and port; `ss -ulpn' names its process",
	 {0}},
	{SOCK_DEED_BIND,
	 EADDRNOTAVAIL,
	 "not an address of this machine, or not yet usable (IPv6 duplicate address detection, "
	 "disable_ipv6); see `ip address'",
	 {0}},
	{SOCK_DEED_BIND,
	 EACCES,
	 "a port this low needs CAP_NET_BIND_SERVICE (AmbientCapabilities= in the unit), or a "
	 "lower net.ipv4.ip_unprivileged_port_start",
	 {"net.ipv4.ip_unprivileged_port_start"}},
	{SOCK_DEED_BIND_ANY,
	 EADDRINUSE,
	 "no free port to send from; widen net.ipv4.ip_local_port_range or give sport=",
	 {"net.ipv4.ip_local_port_range"}},
	{SOCK_DEED_BIND_ANY,
	 EADDRNOTAVAIL,
	 "src= is not an address of this machine, or not yet usable (IPv6 duplicate address "
	 "detection, disable_ipv6); see `ip address'",
	 {0}},
	{SOCK_DEED_SOURCE,
	 ENETUNREACH,
	 "the kernel tells senders of one port apart only where it has a route back to each; see "
	 "`ip route get'",
	 {0}},
	{SOCK_DEED_JOIN,
	 ENOBUFS,
	 "the kernel allows this socket no membership; raise net.ipv4.igmp_max_memberships (for a "
	 "source also igmp_max_msf, IPv6: mld_max_msf) or net.core.optmem_max",
	 {"net.ipv4.igmp_max_memberships", "net.ipv4.igmp_max_msf", "net.ipv6.mld_max_msf",
	  "net.core.optmem_max"}},
	{SOCK_DEED_JOIN,
	 ENOMEM,
	 "no room for the membership; raise net.core.optmem_max",
	 {"net.core.optmem_max"}},
	{SOCK_DEED_JOIN,
	 ENODEV,
	 "the interface is not there, or was deleted and made anew; see `ip link'",
	 {0}},
	{SOCK_DEED_JOIN, EADDRINUSE, "this socket is a member already; the rule stands twice", {0}},
	{SOCK_DEED_JOIN,
	 EADDRNOTAVAIL,
	 "the interface takes no such membership (disable_ipv6, or a source joined otherwise); see "
	 "`ip address' and `ip maddress'",
	 {0}},
	{SOCK_DEED_CONNECT, EACCES, "a route prohibits the destination; see `ip route get'", {0}},
	{SOCK_DEED_TRANSPARENT,
	 EPERM,
	 "src=keep needs CAP_NET_RAW or CAP_NET_ADMIN (AmbientCapabilities= in the unit)",
	 {0}},
	{SOCK_DEED_PRIORITY,
	 EPERM,
	 "priority=7 needs CAP_NET_ADMIN or CAP_NET_RAW (AmbientCapabilities= in the unit)",
	 {0}},
	{SOCK_DEED_SHARE,
	 ENOPROTOOPT,
	 "by= on a unicast ingress needs Linux 4.5 or newer; remove by= and spread=",
	 {0}},
	{SOCK_DEED_SHARE,
	 ENOMEM,
	 "no room for the program; raise net.core.optmem_max",
	 {"net.core.optmem_max"}},
};

static void append_now(struct err *err, const char *const names[SOCK_NOW_MAX]);
static bool read_sysctl(const char *name, char *text, size_t room);
static void replace(char *text, char from, char to);

int sock_fail(struct err *err, enum sock_deed deed, const char *subject, const char *doing,
	      int error)
{
	const struct sock_cure *cure = NULL;

	for (size_t i = 0; i < sizeof(sock_cures) / sizeof(*sock_cures); i++) {
		if (sock_cures[i].deed == deed && sock_cures[i].error == error) {
			cure = &sock_cures[i];
		}
	}
	if (!cure) {
		err_set(err, "%s: cannot %s: %s", subject, doing, strerror(error));
		return -error;
	}
	err_set(err, "%s: cannot %s: %s; %s", subject, doing, strerror(error), cure->text);
	append_now(err, cure->now);
	return -error;
}

/* Appends " (now NAME = VALUE, ...)" for sysctls that exist, and for "ulimit -n". */
static void append_now(struct err *err, const char *const names[SOCK_NOW_MAX])
{
	const char *opening = " (now ";

	for (int i = 0; i < SOCK_NOW_MAX && names[i]; i++) {
		char value[SYSCTL_TEXT_MAX];

		if (read_sysctl(names[i], value, sizeof(value))) {
			err_set(err, "%s%s%s = %s", err->text, opening, names[i], value);
			opening = ", ";
		}
	}
	if (*opening == ',') {
		err_set(err, "%s)", err->text);
	}
}

/* The value as text, its tabs and final newline tidied; false when it cannot be read. */
static bool read_sysctl(const char *name, char *text, size_t room)
{
	char path[SYSCTL_TEXT_MAX + sizeof("/proc/sys/")];
	struct rlimit limit;

	if (strcmp(name, "ulimit -n") == 0) {
		if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
			return false;
		}
		snprintf(text, room, "%llu", (unsigned long long)limit.rlim_cur);
		return true;
	}
	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	replace(path + sizeof("/proc/sys/") - 1, '.', '/');

	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return false;
	}

	ssize_t n = read(fd, text, room - 1);

	close(fd);
	if (n <= 0) {
		return false;
	}
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	replace(text, '\t', ' ');
	return true;
}

static void replace(char *text, char from, char to)
{
	for (char *p = strchr(text, from); p; p = strchr(p, from)) {
		*p = to;
	}
}
