/* answer.h - an answer of `show' whose rows are made a piece at a time.
 *
 * With 10 000 rules rows take a tenth of a second and more, for which no other client, nor anything
 * else that control does, is to wait. So the rows are written ANSWER_ROWS at a time, or
 * ANSWER_PIECE flows are summed, between everything else. Places of flows and outputs change hands
 * by messages to shards: a change amid an answer begins it anew, and while one is under way, or
 * after ANSWER_TRIES, the whole is made at once. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "src/run/rows.h"

#define ANSWER_PIECE 500
#define ANSWER_ROWS  200
#define ANSWER_TRIES 3

struct answer;
struct supervisor;

/* The rows `of', confined to what the texts of the arrays `rules' and `members' name, or all for
 * NULL. NULL: out of memory. */
struct answer *answer_new(const struct supervisor *sup, enum rows_of of, struct json_t *rules,
			  struct json_t *members);

/* What the request was, for who puts the answer together: its own until it is freed; either may be
 * NULL. */
void answer_set_request(struct answer *answer, struct json_t *id, struct json_t *command);
struct json_t *answer_id(const struct answer *answer);
struct json_t *answer_command(const struct answer *answer);

/* Does a piece. True: all rows are there, or more bytes than any answer may have. */
bool answer_go_on(struct answer *answer);

/* The rows, apart by commas, of `*out_len' bytes, and which they are; after answer_go_on. The
 * answer's own; NULL: there was no memory for them. */
const char *answer_rows(struct answer *answer, size_t *out_len);
enum rows_of answer_of(const struct answer *answer);

/* Accepts NULL. */
void answer_free(struct answer *answer);
