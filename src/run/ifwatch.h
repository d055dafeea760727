/* ifwatch.h - what becomes of this host's network interfaces, told by the kernel (rtnetlink(7)).
 *
 * All links of the network namespace are known, with what they stand on, because a rule may name a
 * bridge, and the cable is that of one of its ports. Reading what the kernel sends is a pure step
 * (ifwatch_take), which says what is new; the rest is one socket. When the kernel had to drop news,
 * all links are read again and compared, so that nothing stays unknown. Control thread.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mnl_socket;

#define IFWATCH_BUFFER_BYTES 32768 /* what the kernel fills at most while it lists links */

enum ifwatch_news {
	IFWATCH_ADDED,        /* a link came, or has this name now */
	IFWATCH_REMOVED,      /* it went, or has another name now */
	IFWATCH_UP,           /* it has a carrier again, and may have been elsewhere meanwhile */
	IFWATCH_DOWN,         /* it has no carrier any more, or was set down */
	IFWATCH_PORT_UP,      /* the same of one that it stands on: a port of a bridge, of a bond */
	IFWATCH_MTU,          /* its MTU is another one */
	IFWATCH_ADDRESS,      /* it has one more address */
	IFWATCH_ADDRESS_GONE, /* it has one less */
};

struct ifwatch_event {
	enum ifwatch_news news;
	unsigned ifindex;
	const char *name; /* of the link; "" when it is not known. Valid during the call */
};

struct ifwatch_link {
	unsigned ifindex;
	unsigned lower;  /* index of the link it is an upper of (VLAN, macvlan); 0: none here */
	unsigned master; /* index of the bridge, bond or VRF that it is a port of; 0: none */
	uint32_t ups;    /* how often a carrier came so far, as the kernel counts */
	uint32_t mtu;
	uint32_t listed; /* number of the listing that it was in last */
	bool running;
	char name[IF_NAMESIZE];
};

/* Who is told. */
struct ifwatch_listener {
	void (*tell)(void *context, const struct ifwatch_event *event);
	void *context;
};

struct ifwatch_table {
	struct ifwatch_link *links; /* sorted by index */
	uint32_t count, room;
	uint32_t listing; /* number of the present listing, or of the last */
	bool known;       /* one was complete */
	bool broken;      /* the present one misses something */
};

/* What ifwatch_take came across, as bits. */
#define IFWATCH_LISTED 1 /* the listing is over */
#define IFWATCH_BROKEN 2 /* it missed something or was refused: to be asked for again */

/* Begins a listing: what is not in it, once it is complete, is gone. */
void ifwatch_begin_listing(struct ifwatch_table *table);

/* Takes in `bytes' of netlink messages, which may be any bytes at all, and tells what is new. Links
 * of the first listing are IFWATCH_ADDED. A link that there is no memory for stays unknown. The
 * listener leaves the table alone. Pure. */
unsigned ifwatch_take(struct ifwatch_table *table, const void *data, size_t bytes,
		      const struct ifwatch_listener *listener);

/* The link with this index; NULL: none is known. */
const struct ifwatch_link *ifwatch_find(const struct ifwatch_table *table, unsigned ifindex);
void ifwatch_table_free(struct ifwatch_table *table);

struct ifwatch {
	struct ifwatch_table table;
	struct mnl_socket *socket; /* NULL: not open */
	int fd;                    /* to be polled for reading; -1: not open */
	bool listing;              /* one is under way */
	bool wanted;               /* another one is to follow */
	uint64_t asked_ns;         /* when the last one was begun */
	unsigned char buffer[IFWATCH_BUFFER_BYTES];
};

/* Opens the socket and asks for the first listing. 0 or -errno; ifwatch_close either way. */
int ifwatch_open(struct ifwatch *watch);
void ifwatch_close(struct ifwatch *watch);

/* Reads what the kernel has sent, a bounded part of it, and tells; asks for a listing when one is
 * wanted, once a second at most. Does not wait. */
void ifwatch_tick(struct ifwatch *watch, const struct ifwatch_listener *listener, uint64_t now_ns);
