/* names_rig.h - the names of a supervisor's rules, and who answers for them: lookups that the test
 * answers, and in the place of src/run/reload.c what notes that it was asked. Two names, both asked
 * for; the linker has to wrap reload_move, reload_is_busy and calloc.
 */
#pragma once

#include "src/run/names.h"
#include "tests/unit/run/supervisor_rig.h"

#define ASKED_MOST 40

struct asked {
	const struct host_name *name;
	lookup_done *done;
	void *context;
};

extern struct sup_rig rig;
extern struct names *names;
extern struct asked asked[ASKED_MOST]; /* and not answered yet */
extern uint32_t asked_count;
extern bool busy;            /* a change is under way */
extern int refusal;          /* of reload_move */
extern uint32_t short_after; /* so many calloc are had yet, and then one is not; 0: all are */
extern uint32_t moves;       /* reloads that were asked for */
extern uint64_t rig_now_ns;

void names_rig_open(void);
void names_rig_close(void);

void add_rule(const char *text);

/* Takes in the names of the rules as they are by now. */
int look(void);

void tick_after_s(uint64_t seconds);
struct addr address(uint8_t last);

/* Who was asked for this name is told. */
void answer(const char *name, const struct lookup_answer *with);
void answer_with(const char *name, uint8_t last, uint32_t ttl_s);
void answer_nothing(const char *name);

/* The reload that is under way ends. */
void end_move(int rc, const char *text);

const struct rule_output *output_of(const char *name);

/* What the reload that is made now would have. */
void expect_to(const char *name, uint8_t last);

/* What is amiss with the output to that name. */
const char *amiss(const char *name);

/* Both have addresses. */
void have_both(void);
