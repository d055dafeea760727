/* commands.h - a request line to an answer line: what clients of control can ask and order.
 *
 *     commands.c         the table, one row a command; reading and checking requests
 *     commands_line.c    answers, and the lines that they are sent as
 *     commands_show.c    show; its rows are made a piece at a time (answer.h)
 *     commands_change.c  reload, replace, add, remove, enable, disable
 *     commands_duty.c    active, standby, hold
 *     commands_balance.c rebalance
 *     commands_state.c   stats, health, log-level, version, drain
 *
 * What is shown comes from the counters' own tables by way of the report, so it has the names that
 * the exit report has. Nothing here makes a shard do anything, but for orders. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/log.h"
#include "src/base/protocol.h"
#include "src/rules/conf.h"

struct answer;
struct json_t;
struct supervisor;

/* Who asks. */
struct command_peer {
	uint64_t number; /* of the client, never used again */
	uid_t uid;
	pid_t pid;
	bool may_change;
};

/* A change that was asked for: while it is under way, and until its answer was taken. */
struct command_order {
	bool under_way, answered;
	uint64_t client; /* its number */
	uid_t uid;
	pid_t pid;
	char what[160];
	struct conf disabled; /* the rules that are once it is done */
	struct json_t *id, *command;
	struct json_t *result; /* what the answer has beside how it went, or NULL */
	bool result_lost;      /* there was no memory for all of it */
	int rc;                /* how it went, and in words */
	struct err text;
};

/* A request that was found to be as its command's row says. */
struct command_request {
	struct supervisor *sup;
	const struct command_peer *peer;
	const struct json_t *members;
	struct answer *
		*rows; /* what the answer has, made later, beside the result; NULL: nothing */
};

/* Fills in `result', an empty object. Or a refusal, with `err'. */
typedef enum protocol_refusal command_run(const struct command_request *request,
					  struct json_t *result, struct err *err);

/* What `out_len' is when the answer comes later; and when the request cannot be taken yet, but
 * within a second or two: it is to be asked again. */
#define COMMANDS_LATER SIZE_MAX
#define COMMANDS_AGAIN (SIZE_MAX - 1)

/* The answer to the `len' bytes of `line', its end included in the answer and not in the line. To
 * be freed; NULL: out of memory, or as `*out_len' says; it comes later, by commands_late, or, where
 * `*out_rows' is not NULL, by commands_go_on with that, which is the caller's then. */
char *commands_answer(struct supervisor *sup, const struct command_peer *peer, const char *line,
		      size_t len, struct answer **out_rows, size_t *out_len);

/* Does a piece of an answer; NULL: there are more, else as commands_answer, and a refusal when
 * there is no memory for it. Not while shards have messages (changer_is_amid). */
char *commands_go_on(struct supervisor *sup, struct answer *rows, size_t *out_len);

/* The answer to a change, once it is there, and the number of the client that asked; NULL: none,
 * or, if that is not 0, there is no memory for it. */
char *commands_late(struct supervisor *sup, uint64_t *out_client, size_t *out_len);

/* Whether there is one to be taken. */
bool commands_has_late(const struct supervisor *sup);

/* At the end: forgets a change whose answer nobody took. */
void commands_forget(struct supervisor *sup);
void commands_forget_order(struct command_order *order);

/* The same, of a refusal without a request. */
char *commands_refusal(enum protocol_refusal code, const char *text, size_t *out_len);

/* The string that is the request's member `name'; NULL: it has none. */
const char *commands_text(const struct command_request *request, const char *name);

/* Notes in the supervisor's history and in the log what was changed, or not. */
void commands_note(struct supervisor *sup, const struct command_peer *peer, const char *what,
		   const char *result);

/* In commands_show.c. */
command_run command_show;

/* Fills in what the answer of `rows' has beside them. */
void commands_show_rest(const struct supervisor *sup, const struct answer *rows,
			struct json_t *result);

/* The name of the member that they are. */
const char *commands_show_name(const struct answer *rows);

/* In commands_change.c. */
command_run command_reload;
command_run command_replace;
command_run command_add;
command_run command_remove;
command_run command_enable;
command_run command_disable;

/* In commands_duty.c. */
command_run command_active;
command_run command_standby;

command_run command_hold;

/* All shards have been told what the last order says; `result', or NULL, is what its answer has
 * beside that, and is theirs; json_reserve_was_short() still says whether it is whole. */
void commands_duty_done(struct supervisor *sup, struct json_t *result);

/* In commands_balance.c. */
command_run command_rebalance;

/* In commands_state.c. */
command_run command_stats;
command_run command_health;
command_run command_log_level;
command_run command_version;
command_run command_drain;
