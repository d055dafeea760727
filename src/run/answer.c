/* answer.c - see answer.h. */
#include "src/run/answer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/memfile.h"
#include "src/base/must.h"
#include "src/base/protocol.h"
#include "src/run/supervisor.h"

struct answer {
	struct rows_ask ask;
	json_t *members; /* that `ask' looks at */
	json_t *id, *command;
	enum rows_of of;
	struct rows rows;
	FILE *out; /* to `text'; NULL: nothing is begun */
	char *text;
	size_t len;
	uint64_t changes; /* of shards, when it was begun */
	uint32_t tries;
};

static bool begin(struct answer *answer);
static void stop(struct answer *answer);
static bool names_of(const json_t *rules, json_t **out);

struct answer *answer_new(const struct supervisor *sup, enum rows_of of, json_t *rules,
			  json_t *members)
{
	struct answer *answer = calloc(1, sizeof(*answer));

	if (!answer) {
		return NULL;
	}
	answer->ask.sup = sup;
	answer->of = of;
	answer->members = members ? json_incref(members) : NULL;
	report_want(answer->members, &answer->ask.want);
	if (!names_of(rules, &answer->ask.rules)) {
		answer_free(answer);
		return NULL;
	}
	return answer;
}

void answer_set_request(struct answer *answer, json_t *id, json_t *command)
{
	answer->id = id ? json_incref(id) : NULL;
	answer->command = command ? json_incref(command) : NULL;
}

json_t *answer_id(const struct answer *answer)
{
	return answer->id;
}

json_t *answer_command(const struct answer *answer)
{
	return answer->command;
}

bool answer_go_on(struct answer *answer)
{
	const struct changer *changer = &answer->ask.sup->changer;
	bool patient, done;

	if (answer->out && answer->changes != changer->lists) {
		stop(answer);
		answer->tries++;
	}
	if (!answer->out && !begin(answer)) {
		return true;
	}
	patient = changer_is_idle(changer) && answer->tries < ANSWER_TRIES;
	do {
		done = rows_add(&answer->rows, ANSWER_PIECE, ANSWER_ROWS, answer->out) ||
		       fflush(answer->out) != 0 || answer->len > PROTOCOL_ANSWER_MAX;
	} while (!done && !patient);
	return done;
}

const char *answer_rows(struct answer *answer, size_t *out_len)
{
	if (!answer->out || answer->rows.failed || fflush(answer->out) != 0 ||
	    ferror(answer->out)) {
		return NULL;
	}
	*out_len = answer->len;
	return answer->text;
}

enum rows_of answer_of(const struct answer *answer)
{
	return answer->of;
}

void answer_free(struct answer *answer)
{
	if (answer) {
		stop(answer);
		json_decref(answer->ask.rules);
		json_decref(answer->members);
		json_decref(answer->id);
		json_decref(answer->command);
		free(answer);
	}
}

/* False: out of memory. */
static bool begin(struct answer *answer)
{
	answer->changes = answer->ask.sup->changer.lists;
	answer->out = memfile_open(&answer->text, &answer->len);
	if (!answer->out) {
		return false;
	}
	if (rows_begin(&answer->rows, &answer->ask, answer->of) < 0) {
		stop(answer);
		return false;
	}
	return true;
}

static void stop(struct answer *answer)
{
	rows_free(&answer->rows);
	if (answer->out) {
		(void)memfile_close(answer->out, &answer->text);
		free(answer->text);
		answer->out = NULL;
		answer->text = NULL;
	}
}

/* As an object's members, to be found fast. False: out of memory. */
static bool names_of(const json_t *rules, json_t **out)
{
	json_t *name;
	size_t i;

	*out = rules ? json_object() : NULL;
	json_array_foreach(rules, i, name)
	{
		if (json_object_set_new(*out, json_string_value(name), json_true()) < 0) {
			return false;
		}
	}
	return !rules || *out;
}
