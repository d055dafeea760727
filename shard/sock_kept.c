/* sock_kept.c - takes over an ingress socket that a process before us opened (step 3).
 *
 * Such a socket comes with its memberships, its filter and its queue, and with nothing but the word
 * of whoever kept it for what it is. So everything that decides what it hears is read from the
 * kernel and compared with what sock_open_ingress and sock_join would have made; what only decides
 * how a datagram is described is set anew, and holds for what is queued too. One thing cannot be
 * changed under a queue: a socket that coalesces may hold trains, which without UDP_GRO would be
 * read as one datagram.
 *
 * How many datagrams the kernel has dropped here is counted with the socket, from its first day on.
 * Which of them the process before us has told of, it notes on the socket itself: as the time-out
 * for sending, which nothing else uses, since an ingress sends nothing and its operations never
 * wait. Of a share of a group it notes what it has received, too, as the time-out for receiving.
 * Control thread at start; the shard at its end (sock_note_drops), and then control
 * (sock_note_share).
 */
#include "shard/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/time.h>

#include "shard/sock_opt.h"
#include "src/base/must.h"

/* One thing that is read. */
struct kept_opt {
	int level, name, value;
	const char *label;
};

static int compare_kind(int fd, const struct rule_ingress *in, unsigned ifindex,
			const struct share *share, struct err *err);
static int compare_name(int fd, const struct rule_ingress *in, struct addr *local,
			const char *subject, struct err *err);
static int compare_filter(int fd, const char *subject, struct err *err);
static int compare_peer(int fd, const struct rule_ingress *in, unsigned ifindex,
			const char *subject, struct err *err);
static int compare_membership(int fd, const struct rule_ingress *in, unsigned ifindex,
			      const char *subject, struct err *err);
static bool is_as_joined(const struct group_filter *filter, const struct rule_ingress *in);
static int fit(int fd, const struct rule_ingress *in, const struct sock_want *want,
	       const char *subject, struct sock_got *got, struct err *err);
static int fit_trains(int fd, bool wanted, const char *subject, bool *got, struct err *err);
static int differs(struct err *err, const char *subject, const char *how);

int sock_take_ingress(int fd, const struct rule_ingress *in, unsigned ifindex,
		      const struct sock_want *want, struct sock_got *got, struct err *err)
{
	struct sock_got found = {0};
	char subject[ENDPOINT_TEXT_MAX];
	int rc;

	endpoint_format(&in->at, subject);
	rc = compare_kind(fd, in, ifindex, &want->share, err);
	rc = rc ? rc : compare_name(fd, in, &found.local, subject, err);
	if (rc == 0 && !share_is_filtered(&want->share, &in->at.addr)) {
		rc = compare_filter(fd, subject, err);
	}
	if (rc == 0 && share_is_part(&want->share)) {
		rc = sock_share_take(fd, in, &want->share, err);
	}
	rc = rc ? rc : compare_membership(fd, in, ifindex, subject, err);
	rc = rc ? rc : compare_peer(fd, in, ifindex, subject, err);
	rc = rc ? rc : fit(fd, in, want, subject, &found, err);
	if (rc == 0) {
		*got = found;
	}
	return rc;
}

void sock_note_drops(int fd, uint32_t drops)
{
	struct timeval note = {.tv_sec = (time_t)drops};

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &note, sizeof(note));
}

uint32_t sock_noted_drops(int fd)
{
	struct timeval note = {0};
	socklen_t len = sizeof(note);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &note, &len) != 0) {
		return 0;
	}
	return (uint32_t)note.tv_sec;
}

void sock_note_share(int fd, uint64_t refused, uint64_t received)
{
	struct timeval noted = {.tv_sec = (time_t)refused};

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &noted, sizeof(noted)) == 0) {
		noted.tv_sec = (time_t)(received + 1); /* last: it tells that both are there */
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &noted, sizeof(noted));
	}
}

bool sock_noted_share(int fd, uint64_t *refused, uint64_t *received)
{
	struct timeval in = {0}, out = {0};
	socklen_t len = sizeof(in);

	if (getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &in, &len) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &out, &len) != 0 || in.tv_sec == 0) {
		return false;
	}
	*received = (uint64_t)in.tv_sec - 1;
	*refused = (uint64_t)out.tv_sec;
	return true;
}

void sock_forget_share(int fd)
{
	struct timeval none = {0};

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
}

/* What socket(2) was asked for, and the options that must stand before bind(2). */
static int compare_kind(int fd, const struct rule_ingress *in, unsigned ifindex,
			const struct share *share, struct err *err)
{
	char subject[ENDPOINT_TEXT_MAX];
	bool v6 = in->at.addr.family == AF_INET6;
	bool divides = share_is_part(share) && !addr_is_multicast(&in->at.addr);
	bool shares =
		addr_is_multicast(&in->at.addr) || addr_is_broadcast(&in->at.addr) || in->shared;
	const struct kept_opt opts[] = {
		{SOL_SOCKET, SO_DOMAIN, in->at.addr.family, "its family"},
		{SOL_SOCKET, SO_TYPE, SOCK_DGRAM, "its type"},
		{SOL_SOCKET, SO_PROTOCOL, IPPROTO_UDP, "its protocol"},
		{SOL_SOCKET, SO_BINDTOIFINDEX, in->at.ifname[0] ? (int)ifindex : 0, "its device"},
		{SOL_SOCKET, SO_REUSEADDR, shares, "SO_REUSEADDR"},
		{SOL_SOCKET, SO_REUSEPORT, divides, "SO_REUSEPORT"},
		{v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MULTICAST_ALL : IP_MULTICAST_ALL, 0,
		 "MULTICAST_ALL"},
		{IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY"},
	};
	size_t count = sizeof(opts) / sizeof(opts[0]) - !v6;

	endpoint_format(&in->at, subject);
	for (size_t i = 0; i < count; i++) {
		int value = -1;
		socklen_t len = sizeof(value);

		if (getsockopt(fd, opts[i].level, opts[i].name, &value, &len) != 0) {
			return sock_fail(err, SOCK_DEED_OPTION, subject, "read a kept socket",
					 errno);
		}
		if (value != opts[i].value) {
			return differs(err, subject, opts[i].label);
		}
	}
	return 0;
}

static int compare_name(int fd, const struct rule_ingress *in, struct addr *local,
			const char *subject, struct err *err)
{
	int rc = sock_read_local(fd, local);

	if (rc < 0) {
		return sock_fail(err, SOCK_DEED_OPTION, subject, "read a kept socket", -rc);
	}
	return addr_equal(local, &in->at.addr) ? 0 : differs(err, subject, "what it is bound to");
}

/* A socket that was emptied has one that refuses everything. */
static int compare_filter(int fd, const char *subject, struct err *err)
{
	socklen_t len = 0; /* in instructions; the answer is how many there are */

	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len) != 0 || len != 0) {
		return differs(err, subject, "its filter");
	}
	return 0;
}

/* Flows of one port that differ in their source: a peer without a port cannot be read, so it is
 * named again, and what is queued from others is refused as foreign. */
static int compare_peer(int fd, const struct rule_ingress *in, unsigned ifindex,
			const char *subject, struct err *err)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	if (getpeername(fd, (struct sockaddr *)&name, &len) == 0) {
		return differs(err, subject, "its peer");
	}
	if (!in->shared || in->source.family == 0 || in->source_bits != 0) {
		return 0;
	}
	len = addr_to_sockaddr(&in->source, ifindex, &name);
	if (connect(fd, (struct sockaddr *)&name, len) != 0) {
		return sock_fail(err, SOCK_DEED_SOURCE, subject, "hear only its source", errno);
	}
	return 0;
}

static int compare_membership(int fd, const struct rule_ingress *in, unsigned ifindex,
			      const char *subject, struct err *err)
{
	union {
		struct group_filter filter;
		char room[GROUP_FILTER_SIZE(2)];
	} is = {.filter = {.gf_interface = ifindex, .gf_numsrc = 2}};
	socklen_t len = sizeof(is);
	struct addr group = in->at.addr;
	int level = group.family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;

	if (!addr_is_multicast(&group)) {
		return 0;
	}
	group.port = 0;
	addr_to_sockaddr(&group, ifindex, &is.filter.gf_group);
	if (getsockopt(fd, level, MCAST_MSFILTER, &is, &len) != 0 ||
	    !is_as_joined(&is.filter, in)) {
		return differs(err, subject, "its membership");
	}
	return 0;
}

static bool is_as_joined(const struct group_filter *filter, const struct rule_ingress *in)
{
	struct addr source;

	if (in->source.family == 0) {
		return filter->gf_fmode == MCAST_EXCLUDE && filter->gf_numsrc == 0;
	}
	return filter->gf_fmode == MCAST_INCLUDE && filter->gf_numsrc == 1 &&
	       addr_from_sockaddr((const struct sockaddr *)&filter->gf_slist[0], &source) == 0 &&
	       addr_ip_equal(&source, &in->source);
}

/* What may be other than it was. */
static int fit(int fd, const struct rule_ingress *in, const struct sock_want *want,
	       const char *subject, struct sock_got *got, struct err *err)
{
	int rc = fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? 0 : -errno;

	if (rc == 0) {
		rc = sock_set_buffer(fd, SO_RCVBUF, want->buffer_bytes, got);
	}
	if (rc == 0) {
		rc = sock_set_stamp(fd, want->stamp);
	}
	if (rc < 0) {
		return sock_fail(err, SOCK_DEED_OPTION, subject, "fit a kept socket", -rc);
	}
	rc = sock_want_more(fd, in, want, err);
	return rc ? rc : fit_trains(fd, want->gro, subject, &got->gro, err);
}

static int fit_trains(int fd, bool wanted, const char *subject, bool *got, struct err *err)
{
	int is = 0, on = 1;
	socklen_t len = sizeof(is);

	if (getsockopt(fd, SOL_UDP, UDP_GRO, &is, &len) != 0) {
		is = wanted; /* kernels before 5.7 do not tell */
	}
	if (is && !wanted) {
		return differs(err, subject, "UDP_GRO");
	}
	*got = wanted && setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on)) == 0;
	return 0;
}

static int differs(struct err *err, const char *subject, const char *how)
{
	err_set(err, "%s: the kept socket is not as this rule wants it: %s differs", subject, how);
	return -ESTALE;
}
