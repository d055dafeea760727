/* ring_fake_slot.c - a delivered datagram as an engine leaves it in a slot (shard/slot.h). See
 * ring_fake.h. */
#include "tests/fake/ring_fake_engine.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <time.h>

#include "shard/slot.h"
#include "src/base/clock.h"

static uint32_t write_control(unsigned char *area, const struct fake_datagram *d);
static uint32_t write_stamp(unsigned char *area, uint64_t stamp_ns);

void fake_write_slot(unsigned char *base, uint32_t slot_bytes, const struct fake_waiting *w)
{
	const struct fake_datagram *d = &w->datagram;
	size_t room = slot_bytes - SLOT_HEAD_BYTES;
	size_t real = d->real_bytes > d->payload_bytes ? d->real_bytes : d->payload_bytes;
	size_t kept = d->payload_bytes < room ? d->payload_bytes : room;
	struct slot_head head = {.payload_bytes = (uint32_t)real};

	if (d->from.ss_family != 0) {
		head.name_bytes = d->from.ss_family == AF_INET ? sizeof(struct sockaddr_in)
							       : sizeof(struct sockaddr_in6);
		memcpy(base + SLOT_NAME_OFFSET, &d->from, head.name_bytes);
	}
	head.control_bytes = write_control(base + SLOT_CONTROL_OFFSET, d);
	head.flags = (real > kept ? MSG_TRUNC : 0) | (d->control_cut ? MSG_CTRUNC : 0);
	memcpy(base, &head, sizeof(head));
	memcpy(base + SLOT_HEAD_BYTES, w->payload, kept);
}

static uint32_t write_control(unsigned char *area, const struct fake_datagram *d)
{
	bool v6 = d->from.ss_family == AF_INET6;
	const struct {
		int level, type, value;
	} wanted[] = {
		{v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_HOPLIMIT : IP_TTL, d->ttl},
		{v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_TCLASS : IP_TOS, d->tos},
		{SOL_UDP, UDP_GRO, d->gro_segment},
	};
	uint32_t used = d->stamp_ns > 0 ? write_stamp(area, d->stamp_ns) : 0;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct cmsghdr *c = (struct cmsghdr *)(void *)(area + used);
		/* The kernel writes an IPv4 TOS as one byte. */
		size_t len =
			wanted[i].type == IP_TOS && wanted[i].level == SOL_IP ? 1 : sizeof(int);

		if (wanted[i].value <= 0) {
			continue;
		}
		memset(c, 0, CMSG_SPACE(len));
		c->cmsg_level = wanted[i].level;
		c->cmsg_type = wanted[i].type;
		c->cmsg_len = CMSG_LEN(len);
		if (len == 1) {
			CMSG_DATA(c)[0] = (unsigned char)wanted[i].value;
		} else {
			memcpy(CMSG_DATA(c), &wanted[i].value, len);
		}
		used += (uint32_t)CMSG_SPACE(len);
	}
	return used;
}

static uint32_t write_stamp(unsigned char *area, uint64_t stamp_ns)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)area;
	struct timespec at = {.tv_sec = (time_t)(stamp_ns / NS_PER_S),
			      .tv_nsec = (long)(stamp_ns % NS_PER_S)};

	*c = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_TIMESTAMPNS,
			      .cmsg_len = CMSG_LEN(sizeof(at))};
	memcpy(CMSG_DATA(c), &at, sizeof(at));
	return (uint32_t)CMSG_SPACE(sizeof(at));
}
