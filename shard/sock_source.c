/* sock_source.c - sockets that send from an address that the rule names (src=, step 10).
 *
 * Such an address may be not this host's, yet or any more. And of a port that the rule leaves to
 * the kernel this looks at that one address only: another socket may have it at any other, and then
 * nobody can hear what comes to it at whichever address, as reply=yes does. So a socket that is
 * bound to no address gets the port first, which the kernel gives it only if nobody has it.
 *
 * Owner: the shard thread at start, or control. See sock.h and sock_opt.h.
 */
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "shard/sock_opt.h"

static int hold_port(uint16_t family, const char *subject, uint16_t *port, struct err *err);
static int bind_at(int fd, const struct addr *at, unsigned ifindex, struct sock_got *got,
		   struct err *err);
static int bind_ahead(int fd, const struct addr *at, unsigned ifindex, struct sock_got *got,
		      struct err *err);

bool sock_lacks_source(const struct rule_output *out, unsigned ifindex)
{
	struct sock_got got = {0};
	struct addr at = out->src;
	struct err ignored;
	int fd = out->src.family != 0 ? sock_create(out->src.family, "", &ignored) : -1;
	bool lacks;

	at.port = 0;
	lacks = fd >= 0 && sock_bind(fd, &at, ifindex, &got.local, &ignored) == -EADDRNOTAVAIL;
	if (fd >= 0) {
		close(fd);
	}
	return lacks;
}

int sock_bind_source(int fd, const struct rule_output *out, unsigned ifindex, struct sock_got *got,
		     struct err *err)
{
	struct addr at = out->src;
	char subject[ADDR_TEXT_MAX];
	int holder, rc;

	at.port = out->sport;
	if (at.port != 0) {
		return bind_at(fd, &at, ifindex, got, err);
	}
	addr_format(&at, subject);
	holder = hold_port(at.family, subject, &at.port, err);
	if (holder < 0) {
		return holder;
	}
	rc = sock_share_port(fd, 1, subject, err);
	rc = rc == 0 ? bind_at(fd, &at, ifindex, got, err) : rc;
	rc = rc == 0 ? sock_share_port(fd, 0, subject, err) : rc;
	close(holder);
	return rc;
}

/* A socket that has a port which nobody else has at any address, and shares it; or -errno. */
static int hold_port(uint16_t family, const char *subject, uint16_t *port, struct err *err)
{
	int fd = sock_create(family, subject, err);
	struct addr any = {.family = family}, local = {0};
	int rc;

	if (fd < 0) {
		return fd;
	}
	rc = sock_bind(fd, &any, 0, &local, err);
	rc = rc == 0 ? sock_share_port(fd, 1, subject, err) : rc;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	*port = local.port;
	return fd;
}

static int bind_at(int fd, const struct addr *at, unsigned ifindex, struct sock_got *got,
		   struct err *err)
{
	int rc = sock_bind(fd, at, ifindex, &got->local, err);

	if (rc == -EADDRNOTAVAIL) {
		got->sourceless = true;
		rc = bind_ahead(fd, at, ifindex, got, err);
	}
	return rc;
}

/* To an address that this host does not have: it may come, as that of a machine that has failed
 * does. Until then IPv4 refuses to send from it; IPv6 would not, so whoever has the output must. */
static int bind_ahead(int fd, const struct addr *at, unsigned ifindex, struct sock_got *got,
		      struct err *err)
{
	struct sock_opts opts = {0};
	char subject[ADDR_TEXT_MAX];
	int rc;

	if (at->family == AF_INET6) {
		sock_want_opt(&opts, SOCK_OPT(IPPROTO_IPV6, IPV6_FREEBIND, 1));
	} else {
		sock_want_opt(&opts, SOCK_OPT(IPPROTO_IP, IP_FREEBIND, 1));
	}
	rc = sock_set_opts(fd, addr_format(at, subject), &opts, err);
	return rc == 0 ? sock_bind(fd, at, ifindex, &got->local, err) : rc;
}
