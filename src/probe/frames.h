/* frames.h - the sender's datagrams as whole Ethernet frames, past the socket's way down.
 *
 * A UDP socket pays for a route look-up, a queueing discipline and a lock with each datagram, so
 * that one sender of single datagrams is slower than a relay. Through a packet socket with
 * PACKET_QDISC_BYPASS it is faster, and every datagram is one frame. packet(7), RFC 768, 791, 1112.
 *
 * IPv4 groups only, since their Ethernet address follows from the group's, and a checksum of 0
 * means none: no device that receives coalesces such frames, so single they stay. One thread:
 * numacast-probe send. Units: bytes.
 */
#pragma once

#include <stdint.h>

#include "src/probe/burst.h"

#define FRAMES_HEADER_BYTES 42 /* Ethernet, IPv4, UDP */

struct frames;

/* Opens a packet socket for each of opt->flows in place of sender->fds, and lays out the headers of
 * every flow. 0; -ENOMEM; or -errno with `err'. */
int frames_open(struct sender *sender, struct err *err);
void frames_close(struct sender *sender); /* accepts what was not opened */

/* Writes the headers of flow `flow' for a payload of `size' into `out'. */
void frames_head(const struct sender *sender, uint32_t flow, uint32_t size,
		 unsigned char out[FRAMES_HEADER_BYTES]);
