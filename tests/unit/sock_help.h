/* sock_help.h - namespaces, endpoints and bounded receives for the tests of sockets.
 *
 * Two network namespaces joined by two veth pairs: a0 and b0 are THERE (the world), a1 and b1
 * are HERE (the relay). They have no name and vanish with the last process in them.
 *
 *     THERE  a0 10.1.0.1/24 fd00:1::1/64 fe80::1  ----  a1 10.1.0.2/24 fd00:1::2/64 fe80::2  HERE
 *               10.1.0.9/24 fd00:1::9/64
 *            b0 10.2.0.1/24 fd00:2::1/64          ----  b1 10.2.0.2/24 fd00:2::2/64
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shard/sock.h"

enum net_side {
	HERE,
	THERE
};

/* Whether this process may make network namespaces; prints why not. */
bool net_possible(void);

/* Makes both sides; the caller is HERE afterwards. Takes up to a second: that is how
 * late the kernel acts upon a carrier. */
void net_make(void);
void net_go(enum net_side side);

/* Waits until the interface has a carrier and IPv6 uses it. */
void net_wait(const char *ifname);

/* Waits until datagrams for an IPv6 address of this side are taken for local. */
void net_wait_local(const char *ip);

/* Feeds `lines' to `ip -batch' or `tc -batch' on the side the caller is on; must succeed. */
void net_ip(const char *lines);
void net_tc(const char *lines);

/* First line of `command' that contains `word'; for reading tc's counters. */
void net_grep(const char *command, const char *word, char *line, size_t room);

/* Writes a sysctl by path below /proc/sys; must succeed. */
void net_sysctl(const char *path, const char *value);

/* Gives up root for good: from here on the process has no capability. */
void net_become_nobody(void);

struct rule_ingress ingress_at(const char *ip, const char *ifname, uint16_t port);
struct rule_output output_to(const char *ip, const char *ifname, uint16_t port);
struct addr addr_of(const char *ip);

/* Opened (and joined) or the test fails with the error's text. */
int must_ingress(const struct rule_ingress *in, struct sock_got *got);
int must_egress(const struct rule_output *out, struct sock_got *got);

/* As above, for SOCK_PORT, on the side that the name says; the caller is there afterwards. */
#define SOCK_PORT 5000
int in_here(const char *ip, const char *ifname);
int out_there(const char *ip, const char *ifname, struct sock_got *got);

/* Fails the test unless the message holds `words'. */
void err_says(const struct err *err, const char *words);

/* Whom a socket opened by must_egress sends to, unless it is connected; name it in each send. */
void name_destination(int fd, struct msghdr *msg);

/* One datagram by a socket opened by must_egress: what sendmsg returns. A text must succeed. */
ssize_t send_bytes(int fd, const void *bytes, size_t len);
void send_text(int fd, const char *text);

/* One datagram to `to' after the other, a second apart, until one has arrived at `rx': its first
 * hop may not answer yet, and what waits for a neighbour in vain is lost. */
void send_text_until(int fd, const struct addr *to, const char *text, int rx);

/* The next datagram as text, waiting at most some seconds; fails the test when none comes. */
const char *recv_text(int fd);

/* As recv_text, with TTL and TOS from the control data, -1 when absent, and the sender. */
struct recv_info {
	char text[64];
	int ttl;
	int tos;
	struct addr from;
};
struct recv_info recv_with_info(int fd);

/* True when nothing is queued right now. */
bool nothing_queued(int fd);

/* Datagrams read until the queue is empty. */
unsigned drain_socket(int fd);
