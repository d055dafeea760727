/* sock_share.c - sockets of one flow that several shards take by shares (step 3).
 *
 * A multicast datagram reaches each of the k joined sockets, and a filter on each refuses what is
 * another's share. A unicast datagram reaches one of the k sockets bound to its port, which one a
 * program says that belongs to all of them; it counts sockets in the order in which they were
 * bound, so that order is the order of the shares. Owner: the control thread while the shards wait
 * at the gate, and once more at the end (sock_refuse_all, sock_leave).
 */
#include "shard/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "shard/sock_opt.h"
#include "src/base/must.h"

static int refuse_broadcast(const struct rule_ingress *in, struct err *err);
static int check_free(const struct rule_ingress *in, unsigned ifindex, struct err *err);
static int attach(int fd, int name, const struct share_program *program,
		  const struct rule_ingress *in, struct err *err);
static int check_kept(int fd, const struct share_program *program, const char *subject,
		      struct err *err);

int sock_share_bind(int fd, const struct rule_ingress *in, unsigned ifindex,
		    const struct share *share, struct sock_got *got, struct err *err)
{
	struct share_program program;
	int rc = 0;

	must(share_is_part(share));
	if (addr_is_multicast(&in->at.addr)) {
		return 0;
	}
	if (share->index == 0 && sock_is_broadcast(&in->at, ifindex)) {
		return refuse_broadcast(in, err);
	}
	if (share->index == 0) {
		share_chooser(share, in->at.addr.family, &program);
		rc = check_free(in, ifindex, err);
		rc = rc ? rc : attach(fd, SO_ATTACH_REUSEPORT_CBPF, &program, in, err);
	}
	return rc ? rc : sock_bind_ingress(fd, in, ifindex, got, err);
}

int sock_share_open(int fd, const struct rule_ingress *in, const struct share *share,
		    struct err *err)
{
	struct share_program program;
	char subject[ENDPOINT_TEXT_MAX];
	int unused = 0;

	must(share_is_part(share));
	if (addr_is_multicast(&in->at.addr)) {
		share_filter(share, in->at.addr.family, &program);
		return attach(fd, SO_ATTACH_FILTER, &program, in, err);
	}
	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)) != 0) {
		return sock_fail(err, SOCK_DEED_OPTION, endpoint_format(&in->at, subject),
				 "detach a filter", errno);
	}
	return 0;
}

int sock_share_take(int fd, const struct rule_ingress *in, const struct share *share,
		    struct err *err)
{
	struct share_program program;
	char subject[ENDPOINT_TEXT_MAX];

	must(share_is_part(share));
	if (addr_is_multicast(&in->at.addr)) {
		share_filter(share, in->at.addr.family, &program);
		return check_kept(fd, &program, endpoint_format(&in->at, subject), err);
	}
	share_chooser(share, in->at.addr.family, &program);
	return share->index == 0 ? attach(fd, SO_ATTACH_REUSEPORT_CBPF, &program, in, err) : 0;
}

static int refuse_broadcast(const struct rule_ingress *in, struct err *err)
{
	char subject[ENDPOINT_TEXT_MAX];

	err_set(err,
		"%s: cannot divide a broadcast among shards, since each of their sockets hears it; "
		"remove by= and spread=",
		endpoint_format(&in->at, subject));
	return -EINVAL;
}

/* A socket that shares its port binds beside any other of the same user that does, and takes half
 * of what is the other's; a plain one is told that somebody is there. */
static int check_free(const struct rule_ingress *in, unsigned ifindex, struct err *err)
{
	struct sock_opts opts = {0};
	struct sock_got unused = {0};
	char subject[ENDPOINT_TEXT_MAX];
	int fd = sock_create(in->at.addr.family, endpoint_format(&in->at, subject), err);
	int rc;

	if (fd < 0) {
		return fd;
	}
	if (in->at.addr.family == AF_INET6) {
		sock_want_opt(&opts, SOCK_OPT(IPPROTO_IPV6, IPV6_V6ONLY, 1));
	}
	rc = sock_set_opts(fd, subject, &opts, err);
	rc = rc ? rc : sock_bind_ingress(fd, in, ifindex, &unused, err);
	close(fd);
	return rc;
}

static int attach(int fd, int name, const struct share_program *program,
		  const struct rule_ingress *in, struct err *err)
{
	struct sock_fprog given = {.len = program->len,
				   .filter = (struct sock_filter *)program->code};
	bool chooser = name == SO_ATTACH_REUSEPORT_CBPF;
	char subject[ENDPOINT_TEXT_MAX];

	endpoint_format(&in->at, subject);
	if (setsockopt(fd, SOL_SOCKET, name, &given, sizeof(given)) != 0) {
		return sock_fail(err, SOCK_DEED_SHARE, subject,
				 chooser ? "let a program choose among the shards"
					 : "filter a shard's share",
				 errno);
	}
	return chooser ? 0 : check_kept(fd, program, subject, err);
}

/* The kernel gives back the filter it was given; a chooser it does not. */
static int check_kept(int fd, const struct share_program *program, const char *subject,
		      struct err *err)
{
	struct sock_filter kept[SHARE_PROGRAM_MAX];
	socklen_t len = SHARE_PROGRAM_MAX; /* in instructions */

	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, kept, &len) != 0) {
		return sock_fail(err, SOCK_DEED_SHARE, subject, "read its filter", errno);
	}
	if (len != program->len || memcmp(kept, program->code, len * sizeof(kept[0])) != 0) {
		err_set(err, "%s: cannot filter a shard's share: the kernel kept another filter",
			subject);
		return -EIO;
	}
	return 0;
}
