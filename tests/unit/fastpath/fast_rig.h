/* fast_rig.h - a host that relays one group within the kernel, and who sends and hears.
 *
 * The host of sock_help.h is HERE: what comes in at a1 is relayed to b1, where THERE listens. The
 * flow's own socket is open as well, as a shard's would be, and hears what the program leaves.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

#include "src/fastpath/fast.h"
#include "tests/unit/sock_help.h"

/* For one length the sum of the addresses, which stands in the checksum's place on a veth, is 0. */
#define GROUP  "239.1.4.1"
#define NO_SUM 738

extern struct fast rig_fast;
extern int rig_socket;        /* of the flow */
extern int rig_sender;        /* THERE, to the flow */
extern const char *rig_group; /* of the flow */

/* Whether this kernel lets us load programs; prints why not. */
bool rig_possible(void);

void rig_set_up(void);

/* Anew, with room for so many outputs, in place of 16. */
void rig_open(uint32_t outputs);
void rig_tear_down(void);

/* The flow is one of IPv6 instead, and outputs are to be. */
void rig_use_v6(void);

/* To `group' by b1, with TTL 9. */
struct rule_output rig_output(const char *group, uint16_t port);

/* The flow with so many outputs; and put in force. The caller is HERE afterwards. */
void rig_want(const struct rule_output *rules, uint32_t count, struct fast_wanted *wanted,
	      struct fast_wanted_output *outputs);
void rig_put(const struct rule_output *rules, uint32_t count);

/* A member of `group' at b0. */
int rig_receiver(const char *group, uint16_t port);

/* The next datagram, its sender and TTL; its length, or -1 when none comes. */
ssize_t rig_take(int fd, void *bytes, size_t room, struct sockaddr_in *from, int *ttl);
uint32_t rig_count_waiting(int fd);

/* `len' bytes of value `filled'. The caller is THERE afterwards. */
void rig_send(size_t len, uint8_t filled);

/* Settles, and looks: the flow has received so many, and each output was offered those. */
void rig_sums_hold(uint64_t received, const struct rule_output *rules, uint32_t count);
