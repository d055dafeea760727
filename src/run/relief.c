/* relief.c - see relief.h.
 *
 * Marks as text are "SENDER:FIRST,...", each 16 hexadecimal digits.
 */
#include "src/run/relief.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shard/sock.h"
#include "src/base/clock.h"
#include "src/base/json_reserve.h"
#include "src/base/must.h"
#include "src/run/report_put.h"
#include "src/run/supervisor.h"

#define STAMPS_NS  (100 * NS_PER_MS) /* until all is stamped that comes */
#define WINDOW_NS  (20 * NS_PER_MS)  /* in which a sender is heard, or told by the clock */
#define FOLLOW_NS  (200 * NS_PER_MS) /* at least: what waited in the sockets is through */
#define GIVE_UP_NS (3 * NS_PER_S)    /* of what nobody has read, and of marks that do not come */
#define UNSTAMP_NS (2 * NS_PER_S)
#define NOTES_MAX  2048 /* senders of a shard */
#define MARK_WORD  16   /* digits of a sender, and of each first */
#define MARK_TEXT  ((MARK_WORD + 1) * (1 + BATON_FIRSTS))

static void wait_for(struct relief *relief, uint64_t ns);
static void look_after(struct relief *relief, uint64_t ns);
static bool is_through(struct relief *relief);
static bool is_read(struct relief *relief);
static bool is_shard_read(struct relief *relief, const struct worker *w);
static bool has_more(const struct relief *relief, const struct flow_place *place);
static void note_unread(struct relief *relief);
static void begin(struct relief *relief, enum relief_phase phase, json_t *names);
static int make_batons(struct relief *relief, uint32_t most, bool follows);
static bool read_mark(const char *text, struct baton_mark *out);
static bool read_word(const char **text, uint64_t *out);
static bool concerns(const struct relief *relief, const struct conf_flow *known,
		     const struct conf *conf);
static bool changes(const struct relief *relief, uint32_t shard, const struct flow_place *place);
static bool relays(const struct shard *at, const struct flow_place *place);
static uint64_t salt_of(const struct relief *relief, uint32_t shard, const struct flow_place *place,
			const char *rule);
static void stamp(struct flow_place *place);
static void end(struct relief *relief);
static json_t *result_of(const struct relief *relief);
static uint64_t met(const struct relief *relief);
static json_t *text_of(const struct baton_mark *mark);
static void free_batons(struct relief *relief);

void relief_free(struct relief *relief)
{
	free_batons(relief);
	json_decref(relief->names);
	*relief = (struct relief){.sup = relief->sup};
}

bool relief_is_busy(const struct relief *relief)
{
	return relief->phase != RELIEF_NONE &&
	       (relief->phase != RELIEF_HOLDS || relief->look_ns == 0);
}

int relief_hold(struct relief *relief, json_t *names, uint64_t for_ns)
{
	begin(relief, RELIEF_STAMPS, names);
	relief->next = RELIEF_HOLDS;
	relief->hold_ns = for_ns;
	return 0;
}

int relief_note(struct relief *relief, json_t *names)
{
	begin(relief, RELIEF_STAMPS, names);
	relief->next = RELIEF_NOTES;
	return make_batons(relief, NOTES_MAX, false);
}

int relief_follow(struct relief *relief, json_t *names, json_t *marks, uint64_t since_ns)
{
	struct baton_mark mark;
	json_t *text;
	size_t i;

	json_array_foreach(marks, i, text)
	{
		if (!read_mark(json_string_value(text), &mark)) {
			return -EINVAL;
		}
	}
	begin(relief, RELIEF_FOLLOWS, names);
	relief->since_ns = since_ns;
	relief->marks = (uint32_t)json_array_size(marks);
	if (make_batons(relief, relief->marks, true) < 0) {
		return -ENOMEM;
	}
	json_array_foreach(marks, i, text)
	{
		for (uint32_t s = 0; s < relief->baton_count; s++) {
			must(read_mark(json_string_value(text), &mark));
			must(baton_add(relief->batons[s], &mark));
		}
	}
	return 0;
}

void relief_want(const struct relief *relief, uint32_t shard, struct flow_place *place,
		 const struct conf_flow *known, const struct conf *conf, struct shard_duty *duty)
{
	if (relief->phase == RELIEF_NONE || !concerns(relief, known, conf) || place->flow.fd < 0 ||
	    place->flow.merge || !changes(relief, shard, place)) {
		return;
	}
	if (relief->phase == RELIEF_STAMPS) {
		stamp(place);
		duty->standby = place->rule.standby;
	} else if (relief->phase == RELIEF_HOLDS) {
		duty->hold = true;
	} else if (relief->phase == RELIEF_ENDS) {
		place->unstamp_ns = clock_now_ns() + UNSTAMP_NS;
	} else {
		duty->baton = relief->batons[shard];
		duty->salt = salt_of(relief, shard, place, conf->rules[known->rule].name);
		duty->standby = true;
	}
}

bool relief_told(struct relief *relief, json_t **out)
{
	json_reserve_begin();
	*out = NULL;
	switch (relief->phase) {
	case RELIEF_NONE:
		return true;
	case RELIEF_ENDS:
		*out = relief->ended == RELIEF_HOLDS ? NULL : result_of(relief);
		relief_free(relief);
		return true;
	case RELIEF_STAMPS:
		look_after(relief, STAMPS_NS);
		return false;
	case RELIEF_HOLDS:
		wait_for(relief, relief->hold_ns);
		return true;
	case RELIEF_NOTES:
		look_after(relief, WINDOW_NS);
		return false;
	case RELIEF_FOLLOWS:
		look_after(relief, FOLLOW_NS);
		return false;
	}
	return true;
}

bool relief_tick(struct relief *relief, uint64_t now_ns)
{
	if (relief->look_ns == 0 || now_ns < relief->look_ns) {
		return false;
	}
	if (relief->phase == RELIEF_STAMPS) {
		relief->phase = relief->next;
		relief->look_ns = 0;
		return true;
	}
	if (now_ns < relief->end_ns && !is_through(relief)) {
		return false; /* it is looked at again in a moment */
	}
	if (relief->phase == RELIEF_NOTES) {
		note_unread(relief);
	} else if (relief->phase == RELIEF_HOLDS) {
		log_warn("hold: nobody took over within %" PRIu64 " ms; rules go on as before",
			 (uint64_t)(relief->hold_ns / NS_PER_MS));
	}
	end(relief);
	return true;
}

int relief_sleep_ms(const struct relief *relief, uint64_t now_ns, int most_ms)
{
	int wait_ms;

	if (relief->look_ns == 0) {
		return most_ms;
	}
	wait_ms = now_ns >= relief->look_ns ? 1 : (int)((relief->look_ns - now_ns) / NS_PER_MS) + 1;
	return wait_ms < most_ms ? wait_ms : most_ms;
}

/* From the first time on that all shards have been told. */
static void wait_for(struct relief *relief, uint64_t ns)
{
	if (relief->look_ns == 0) {
		relief->look_ns = relief->end_ns = clock_now_ns() + ns;
	}
}

/* The same, but that it may take longer than that. */
static void look_after(struct relief *relief, uint64_t ns)
{
	if (relief->look_ns == 0) {
		relief->look_ns = clock_now_ns() + ns;
	}
}

/* Whether marks have been written down of all that came in the window, or none is waited for. */
static bool is_through(struct relief *relief)
{
	uint64_t found = 0;

	if (relief->phase == RELIEF_NOTES) {
		return is_read(relief);
	}
	for (uint32_t s = 0; s < relief->baton_count; s++) {
		found += stat_get(&relief->batons[s]->met) + stat_get(&relief->batons[s]->passed);
	}
	return found >= relief->marks;
}

/* Whether each flow that goes has had an empty socket once since the window was over: then its
 * shard has seen all that came in it, however far behind it was. */
static bool is_read(struct relief *relief)
{
	while (relief->read_shard < relief->baton_count) {
		if (!is_shard_read(relief, &relief->sup->workers[relief->read_shard])) {
			return false;
		}
		relief->read_shard++;
		relief->read_place = 0;
	}
	return true;
}

/* One that has begun to close has no more sockets to look at. */
static bool is_shard_read(struct relief *relief, const struct worker *w)
{
	struct relay *r = &w->shard->relay;
	bool read = true;

	gate_keep(w->gate);
	while (!w->closing && read && relief->read_place < r->place_count) {
		read = !has_more(relief, relay_place(r, relief->read_place));
		relief->read_place += read;
	}
	gate_let(w->gate);
	return read;
}

/* Whether it is one of those that go, and the kernel has something for it. */
static bool has_more(const struct relief *relief, const struct flow_place *place)
{
	return place->flow.rule && place->flow.baton &&
	       place->flow.baton == relief->batons[relief->read_shard] &&
	       sock_queued_bytes(place->flow.fd) > 0;
}

/* It is over, whoever has been read. */
static void note_unread(struct relief *relief)
{
	while (!is_read(relief)) {
		relief->unread++;
		relief->read_place++;
	}
	if (relief->unread > 0) {
		log_warn("standby: shards are too far behind: %u flows still have what came %u s "
			 "ago, or before; some of it is lost to the machine that takes over, or "
			 "doubled",
			 relief->unread, (unsigned)(GIVE_UP_NS / NS_PER_S));
	}
}

/* Whatever was held for another one stays so until shards are told what comes. */
static void begin(struct relief *relief, enum relief_phase phase, json_t *names)
{
	relief_free(relief);
	relief->phase = phase;
	relief->names = json_array_size(names) > 0 ? json_incref(names) : NULL;
}

static int make_batons(struct relief *relief, uint32_t most, bool follows)
{
	uint32_t count = relief->sup->worker_count;

	relief->batons = calloc(count, sizeof(void *));
	for (uint32_t s = 0; relief->batons && s < count; s++) {
		struct baton *baton = calloc(1, baton_bytes(most));

		relief->batons[s] = baton;
		if (!baton) {
			break;
		}
		relief->baton_count++;
		baton->follows = follows;
		baton->room = baton_room(most);
		baton->since_ns = relief->since_ns;
		baton->end_ns = relief->end_ns = clock_now_ns() + GIVE_UP_NS;
	}
	if (relief->baton_count < count) {
		relief_free(relief);
		return -ENOMEM;
	}
	return 0;
}

static bool read_mark(const char *text, struct baton_mark *out)
{
	bool read = true;

	*out = (struct baton_mark){0};
	if (!read_word(&text, &out->sender)) {
		return false;
	}
	while (read && out->count < BATON_FIRSTS && *text == (out->count == 0 ? ':' : ',')) {
		text++;
		read = read_word(&text, &out->firsts[out->count++]);
	}
	return read && out->sender != 0 && out->count > 0 && *text == '\0';
}

/* All of its digits: strtoull would also take none, signs and blanks. */
static bool read_word(const char **text, uint64_t *out)
{
	char digits[MARK_WORD + 1] = "";

	if (strspn(*text, "0123456789abcdef") != MARK_WORD) {
		return false;
	}
	memcpy(digits, *text, MARK_WORD);
	*out = strtoull(digits, NULL, 16);
	*text += MARK_WORD;
	return true;
}

static bool concerns(const struct relief *relief, const struct conf_flow *known,
		     const struct conf *conf)
{
	json_t *name;
	size_t i;

	json_array_foreach(relief->names, i, name)
	{
		if (strcmp(json_string_value(name), conf->rules[known->rule].name) == 0) {
			return true;
		}
	}
	return !relief->names;
}

/* Who relays already is not held, and who stands by anyway has nothing to write down: the other
 * machine would wait for it. */
static bool changes(const struct relief *relief, uint32_t shard, const struct flow_place *place)
{
	const struct ingress_flow *flow = &place->flow;
	bool begun =
		flow->baton && shard < relief->baton_count && flow->baton == relief->batons[shard];

	switch (relief->phase) {
	case RELIEF_HOLDS:
		return flow->held || !relays(relief->sup->workers[shard].shard, place);
	case RELIEF_NOTES:
		return begun || relays(relief->sup->workers[shard].shard, place);
	case RELIEF_FOLLOWS:
		return begun || flow->held || place->rule.standby;
	default:
		return true;
	}
}

/* Whether an output of it sends. */
static bool relays(const struct shard *at, const struct flow_place *place)
{
	for (uint32_t i = place->flow.first_output; i != PLACE_NONE && !place->rule.standby;) {
		const struct egress_output *output = &shard_output(at, i)->output;

		if (!output->sourceless) {
			return true;
		}
		i = output->sibling;
	}
	return false;
}

/* What the flow is and to whom it is relayed, as on any machine with these rules: interfaces may
 * have other names there. */
static uint64_t salt_of(const struct relief *relief, uint32_t shard, const struct flow_place *place,
			const char *rule)
{
	const struct shard *at = relief->sup->workers[shard].shard;
	uint64_t salt = baton_salt(rule, strlen(rule), 0);

	salt = baton_salt(&place->rule.in.at.addr, sizeof(struct addr), salt);
	salt = baton_salt(&place->rule.in.source, sizeof(struct addr), salt);
	if (place->flow.first_output != PLACE_NONE) {
		const struct output_place *output = shard_output(at, place->flow.first_output);

		const struct endpoint *to = &output->rule.out.to;

		salt = to->name ? baton_salt(to->name->text, strlen(to->name->text), salt)
				: baton_salt(&to->addr, sizeof(to->addr), salt);
	}
	return salt;
}

static void stamp(struct flow_place *place)
{
	place->unstamp_ns = 0;
	(void)sock_set_stamp(place->flow.fd, true);
}

static void end(struct relief *relief)
{
	relief->ended = relief->phase;
	relief->phase = RELIEF_ENDS;
	relief->look_ns = 0;
}

/* No shard has them any more. Who writes marks down tells as the moment the middle of the time in
 * which senders without a mark were silent. */
static json_t *result_of(const struct relief *relief)
{
	json_t *result = json_object(), *marks = json_array();
	uint64_t since_ns = 0;

	if (relief->ended == RELIEF_FOLLOWS) {
		report_put_number(result, "marks", relief->marks);
		report_put_number(result, "met", met(relief));
		json_decref(marks);
		return result;
	}
	for (uint32_t s = 0; s < relief->baton_count; s++) {
		const struct baton *baton = relief->batons[s];

		since_ns = baton->since_ns > since_ns ? baton->since_ns : since_ns;
		for (uint32_t m = 0; m < baton->room; m++) {
			if (baton->marks[m].sender != 0) {
				json_array_append_new(marks, text_of(&baton->marks[m]));
			}
		}
	}
	report_put_number(result, "since_ns", since_ns + WINDOW_NS / 2);
	report_put_number(result, "unread", relief->unread);
	report_put(result, "marks", marks);
	return result;
}

static uint64_t met(const struct relief *relief)
{
	uint64_t sum = 0;

	for (uint32_t s = 0; s < relief->baton_count; s++) {
		sum += stat_get(&relief->batons[s]->met);
	}
	return sum;
}

static json_t *text_of(const struct baton_mark *mark)
{
	char text[MARK_TEXT];
	int len = snprintf(text, sizeof(text), "%016" PRIx64, mark->sender);

	for (uint32_t i = 0; i < mark->count; i++) {
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%c%016" PRIx64,
				i == 0 ? ':' : ',', mark->firsts[i]);
	}
	return report_text(text);
}

static void free_batons(struct relief *relief)
{
	for (uint32_t s = 0; s < relief->baton_count; s++) {
		free(relief->batons[s]);
	}
	free(relief->batons);
	relief->batons = NULL;
	relief->baton_count = 0;
}
