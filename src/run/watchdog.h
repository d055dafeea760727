/* watchdog.h - tells the service manager that all shards turn, and names the one that does not.
 *
 * With WatchdogSec= in its unit the manager wants a sign of life (WATCHDOG=1, sd_notify(3)) and
 * aborts a service that gives none. That control is alive says little: datagrams pass through the
 * shards. Once a second control wakes each shard (MAIL_LOOK), so one that relays nothing turns,
 * too; one that has not turned for some seconds after it was woken is stuck, in the kernel or in a
 * defect. It is named in the log, and no sign is given until it turns. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct supervisor;

/* What is known of one shard. */
struct watchdog_shard {
	uint64_t turns;    /* when looked at last */
	uint64_t asked_ns; /* when it was woken first since; 0: it has turned since */
	bool told;         /* that it is stuck */
};

struct watchdog {
	const struct supervisor *sup;
	struct watchdog_shard *shards; /* of sup->workers */
	uint64_t patience_ns;          /* of the manager; 0: there is none that waits for signs */
	bool all_turn;                 /* when looked at last, as far as is known */
};

/* All shards are live. 0 or -ENOMEM. */
int watchdog_init(struct watchdog *dog, const struct supervisor *sup);
void watchdog_free(struct watchdog *dog);

/* All shards have just been woken: looks at what has become of the times before. */
void watchdog_tick(struct watchdog *dog, uint64_t now_ns);

/* What the manager waits for at most, by WATCHDOG_USEC and WATCHDOG_PID; 0: it does not. */
uint64_t watchdog_patience_ns(void);
