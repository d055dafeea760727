/* sock.c - the steps that ingress and egress sockets share, each read back (steps 3 and 10).
 *
 * Owner: whoever opens the socket, at start; only sock_kernel_drops, sock_napi_id and
 * sock_drain_errors are called while traffic flows (none blocks). Units: bytes as the operator
 * counts them; the kernel doubles a buffer size for its own overhead and reports the double.
 */
#include "shard/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <time.h> /* for the next, which leaves it out */

#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shard/sock_opt.h"
#include "src/base/must.h"

#define DOING_TEXT_MAX 128

static uint32_t memory_info(int fd, unsigned what);
static bool read_error(int fd, struct sock_errors *seen);
static int set_opt(int fd, const char *subject, const struct sock_opt *opt, struct err *err);

uint32_t sock_path_mtu(int fd, int family)
{
	bool v6 = family == AF_INET6;
	int mtu = 0;
	socklen_t len = sizeof(mtu);

	if (getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu, &len) !=
	    0) {
		return 0;
	}
	return mtu > 0 ? (uint32_t)mtu : 0;
}

bool sock_device_is_up(int fd, unsigned ifindex)
{
	struct ifreq request = {.ifr_ifindex = (int)ifindex};

	return ioctl(fd, SIOCGIFNAME, &request) == 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 &&
	       (request.ifr_flags & IFF_UP) != 0;
}

uint32_t sock_device_mtu(int fd, unsigned ifindex)
{
	struct ifreq request = {.ifr_ifindex = (int)ifindex};

	if (ifindex == 0 || ioctl(fd, SIOCGIFNAME, &request) != 0 ||
	    ioctl(fd, SIOCGIFMTU, &request) != 0) {
		return 0;
	}
	return request.ifr_mtu > 0 ? (uint32_t)request.ifr_mtu : 0;
}

uint32_t sock_kernel_drops(int fd)
{
	return memory_info(fd, SK_MEMINFO_DROPS);
}

uint32_t sock_queued_bytes(int fd)
{
	return memory_info(fd, SK_MEMINFO_RMEM_ALLOC);
}

uint32_t sock_napi_id(int fd)
{
	uint32_t id = 0;
	socklen_t len = sizeof(id);

	return getsockopt(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &len) == 0 ? id : 0;
}

struct sock_errors sock_drain_errors(int fd)
{
	struct sock_errors seen = {0};

	for (int i = 0; i < ERRQUEUE_DRAIN_MAX && read_error(fd, &seen); i++) {
		continue;
	}
	return seen;
}

void sock_want_opt(struct sock_opts *opts, struct sock_opt opt)
{
	must(opts->count < SOCK_OPTS_MAX);
	opts->opt[opts->count++] = opt;
}

int sock_set_opts(int fd, const char *subject, const struct sock_opts *opts, struct err *err)
{
	for (unsigned i = 0; i < opts->count; i++) {
		int rc = set_opt(fd, subject, &opts->opt[i], err);

		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

int sock_share_port(int fd, int on, const char *subject, struct err *err)
{
	struct sock_opts opts = {0};

	sock_want_opt(&opts, SOCK_OPT(SOL_SOCKET, SO_REUSEADDR, on));
	return sock_set_opts(fd, subject, &opts, err);
}

int sock_create(int family, const char *subject, struct err *err)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return sock_fail(err, SOCK_DEED_CREATE, subject,
				 family == AF_INET6 ? "open an IPv6 socket" : "open an IPv4 socket",
				 errno);
	}
	return fd;
}

int sock_create_raw(int family, const char *subject, struct err *err)
{
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);

	if (fd < 0) {
		return sock_fail(err, SOCK_DEED_CREATE_RAW, subject, "open a raw socket", errno);
	}
	return fd;
}

int sock_bind_device(int fd, const char *ifname, unsigned ifindex, struct err *err)
{
	int kept = 0;
	socklen_t len = sizeof(kept);

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname) + 1) !=
		    0 ||
	    getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &kept, &len) != 0) {
		return sock_fail(err, SOCK_DEED_DEVICE, ifname, "bind to the interface", errno);
	}
	/* The name may stand for another interface by now than when the index was looked up. */
	if ((unsigned)kept != ifindex) {
		return sock_fail(err, SOCK_DEED_DEVICE, ifname, "bind to the interface", ENODEV);
	}
	return 0;
}

bool sock_is_broadcast(const struct endpoint *to, unsigned ifindex)
{
	struct sockaddr_storage name;
	socklen_t len = addr_to_sockaddr(&to->addr, ifindex, &name);
	struct err ignored;
	bool found = false;
	int fd;

	if (to->addr.family != AF_INET || addr_is_multicast(&to->addr)) {
		return false;
	}
	if (addr_is_broadcast(&to->addr)) {
		return true;
	}
	fd = sock_create(AF_INET, "", &ignored);
	/* The kernel says so by refusing to connect a socket without SO_BROADCAST; it refuses in
	 * the same way where a route prohibits the address, and will again. */
	if (fd >= 0) {
		found = (!to->ifname[0] ||
			 sock_bind_device(fd, to->ifname, ifindex, &ignored) == 0) &&
			connect(fd, (struct sockaddr *)&name, len) != 0 && errno == EACCES;
		close(fd);
	}
	return found;
}

int sock_bind(int fd, const struct addr *at, unsigned ifindex, struct addr *local, struct err *err)
{
	struct sockaddr_storage name;
	socklen_t len = addr_to_sockaddr(at, ifindex, &name);
	char subject[ADDR_TEXT_MAX];

	if (bind(fd, (struct sockaddr *)&name, len) != 0) {
		return sock_fail(err, at->port == 0 ? SOCK_DEED_BIND_ANY : SOCK_DEED_BIND,
				 addr_format(at, subject), "bind", errno);
	}

	int rc = sock_read_local(fd, local);

	if (rc != 0) {
		return sock_fail(err, SOCK_DEED_OPTION, addr_format(at, subject),
				 "read its own name", -rc);
	}
	if (!addr_ip_equal(local, at) || local->port == 0 ||
	    (at->port != 0 && local->port != at->port)) {
		err_set(err, "%s: cannot bind: the kernel bound something else",
			addr_format(at, subject));
		return -EIO;
	}
	return 0;
}

int sock_read_local(int fd, struct addr *local)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &len) != 0) {
		return -errno;
	}
	return addr_from_sockaddr((struct sockaddr *)&name, local);
}

int sock_set_buffer(int fd, int name, uint32_t want_bytes, struct sock_got *got)
{
	int forced = name == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
	int value = want_bytes > INT_MAX / 2 ? INT_MAX / 2 : (int)want_bytes;
	int kept = 0;
	socklen_t len = sizeof(kept);

	if (want_bytes != 0 && setsockopt(fd, SOL_SOCKET, forced, &value, sizeof(value)) != 0 &&
	    setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)) != 0) {
		return -errno;
	}
	if (getsockopt(fd, SOL_SOCKET, name, &kept, &len) != 0) {
		return -errno;
	}
	got->buffer_bytes = (uint32_t)kept / 2;
	got->clamped = got->buffer_bytes < want_bytes;
	return 0;
}

static uint32_t memory_info(int fd, unsigned what)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0) {
		return 0;
	}
	return info[what];
}

/* Takes one entry; false when there is none. What this host itself has to say (its own MTU, mostly)
 * is left out: the send that it is about has failed with it. */
static bool read_error(int fd, struct sock_errors *seen)
{
	char control[256]; /* the error with its offender, and whatever else is switched on */
	char payload[1];   /* the refused datagram itself is of no interest */
	struct iovec iov = {payload, sizeof(payload)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct sock_extended_err ee;

	if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
		return false;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
		    (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR)) {
			continue;
		}
		memcpy(&ee, CMSG_DATA(c), sizeof(ee));
		if (ee.ee_origin == SO_EE_ORIGIN_ICMP || ee.ee_origin == SO_EE_ORIGIN_ICMP6) {
			seen->icmp++;
			seen->icmp_errno = (int)ee.ee_errno;
		}
	}
	return true;
}

static int set_opt(int fd, const char *subject, const struct sock_opt *opt, struct err *err)
{
	char doing[DOING_TEXT_MAX];
	int kept = 0;
	socklen_t len = sizeof(kept);

	snprintf(doing, sizeof(doing), "set %s to %d", opt->label, opt->value);
	if (setsockopt(fd, opt->level, opt->name, &opt->value, sizeof(opt->value)) != 0 ||
	    getsockopt(fd, opt->level, opt->name, &kept, &len) != 0) {
		return sock_fail(err, opt->deed, subject, doing, errno);
	}
	if (kept != opt->value) {
		err_set(err, "%s: cannot %s: the kernel kept %d", subject, doing, kept);
		return -EIO;
	}
	return 0;
}
