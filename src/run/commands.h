/* commands.h - a request line to an answer line: what clients of control can ask and order.
 *
 *     commands.c         the table, one row a command; reading and checking requests
 *     commands_show.c    show
 *     commands_state.c   stats, health, log-level, version, drain
 *
 * What is shown comes from the counters' own tables by way of the report, so it has the names that
 * the exit report has. Nothing here makes a shard do anything, but for orders. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "src/base/log.h"
#include "src/base/protocol.h"

struct json_t;
struct supervisor;

/* Who asks. */
struct command_peer {
	uid_t uid;
	pid_t pid;
	bool may_change;
};

/* A request that was found to be as its command's row says. */
struct command_request {
	struct supervisor *sup;
	const struct command_peer *peer;
	const struct json_t *members;
};

/* Fills in `result', an empty object. Or a refusal, with `err'. */
typedef enum protocol_refusal command_run(const struct command_request *request,
					  struct json_t *result, struct err *err);

/* The answer to the `len' bytes of `line', its end included in the answer and not in the line. To
 * be freed; NULL: out of memory. */
char *commands_answer(struct supervisor *sup, const struct command_peer *peer, const char *line,
		      size_t len, size_t *out_len);

/* The same, of a refusal without a request. */
char *commands_refusal(enum protocol_refusal code, const char *text, size_t *out_len);

/* The string that is the request's member `name'; NULL: it has none. */
const char *commands_text(const struct command_request *request, const char *name);

/* Notes in the supervisor's changes and in the log what was changed, or not. */
void commands_note(const struct command_request *request, const char *what, const char *result);

/* In commands_show.c. */
command_run command_show;

/* In commands_state.c. */
command_run command_stats;
command_run command_health;
command_run command_log_level;
command_run command_version;
command_run command_drain;
