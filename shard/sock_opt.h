/* sock_opt.h - what sock_ingress.c, sock_egress.c, sock_kept.c and sock_share.c have in common;
 * private to sock*.c.
 *
 * Each call does one thing to a socket, reads it back, and on failure writes the whole message
 * (subject, what could not be done, cause, cure) into `err'. `subject' is the endpoint as the
 * rule writes it. All return 0 or -errno unless said otherwise.
 */
#pragma once

#include "shard/sock.h"

/* What was being done: with the errno it decides which cure is named. */
enum sock_deed {
	SOCK_DEED_OPTION, /* any option without an entry of its own */
	SOCK_DEED_CREATE,
	SOCK_DEED_CREATE_RAW,
	SOCK_DEED_DEVICE,
	SOCK_DEED_BIND,     /* to a port the rule names */
	SOCK_DEED_BIND_ANY, /* to a port the kernel chooses */
	SOCK_DEED_SOURCE,   /* tell the senders of one port apart */
	SOCK_DEED_JOIN,
	SOCK_DEED_CONNECT,
	SOCK_DEED_TRANSPARENT,
	SOCK_DEED_PRIORITY,
	SOCK_DEED_SHARE,
};

struct sock_opt {
	int level;
	int name;
	int value;
	const char *label; /* "IP_TTL" */
	enum sock_deed deed;
};

#define SOCK_OPTS_MAX 12

/* Room for the options of one socket, filled by sock_want_opt. */
struct sock_opts {
	struct sock_opt opt[SOCK_OPTS_MAX];
	unsigned count;
};

#define SOCK_OPT(level, name, value) \
	((struct sock_opt){(level), (name), (value), #name, SOCK_DEED_OPTION})

void sock_want_opt(struct sock_opts *opts, struct sock_opt opt);

/* In order, each read back. */
int sock_set_opts(int fd, const char *subject, const struct sock_opts *opts, struct err *err);

/* Whether others that do so, too, may have the port of this socket (SO_REUSEADDR). 0 or -errno. */
int sock_share_port(int fd, int on, const char *subject, struct err *err);

/* Returns a non-blocking, close-on-exec UDP socket. */
int sock_create(int family, const char *subject, struct err *err);

/* The same, but whoever sends writes the UDP header. Needs CAP_NET_RAW. */
int sock_create_raw(int family, const char *subject, struct err *err);

/* Binds to the interface and proves that the name still stands for `ifindex'. */
int sock_bind_device(int fd, const char *ifname, unsigned ifindex, struct err *err);

/* Whether `to' is a broadcast address: 255.255.255.255, or what the kernel's routes say it is. */
bool sock_is_broadcast(const struct endpoint *to, unsigned ifindex);

/* Binds to address and port; `local' receives what it became. */
int sock_bind(int fd, const struct addr *at, unsigned ifindex, struct addr *local, struct err *err);

/* In sock_ingress.c: the same for an ingress, with its interface. */
int sock_bind_ingress(int fd, const struct rule_ingress *in, unsigned ifindex, struct sock_got *got,
		      struct err *err);

/* The address and port in force. */
int sock_read_local(int fd, struct addr *local);

/* Receive (SO_RCVBUF) or send buffer: first by force, then within the sysctl's limit. Fills in
 * `buffer_bytes' and `clamped'. */
int sock_set_buffer(int fd, int name, uint32_t want_bytes, struct sock_got *got);

/* Fills `err': "SUBJECT: cannot DOING: CAUSE; CURE". Returns -error. */
int sock_fail(struct err *err, enum sock_deed deed, const char *subject, const char *doing,
	      int error);

/* In sock_source.c. Binds to the address of src=, which this host may not have, and to the port of
 * sport= or one that no socket of this host has at any address. Fills `local' and `sourceless'. */
int sock_bind_source(int fd, const struct rule_output *out, unsigned ifindex, struct sock_got *got,
		     struct err *err);
