/* gso.c - see gso.h. Known bad: Linux 7.0 to 7.1.4, where segments of a train were cut wrongly.
 *
 * The probe sends a train of one-byte datagrams to a socket bound to a port the kernel chose on
 * 127.0.0.1; nothing leaves the host, and the receiver is closed unread.
 */
#include "shard/gso.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shard/limits.h"

static bool is_known(void);
static int open_probe(int *receiver);
static int try_train(int fd, uint32_t count);

uint32_t gso_probe_segments(void)
{
	uint32_t most = UDP_SEGMENTS_OLD_MAX;
	int receiver;
	int sender;

	if (!is_known()) {
		return 1;
	}
	sender = open_probe(&receiver);
	if (sender >= 0) {
		if (try_train(sender, UDP_SEGMENTS_NEW_MAX) == 0) {
			most = UDP_SEGMENTS_NEW_MAX;
		}
		close(sender);
	}
	if (receiver >= 0) {
		close(receiver);
	}
	return most;
}

bool gso_is_known_bad(const char *release)
{
	unsigned major = 0;
	unsigned minor = 0;
	unsigned patch = 0;

	if (sscanf(release, "%u.%u.%u", &major, &minor, &patch) < 2 || major != 7) {
		return false;
	}
	return minor == 0 || (minor == 1 && patch <= 4);
}

static bool is_known(void)
{
	int off = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool known = fd < 0 || setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &off, sizeof(off)) == 0;

	if (fd >= 0) {
		close(fd);
	}
	return known;
}

/* A sender connected to a receiver of ours, with segments of one byte; -1 when there is none. */
static int open_probe(int *receiver)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(to);
	int segment = 1;
	int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sender >= 0 && *receiver >= 0 &&
	    bind(*receiver, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    getsockname(*receiver, (struct sockaddr *)&to, &len) == 0 &&
	    connect(sender, (struct sockaddr *)&to, len) == 0 &&
	    setsockopt(sender, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) == 0) {
		return sender;
	}
	if (sender >= 0) {
		close(sender);
	}
	return -1;
}

/* 0, or the errno of sending `count' datagrams of one byte as one train. */
static int try_train(int fd, uint32_t count)
{
	static const char payload[UDP_SEGMENTS_NEW_MAX];

	return send(fd, payload, count, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}
