/* sock_source.c - source addresses that are not this host's, yet or any more (src=, step 10).
 *
 * Owner: the shard thread at start, or control. See sock.h and sock_opt.h.
 */
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "shard/sock_opt.h"

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

/* To an address that this host does not have: it may come, as that of a machine that has failed
 * does. Until then IPv4 refuses to send from it; IPv6 would not, so whoever has the output must. */
int sock_bind_ahead(int fd, const struct addr *at, unsigned ifindex, struct sock_got *got,
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
