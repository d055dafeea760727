/* sock_help.c - see sock_help.h. A helper that fails, fails the test that called it. */
#include "tests/unit/sock_help.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECV_PATIENCE_MS 300000
#define NOBODY           65534

#define FDS_MAX 4096

static int net_fds[2]; /* by enum net_side */

/* What the sends of the sockets that must_egress opened unconnected have to name, by fd. */
static struct {
	struct sockaddr_storage to;
	socklen_t to_len;
	struct addr src; /* family 0: any */
} names[FDS_MAX];

bool net_possible(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		_exit(unshare(CLONE_NEWNET) == 0 ? 0 : errno);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
		printf("namespace tests skipped: cannot fork\n");
		return false;
	}
	if (WEXITSTATUS(status) != 0) {
		printf("namespace tests skipped: no network namespace: %s\n",
		       strerror(WEXITSTATUS(status)));
		return false;
	}
	return true;
}

static int net_new(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);

	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	/* No duplicate address detection: addresses are usable at once. */
	net_sysctl("net/ipv6/conf/default/accept_dad", "0");
	net_sysctl("net/ipv6/conf/all/disable_ipv6", "0");
	net_sysctl("net/ipv6/conf/default/disable_ipv6", "0");
	net_ip("link set lo up\n");
	return fd;
}

void net_make(void)
{
	cpu_set_t one;
	char lines[512];

	/* On one CPU, what is sent first is received first, over whatever device. */
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	net_fds[THERE] = net_new();
	net_fds[HERE] = net_new();
	net_go(THERE);
	snprintf(lines, sizeof(lines),
		 "link add a0 type veth peer name a1 netns /proc/%d/fd/%d\n"
		 "link add b0 type veth peer name b1 netns /proc/%d/fd/%d\n",
		 getpid(), net_fds[HERE], getpid(), net_fds[HERE]);
	net_ip(lines);
	net_ip("addr add 10.1.0.1/24 dev a0\naddr add 10.1.0.9/24 dev a0\n"
	       "addr add fd00:1::1/64 dev a0 nodad\naddr add fd00:1::9/64 dev a0 nodad\n"
	       "addr add fe80::1/64 dev a0 nodad\nlink set a0 up\n"
	       "addr add 10.2.0.1/24 dev b0\naddr add fd00:2::1/64 dev b0 nodad\nlink set b0 up\n");
	net_go(HERE);
	net_ip("addr add 10.1.0.2/24 dev a1\naddr add fd00:1::2/64 dev a1 nodad\n"
	       "addr add fe80::2/64 dev a1 nodad\nlink set a1 up\n"
	       "addr add 10.2.0.2/24 dev b1\naddr add fd00:2::2/64 dev b1 nodad\nlink set b1 up\n");
	net_wait("a1");
	net_wait("b1");
	net_wait_local("fd00:1::2");
	net_wait_local("fd00:2::2");
	net_go(THERE);
	net_wait("a0");
	net_wait("b0");
	net_wait_local("fd00:1::1");
	net_wait_local("fd00:1::9");
	net_wait_local("fd00:2::1");
	net_go(HERE);
}

/* Connects to `to' until the path's MTU is at least `mtu'. */
static void wait_for_path(const char *to, const char *ifname, uint32_t mtu)
{
	struct sockaddr_in6 name = {
		.sin6_family = AF_INET6, .sin6_port = 9, .sin6_scope_id = if_nametoindex(ifname)};
	bool found = false;

	ck_assert_int_eq(inet_pton(AF_INET6, to, &name.sin6_addr), 1);
	for (int i = 0; !found && i < 30000; i++) {
		int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		ck_assert_int_ge(fd, 0);
		found = connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
			sock_path_mtu(fd, AF_INET6) >= mtu;
		close(fd);
		if (!found) {
			usleep(10000);
		}
	}
	ck_assert_msg(found, "no path to %s%%%s comes up", to, ifname);
}

void net_wait(const char *ifname)
{
	wait_for_path("ff02::1", ifname, 0);
}

/* The kernel adds the route of a local address, over lo with its large MTU, in a work of its own.
 */
void net_wait_local(const char *ip)
{
	wait_for_path(ip, "", 65536);
}

void net_go(enum net_side side)
{
	ck_assert_int_eq(setns(net_fds[side], CLONE_NEWNET), 0);
}

/* Without a shell between: that of a guest has an `ip' of its own, which knows less. */
static void run_batch(const char *program, const char *lines)
{
	int fds[2], status = -1;
	size_t len = strlen(lines);
	pid_t child;

	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		dup2(fds[0], STDIN_FILENO);
		close(fds[0]);
		close(fds[1]);
		execlp(program, program, "-batch", "-", (char *)NULL);
		_exit(127);
	}
	ck_assert_int_gt(child, 0);
	close(fds[0]);
	ck_assert_int_eq(write(fds[1], lines, len), (ssize_t)len);
	close(fds[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(status == 0, "%s failed: %s", program, lines);
}

void net_ip(const char *lines)
{
	run_batch("ip", lines);
}

void net_tc(const char *lines)
{
	run_batch("tc", lines);
}

void net_grep(const char *command, const char *word, char *line, size_t room)
{
	FILE *pipe = popen(command, "r");
	char got[512];

	ck_assert_ptr_nonnull(pipe);
	line[0] = '\0';
	while (fgets(got, sizeof(got), pipe)) {
		if (!line[0] && strstr(got, word)) {
			snprintf(line, room, "%s", strstr(got, word));
		}
	}
	ck_assert_int_eq(pclose(pipe), 0);
	ck_assert_msg(line[0], "%s: no line with %s", command, word);
}

void net_sysctl(const char *path, const char *value)
{
	char full[256];

	snprintf(full, sizeof(full), "/proc/sys/%s", path);

	int fd = open(full, O_WRONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s: %s", full, strerror(errno));
	ck_assert_int_eq(write(fd, value, strlen(value)), (ssize_t)strlen(value));
	close(fd);
}

void net_become_nobody(void)
{
	if (geteuid() != 0) {
		return;
	}
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
	ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

struct addr addr_of(const char *ip)
{
	struct addr addr;

	ck_assert_int_eq(addr_parse_ip(ip, &addr), 0);
	return addr;
}

static struct endpoint endpoint_at(const char *ip, const char *ifname, uint16_t port)
{
	struct endpoint at = {.addr = addr_of(ip)};

	at.addr.port = port;
	snprintf(at.ifname, sizeof(at.ifname), "%s", ifname);
	return at;
}

struct rule_ingress ingress_at(const char *ip, const char *ifname, uint16_t port)
{
	struct rule_ingress in = RULE_INGRESS_UNSET;

	in.at = endpoint_at(ip, ifname, port);
	return in;
}

struct rule_output output_to(const char *ip, const char *ifname, uint16_t port)
{
	struct rule_output out = RULE_OUTPUT_UNSET;

	out.to = endpoint_at(ip, ifname, port);
	out.ttl_mode = RULE_TTL_FIXED;
	out.ttl = RULE_TTL_DEFAULT;
	return out;
}

int must_ingress(const struct rule_ingress *in, struct sock_got *got)
{
	struct sock_want want = {.ttl = true, .tos = true};
	struct sock_got ignored;
	struct err err = {{0}};
	unsigned ifindex = if_nametoindex(in->at.ifname);
	int fd = sock_open_ingress(in, ifindex, &want, got ? got : &ignored, &err);

	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_msg(sock_join(fd, in, ifindex, &err) == 0, "%s", err.text);
	return fd;
}

int must_egress(const struct rule_output *out, struct sock_got *got)
{
	struct sock_want want = {0};
	struct sock_got ignored = {0};
	struct err err = {{0}};
	unsigned ifindex = if_nametoindex(out->to.ifname);
	int fd;

	got = got ? got : &ignored;
	fd = sock_open_egress(out, ifindex, &want, got, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_lt(fd, FDS_MAX);
	names[fd].to_len =
		got->connected ? 0 : addr_to_sockaddr(&out->to.addr, ifindex, &names[fd].to);
	names[fd].src = out->src;
	return fd;
}

int in_here(const char *ip, const char *ifname)
{
	struct rule_ingress in = ingress_at(ip, ifname, SOCK_PORT);

	net_go(HERE);
	return must_ingress(&in, NULL);
}

int out_there(const char *ip, const char *ifname, struct sock_got *got)
{
	struct rule_output out = output_to(ip, ifname, SOCK_PORT);

	net_go(THERE);
	return must_egress(&out, got);
}

void err_says(const struct err *err, const char *words)
{
	ck_assert_msg(strstr(err->text, words), "\"%s\" does not say \"%s\"", err->text, words);
}

void name_destination(int fd, struct msghdr *msg)
{
	ck_assert_int_lt(fd, FDS_MAX);
	msg->msg_namelen = names[fd].to_len;
	msg->msg_name = msg->msg_namelen ? &names[fd].to : NULL;
}

/* Into `control', which has room for it. */
static void name_source(const struct addr *src, struct msghdr *msg, char *control)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)control;

	msg->msg_control = control;
	if (src->family == AF_INET6) {
		struct in6_pktinfo info = {0};

		memcpy(&info.ipi6_addr, src->ip, sizeof(info.ipi6_addr));
		*c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		msg->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in_pktinfo info = {0};

		memcpy(&info.ipi_spec_dst, src->ip, sizeof(info.ipi_spec_dst));
		*c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		msg->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

ssize_t send_bytes(int fd, const void *bytes, size_t len)
{
	char control[64] __attribute__((aligned(8))) = {0};
	struct iovec iov = {(void *)bytes, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	name_destination(fd, &msg);
	if (msg.msg_name && names[fd].src.family != 0) {
		name_source(&names[fd].src, &msg, control);
	}
	return sendmsg(fd, &msg, MSG_DONTWAIT);
}

void send_text(int fd, const char *text)
{
	ck_assert_msg(send_bytes(fd, text, strlen(text)) == (ssize_t)strlen(text),
		      "cannot send %s: %s", text, strerror(errno));
}

void send_text_until(int fd, const struct addr *to, const char *text, int rx)
{
	struct pollfd ready = {.fd = rx, .events = POLLIN};
	struct sockaddr_storage name;
	socklen_t len = addr_to_sockaddr(to, 0, &name);

	for (int waited_ms = 0; waited_ms < RECV_PATIENCE_MS; waited_ms += 1000) {
		ssize_t sent =
			sendto(fd, text, strlen(text), MSG_DONTWAIT, (struct sockaddr *)&name, len);

		ck_assert_msg(sent == (ssize_t)strlen(text) || errno == EHOSTUNREACH ||
				      errno == ENETUNREACH,
			      "cannot send %s: %s", text, strerror(errno));
		if (poll(&ready, 1, 1000) == 1) {
			return;
		}
	}
	ck_abort_msg("no datagram arrived");
}

struct recv_info recv_with_info(int fd)
{
	struct recv_info info = {.ttl = -1, .tos = -1};
	struct sockaddr_storage name;
	char control[256];
	struct iovec iov = {info.text, sizeof(info.text) - 1};
	struct msghdr msg = {.msg_name = &name,
			     .msg_namelen = sizeof(name),
			     .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	ck_assert_msg(poll(&ready, 1, RECV_PATIENCE_MS) == 1, "no datagram arrived");
	ck_assert_int_ge(recvmsg(fd, &msg, MSG_DONTWAIT), 0);
	ck_assert_int_eq(addr_from_sockaddr((struct sockaddr *)&name, &info.from), 0);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		bool v6 = c->cmsg_level == IPPROTO_IPV6;

		if (c->cmsg_type == (v6 ? IPV6_HOPLIMIT : IP_TTL)) {
			memcpy(&info.ttl, CMSG_DATA(c), sizeof(info.ttl));
		} else if (v6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&info.tos, CMSG_DATA(c), sizeof(info.tos));
		} else if (!v6 && c->cmsg_type == IP_TOS) {
			info.tos = *(unsigned char *)CMSG_DATA(c);
		}
	}
	return info;
}

const char *recv_text(int fd)
{
	static struct recv_info info;

	info = recv_with_info(fd);
	return info.text;
}

bool nothing_queued(int fd)
{
	char byte;

	return recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

unsigned drain_socket(int fd)
{
	char byte;
	unsigned count = 0;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0) {
		count++;
	}
	return count;
}
