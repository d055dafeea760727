/* renew.h - tells the network again what the shards have joined, when a link is back.
 *
 * A switch that forwards multicast only where it heard a report forgets a port that lost its link,
 * and the kernel reports nothing by itself when the link is back: the flow would stay dark until
 * somebody asks, two minutes perhaps. So each membership on the interface is reported at once, and,
 * as many ports do not forward in their first half minute, again while its flow hears nothing.
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct supervisor;
struct renew_member;
struct renew_link;

struct renew {
	struct supervisor *sup;
	struct renew_member *members; /* sorted by interface, then group */
	struct renew_link *links;     /* one for each interface that has any, sorted */
	uint32_t member_count, link_count;
};

/* Finds what has been joined. All shards are live. 0 or -ENOMEM; renew_free either way. */
int renew_init(struct renew *renew, struct supervisor *sup);
void renew_free(struct renew *renew);

/* The shards may have joined something else; what is due stays due. No list of changes is under
 * way. 0 or -ENOMEM: then nothing that came since is known. */
int renew_look(struct renew *renew);

/* The link of interface `ifindex' is back; not `whole': that of one of its ports. */
void renew_want(struct renew *renew, unsigned ifindex, bool whole, uint64_t now_ns);

/* Reports what is due. Not after the shards were told to end. */
void renew_tick(struct renew *renew, uint64_t now_ns);
