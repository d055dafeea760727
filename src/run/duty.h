/* duty.h - which rules relay and which stand by, and who said so.
 *
 * A rule is active, or it stands by: joined, received and counted (`standby'), and not relayed, so
 * that it can take over between two turns. How it begins is said by the options; from then on
 * orders decide, which come by the control socket, for rules by name or for all. An order holds
 * until the next one for the same rule, over every reload, for rules that are disabled and for
 * those that come later. One that stands a rule down may be told to do so only in a while, so that
 * another machine can take over first.
 *
 * An output whose source address (src=) is another machine's at present has nothing to send from,
 * and stands by as well: a rule of nothing but such outputs does.
 *
 * A shard is told of all its flows and outputs by one message (SHARD_SET_DUTIES), which goes
 * between the steps of whatever change is under way: nobody waits for a reload to take over. What a
 * rule has been is remembered by its name. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/change.h"
#include "src/rules/conf.h"
#include "src/run/relief.h"

struct setup;
struct supervisor;

enum duty_state {
	DUTY_ABSENT,  /* it has no flow here */
	DUTY_STANDBY, /* all that it has stand by */
	DUTY_ACTIVE,
};

struct duty_order {
	char name[CONF_NAME_MAX]; /* of a rule; "": of all that have no order of their own */
	bool standby;
	uint64_t number; /* as they came */
	uint64_t at_ns;  /* when it is to be in force; 0: it is */
};

/* Orders, sorted by name. */
struct duty_orders {
	struct duty_order *list;
	uint32_t count, room;
};

/* What has become of a rule. */
struct duty_past {
	char name[CONF_NAME_MAX];
	enum duty_state state;
	uint64_t takeovers; /* how often it became active after it was not */
	double changed_s;   /* when its state was another one last, seconds since 1970; 0: never */
	bool ordered;       /* by an order; else by the configuration */
};

struct duty {
	struct supervisor *sup;
	struct duty_orders now, later;
	struct relief relief; /* of this machine, or by it */
	uint64_t numbered;
	struct duty_past *past; /* sorted by name */
	uint32_t past_count;
	bool due;                   /* shards are to be told */
	uint64_t again_ns;          /* there was no memory for that: not before; 0: none lacked */
	uint32_t shard;             /* the next one */
	struct shard_duty *message; /* of the one that is being told */
};

void duty_init(struct duty *duty, struct supervisor *sup);
void duty_free(struct duty *duty);

/* An order for the rule `name', or with "" for all; 0: at once. Whatever was ordered for the same
 * rules before holds no more. 0 or -ENOMEM. */
int duty_say(struct duty *duty, const char *name, bool standby, uint64_t in_ns);

/* The shards are to be told what the orders, and else the setup in force, say. */
void duty_wake(struct duty *duty);

/* Puts what the orders say into the tables of a setup that is to run, or runs. 0 or -ENOMEM. */
int duty_mark(const struct duty *duty, struct setup *setup);

/* Compares what the rules are with what they were; after each change of what runs. 0 or -ENOMEM. */
int duty_note(struct duty *duty);

/* Orders whose time has come are in force. */
void duty_tick(struct duty *duty, uint64_t now_ns);
int duty_sleep_ms(const struct duty *duty, uint64_t now_ns, int most_ms);

/* Whether a shard is to be told; then the next message and its shard, or false when there is none,
 * and all have been told, or memory lacks, and it remains due. `duty_next' only while nobody has a
 * message. */
bool duty_is_due(const struct duty *duty);
bool duty_next(struct duty *duty, struct shard_message *message, uint32_t *shard);

/* When `duty_next' is to be asked again: 0, or a time of the clock. */
uint64_t duty_again_ns(const struct duty *duty);

/* How the rule stands; NULL before the first duty_note that found it. */
const struct duty_past *duty_past_of(const struct duty *duty, const char *rule);

/* "absent", "standby", "active". */
const char *duty_state_name(enum duty_state state);
