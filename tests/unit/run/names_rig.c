/* names_rig.c - see names_rig.h. */
#include "tests/unit/run/names_rig.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"

struct lookup {
	int unused;
};

int __wrap_reload_move(struct reload *reload, const struct plan *owners,
		       const struct reload_client *told, struct err *err);
bool __wrap_reload_is_busy(const struct reload *reload);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

struct sup_rig rig;
struct names *names;
static struct lookup the_lookup;
struct asked asked[ASKED_MOST];
uint32_t asked_count;
bool busy;
int refusal;
uint32_t short_after, moves;
uint64_t rig_now_ns;
static struct reload_client client;

bool lookup_is_there(void)
{
	return true;
}

int lookup_open(struct lookup **out, struct err *err)
{
	(void)err;
	*out = &the_lookup;
	return 0;
}

void lookup_begin(struct lookup *lookup, const struct host_name *name, lookup_done *done,
		  void *context)
{
	ck_assert_ptr_eq(lookup, &the_lookup);
	ck_assert_uint_lt(asked_count, ASKED_MOST);
	asked[asked_count].name = name;
	asked[asked_count].done = done;
	asked[asked_count++].context = context;
}

int lookup_fd(const struct lookup *lookup)
{
	(void)lookup;
	return 7;
}

void lookup_tick(struct lookup *lookup)
{
	(void)lookup;
}

int lookup_wait_ms(const struct lookup *lookup, int most_ms)
{
	(void)lookup;
	return most_ms;
}

void lookup_close(struct lookup *lookup)
{
	(void)lookup;
}

int __wrap_reload_move(struct reload *reload, const struct plan *owners,
		       const struct reload_client *told, struct err *err)
{
	ck_assert_ptr_eq(reload, &rig.sup.reload);
	ck_assert_ptr_eq(owners, &rig.setup.plan);
	moves++;
	if (refusal < 0) {
		err_set(err, "a circle");
		return refusal;
	}
	client = *told;
	busy = true;
	return 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return short_after > 0 && --short_after == 0 ? NULL : __real_calloc(count, size);
}

bool __wrap_reload_is_busy(const struct reload *reload)
{
	(void)reload;
	return busy;
}

void add_rule(const char *text)
{
	struct err err;

	ck_assert_msg(conf_add_rule(&rig.opt.conf, text, "--rule", &err) == 0, "%s", err.text);
}

/* Takes in the names of the rules as they are by now. */
int look(void)
{
	struct err err;

	names->known = NULL;
	return names_look(names, &err);
}

void names_rig_open(void)
{
	sup_rig_open(&rig);
	add_rule("239.1.1.5%eth0:5000 -> one.example:7001, two.example:7002");
	names = malloc(sizeof(*names));
	ck_assert_ptr_nonnull(names);
	*names = (struct names){.sup = &rig.sup};
	asked_count = moves = 0;
	busy = false;
	refusal = 0;
	rig_now_ns = 1000 * NS_PER_S;
	logged_start();
	ck_assert_int_eq(look(), 0);
	names_tick(names, rig_now_ns);
	ck_assert_uint_eq(asked_count, 2);
	(void)logged();
}

void names_rig_close(void)
{
	names_close(names);
	free(names);
	sup_rig_close(&rig);
}

void tick_after_s(uint64_t seconds)
{
	rig_now_ns += seconds * NS_PER_S;
	names_tick(names, rig_now_ns);
}

struct addr address(uint8_t last)
{
	return (struct addr){.family = AF_INET, .ip = {10, 0, 0, last}};
}

/* Who was asked for this name is told. */
void answer(const char *name, const struct lookup_answer *with)
{
	for (uint32_t i = 0; i < asked_count; i++) {
		if (strcmp(asked[i].name->text, name) == 0) {
			lookup_done *done = asked[i].done;
			void *context = asked[i].context;

			asked[i] = asked[--asked_count];
			done(context, with);
			return;
		}
	}
	ck_abort_msg("%s was not asked for", name);
}

void answer_with(const char *name, uint8_t last, uint32_t ttl_s)
{
	answer(name, &(struct lookup_answer){.ttl_s = ttl_s, .count = 1, .addrs = {address(last)}});
}

void answer_nothing(const char *name)
{
	answer(name, &(struct lookup_answer){.rc = -ENOENT, .why = "nobody knows"});
}

/* The reload that is under way ends. */
void end_move(int rc, const char *text)
{
	struct err err;

	err_set(&err, "%s", text);
	busy = false;
	client.done(client.context, rc, &err);
}

const struct rule_output *output_of(const char *name)
{
	for (uint32_t i = 0; i < rig.opt.conf.output_count; i++) {
		const struct rule_output *out = &rig.opt.conf.outputs[i];

		if (out->to.name && strcmp(out->to.name->text, name) == 0) {
			return out;
		}
	}
	ck_abort_msg("no output to %s", name);
}

/* What the reload that is made now would have. */
void expect_to(const char *name, uint8_t last)
{
	struct err err;
	struct addr wanted = address(last);

	ck_assert_int_eq(names_fill(names, &rig.opt.conf, &err), 0);
	if (last == 0) {
		ck_assert(!endpoint_is_known(&output_of(name)->to));
		return;
	}
	ck_assert(addr_ip_equal(&output_of(name)->to.addr, &wanted));
	ck_assert_uint_ge(output_of(name)->to.addr.port, 7001);
}

const char *amiss(const char *name)
{
	return names_amiss(names, output_of(name)->to.name);
}

/* Both have addresses. */
void have_both(void)
{
	answer_with("one.example", 1, 60);
	answer_with("two.example", 2, 60);
	tick_after_s(0);
	ck_assert_uint_eq(moves, 1);
	end_move(0, "done");
	moves = 0;
}
