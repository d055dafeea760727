/* marks.h - says on this host which ingresses are relayed here, so that a second daemon can tell.
 *
 * Two relays with the same multicast ingress both receive every datagram, and it leaves twice. A
 * mark is a socket with an abstract name made of the ingress: each network namespace has its own
 * names, as it has its own groups; it needs no directory and no rights, and goes when its process
 * does, however that ends. A unicast ingress needs none, since its port can be bound only once.
 *
 * Of many ingresses MARKS_MAX are marked, those whose names have the smallest hashes: two daemons
 * choose alike, so that of the ingresses they share one is most likely among them, and the files
 * and the time stay bounded. Control thread.
 */
#pragma once

#include <stdint.h>

#include "src/base/addr.h"
#include "src/setup/iface.h"

#define MARKS_MAX 256

struct marks {
	int fds[MARKS_MAX];
	uint64_t hashes[MARKS_MAX];    /* of their names */
	uint32_t count, most;          /* of fds */
	uint32_t taken;                /* marks that somebody else has */
	char first[ENDPOINT_TEXT_MAX]; /* the ingress of one of those */
};

/* How many there will be at most. Pure. */
uint32_t marks_wanted(const struct conf *conf);

/* Marks ingresses of `conf', `most' at most, and notes those that others have marked. One that
 * cannot be made for another reason is left out. `marks' is all-zero, or holds those of another
 * configuration: then what is to be marked in both is left as it is, and the rest is released. 0 or
 * -ENOMEM, and then nothing was done. */
int marks_set(const struct conf *conf, const struct iface_table *ifaces, uint32_t most,
	      struct marks *marks);

/* Only notes what others have marked, and leaves no trace. */
int marks_look(const struct conf *conf, const struct iface_table *ifaces, struct marks *out);

/* Accepts all-zero. */
void marks_release(struct marks *marks);
