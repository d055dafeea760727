/* protocol.h - the words of the control socket, which numacastd and its clients share.
 *
 * Requests and answers are JSON objects, one a line; doc/CONTROL.md describes them. Here is what
 * both sides must agree on: the version, the bounds, and the names of commands, of what can be
 * shown, and of refusals. Names are stable: they are added to, never changed. Constants only.
 */
#pragma once

#define PROTOCOL_VERSION 1

/* Where a client looks for the daemon that was told nothing else. */
#define PROTOCOL_PATH "/run/numacast/control"

/* Bytes of one line, its end not counted. */
#define PROTOCOL_REQUEST_MAX (64u << 10)
#define PROTOCOL_REPLACE_MAX \
	(4u                  \
	 << 20) /* of a replace, which holds a whole configuration, and of an active with marks */
#define PROTOCOL_ANSWER_MAX (64u << 20)

/* How long `rebalance' measures, seconds. */
#define PROTOCOL_WINDOW_MIN_S 0.1
#define PROTOCOL_WINDOW_MAX_S 60
#define PROTOCOL_WINDOW_S     5

/* How long `standby' may be put off, and a `hold' last, milliseconds. */
#define PROTOCOL_OVERLAP_MAX_MS 60000

/* X(ID, "name", "help") */
#define PROTOCOL_COMMANDS(X)                                                                     \
	X(SHOW, "show", "what there is and what it counted: rules, flows, outputs, shards, ...") \
	X(STATS, "stats", "the sums of all counters, once or again and again, with rates")       \
	X(HEALTH, "health", "whether all is well, and if not why")                               \
	X(LOG_LEVEL, "log-level", "which lines are logged, and change that")                     \
	X(VERSION, "version", "of the daemon that answers")                                      \
	X(RELOAD, "reload", "read the configuration again and go on by it, as at SIGHUP")        \
	X(REPLACE, "replace",                                                                    \
	  "go on by the configuration in a file, in the place of the daemon's")                  \
	X(ADD, "add", "add rules")                                                               \
	X(REMOVE, "remove", "remove the rules of these names")                                   \
	X(ENABLE, "enable", "relay again by rules that were disabled")                           \
	X(DISABLE, "disable", "keep rules of these names aside")                                 \
	X(ACTIVE, "active", "relay by rules that stood by")                                      \
	X(STANDBY, "standby", "receive by rules and relay nothing, ready to take over")          \
	X(HOLD, "hold",                                                                          \
	  "receive nothing for a moment, so that what comes waits for `active --after'")         \
	X(REBALANCE, "rebalance",                                                                \
	  "move flows from shards that have much to do to those that have little")               \
	X(DRAIN, "drain", "relay what has arrived and end, as at SIGTERM")

/* What `show' takes. X(ID, "name", "help") */
#define PROTOCOL_SUBJECTS(X)                                                 \
	X(RULES, "rules", "each rule with the sums of its flows")            \
	X(FLOWS, "flows", "each flow with its shard and counters")           \
	X(OUTPUTS, "outputs", "each output of each flow with its counters")  \
	X(LEGS, "legs", "each leg of a feed that is merged")                 \
	X(SHARDS, "shards", "each shard with its CPU, memory and ring")      \
	X(POOLS, "pools", "each class of buffers of each shard")             \
	X(TOPOLOGY, "topology", "nodes, CPUs and interfaces of the machine") \
	X(PLAN, "plan", "which shard owns which flow, and why")              \
	X(CHANGES, "changes", "what was changed since the start, and by whom")

/* Why a request was refused. X(ID, "code") */
#define PROTOCOL_REFUSALS(X)          \
	X(NOT_JSON, "not_json")       \
	X(TOO_LONG, "too_long")       \
	X(BUSY, "busy")               \
	X(VERSION, "version")         \
	X(BAD_REQUEST, "bad_request") \
	X(UNKNOWN, "unknown_command") \
	X(DENIED, "denied")           \
	X(FAILED, "failed")

/* For lists of names. */
#define PROTOCOL_NAME(id, name, ...) name,

#define PROTOCOL_COMMAND_ID(id, ...) PROTOCOL_COMMAND_##id,
#define PROTOCOL_SUBJECT_ID(id, ...) PROTOCOL_SUBJECT_##id,
#define PROTOCOL_REFUSAL_ID(id, ...) PROTOCOL_REFUSED_##id,

enum protocol_command {
	PROTOCOL_COMMANDS(PROTOCOL_COMMAND_ID) PROTOCOL_COMMAND_COUNT
};

enum protocol_subject {
	PROTOCOL_SUBJECTS(PROTOCOL_SUBJECT_ID) PROTOCOL_SUBJECT_COUNT
};

/* 0 is no refusal. */
enum protocol_refusal {
	PROTOCOL_DONE,
	PROTOCOL_REFUSALS(PROTOCOL_REFUSAL_ID) PROTOCOL_REFUSAL_COUNT,
	PROTOCOL_LATER, /* neither done nor refused yet; never said to a client */
	PROTOCOL_AGAIN, /* not even begun: to be asked again in a moment; the same */
};
