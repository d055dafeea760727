/* check_survey.c - what runs, copied: whole, in pieces, and not amid a change. */
#include "src/run/survey.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/web/snapshot.h"
#include "src/web/web.h"
#include "tests/unit/run/supervisor_rig.h"

static struct sup_rig rig;
static struct survey survey;
static struct snapshot *got; /* what was handed over last */
static char *text;           /* the same */
static enum web_part wanted;

/* In the place of web.c's: the same is always wanted. */
bool web_wants(struct web *web, enum web_part part)
{
	(void)web;
	return part == wanted;
}

void web_put(struct web *web, enum web_part which, void *at, size_t len)
{
	(void)web;
	ck_assert_int_eq(which, wanted);
	if (which == WEB_SNAPSHOT) {
		ck_assert_uint_eq(len, 0);
		snapshot_free(got);
		got = at;
	} else {
		ck_assert_uint_eq(len, strlen(at));
		free(text);
		text = at;
	}
}

static void setup(void)
{
	sup_rig_open(&rig);
	ck_assert_int_eq(gate_init(&rig.sup.gate), 0);
	wanted = WEB_SNAPSHOT;
}

static void teardown(void)
{
	snapshot_free(got);
	got = NULL;
	free(text);
	text = NULL;
	survey_free(&survey);
	gate_free(&rig.sup.gate);
	sup_rig_close(&rig);
}

START_TEST(snapshot_holds_what_was_counted)
{
	rig.flow_stats.received = 7;
	rig.flow_stats.drops[FLOW_DROP_LOOP] = 2;
	rig.output_stats[1].sent = 5;
	rig.stats.ring.turns = 11;
	rig.sup.gone.flows.received = 100;
	rig.output_room[1].output.relayed_before = 3;
	survey_tick(&survey, &rig.sup, NULL);
	ck_assert_ptr_nonnull(got);
	ck_assert(!survey_is_busy(&survey));
	rig.flow_stats.received = 8; /* is another matter now */
	ck_assert_uint_eq(got->flow_count, 1);
	ck_assert_uint_eq(stat_get(&got->flows[0].stats.received), 7);
	ck_assert_uint_eq(stat_get(&got->flows[0].stats.drops[FLOW_DROP_LOOP]), 2);
	ck_assert_uint_eq(got->flows[0].rule, 0);
	ck_assert_uint_eq(got->flows[0].output_count, SUP_RIG_OUTPUTS);
	ck_assert_ptr_null(got->flows[0].why);
	ck_assert_uint_eq(got->output_count, SUP_RIG_OUTPUTS);
	ck_assert_uint_eq(stat_get(&got->outputs[1].stats.sent), 5);
	ck_assert_uint_eq(got->outputs[1].relayed_before, 3);
	ck_assert_uint_eq(got->outputs[1].flow, 0);
	ck_assert_uint_eq(stat_get(&got->shards[0].ring.turns), 11);
	ck_assert_uint_eq(stat_get(&got->gone_flows.received), 100);
	ck_assert_str_eq(got->rules[0].name, rig.opt.conf.rules[0].name);
	ck_assert_uint_eq(got->reason_count, 0);
}
END_TEST

START_TEST(snapshot_knows_what_has_no_link)
{
	struct ifwatch_link link = {.ifindex = 7};

	rig.sup.links.watch.table = (struct ifwatch_table){.links = &link, .count = 1};
	rig.outputs[1].ifindex = 7;
	survey_tick(&survey, &rig.sup, NULL);
	ck_assert(!got->flows[0].degraded);
	ck_assert(!got->outputs[0].degraded);
	ck_assert(got->outputs[1].degraded);
	ck_assert_uint_eq(got->reason_count, 1);
	rig.sup.links.watch.table = (struct ifwatch_table){0};
}
END_TEST

START_TEST(flow_that_no_rule_has_is_told_as_such)
{
	rig.flow.in.at.addr.port++;
	survey_tick(&survey, &rig.sup, NULL);
	ck_assert_uint_eq(got->flows[0].rule, SNAPSHOT_NO_RULE);
}
END_TEST

/* A shard of many rooms, all of them the rig's one. */
static void add_rooms(struct flow_place **rooms, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		rooms[i] = rig.flow_room;
	}
	rig.flow_room[0].flow.first_output = PLACE_NONE;
	rig.shard.relay.rooms = rooms;
	rig.shard.relay.place_count = count * ROOM_FLOWS;
}

#define ROOMS (3 * SURVEY_PIECE / ROOM_FLOWS)

START_TEST(many_flows_are_copied_in_pieces)
{
	struct flow_place *rooms[ROOMS];
	uint32_t ticks = 1;

	add_rooms(rooms, ROOMS);
	for (survey_tick(&survey, &rig.sup, NULL); !got; ticks++) {
		ck_assert(survey_is_busy(&survey));
		survey_tick(&survey, &rig.sup, NULL);
	}
	ck_assert_uint_eq(got->flow_count, ROOMS);
	ck_assert_uint_ge(ticks, 3);
}
END_TEST

START_TEST(change_amid_a_survey_begins_it_anew_and_does_not_starve_it)
{
	struct flow_place *rooms[ROOMS];

	add_rooms(rooms, ROOMS);
	survey_tick(&survey, &rig.sup, NULL);
	rig.sup.changer.lists++;
	for (uint32_t i = 0; i < 3; i++) {
		survey_tick(&survey, &rig.sup, NULL);
	}
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(got->flow_count, ROOMS);
	snapshot_free(got);
	got = NULL;
	for (uint32_t i = 0; i < SURVEY_TRIES; i++) {
		survey_tick(&survey, &rig.sup, NULL);
		ck_assert_ptr_null(got);
		rig.sup.changer.lists++;
	}
	survey_tick(&survey, &rig.sup, NULL);
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(got->flow_count, ROOMS);
}
END_TEST

static json_int_t number_in(const json_t *status, const char *object, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(status, object), key));
}

/* With SURVEY_PIECE flows or SURVEY_ROWS rules each time, and nothing counted twice. */
static void expect_status_of_many(void)
{
	json_t *status = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	ck_assert_ptr_nonnull(status);
	ck_assert_int_eq(number_in(status, "totals", "flows"), ROOMS);
	ck_assert_uint_eq(json_array_size(json_object_get(status, "rules")),
			  rig.opt.conf.rule_count);
	json_decref(status);
}

static void want_status_of_many(struct flow_place **rooms)
{
	struct err err;

	add_rooms(rooms, ROOMS);
	for (int i = 0; i < 2 * SURVEY_ROWS; i++) {
		char rule[64];

		snprintf(rule, sizeof(rule), "239.9.%d.%d%%eth0:5000 -> 10.1.1.1:%d", i / 256,
			 i % 256, 1024 + i);
		ck_assert_msg(conf_add_rule(&rig.opt.conf, rule, "--rule", &err) == 0, "%s",
			      err.text);
	}
	wanted = WEB_STATUS;
}

START_TEST(status_of_many_is_written_in_pieces)
{
	struct flow_place *rooms[ROOMS];
	uint32_t ticks = 1;

	want_status_of_many(rooms);
	for (survey_tick(&survey, &rig.sup, NULL); !text; ticks++) {
		ck_assert(survey_is_busy(&survey));
		survey_tick(&survey, &rig.sup, NULL);
	}
	expect_status_of_many();
	ck_assert_uint_ge(ticks, 5);
}
END_TEST

START_TEST(change_amid_a_status_begins_it_anew_and_does_not_starve_it)
{
	struct flow_place *rooms[ROOMS];

	want_status_of_many(rooms);
	survey_tick(&survey, &rig.sup, NULL);
	survey_tick(&survey, &rig.sup, NULL);
	rig.sup.changer.lists++;
	for (uint32_t i = 0; i < 20 && !text; i++) {
		survey_tick(&survey, &rig.sup, NULL);
	}
	expect_status_of_many();
	free(text);
	text = NULL;
	for (uint32_t i = 0; i <= SURVEY_TRIES && !text; i++) {
		survey_tick(&survey, &rig.sup, NULL);
		rig.sup.changer.lists++;
	}
	expect_status_of_many();
}
END_TEST

START_TEST(text_that_nobody_wants_any_more_is_forgotten)
{
	struct flow_place *rooms[ROOMS];

	want_status_of_many(rooms);
	survey_tick(&survey, &rig.sup, NULL);
	ck_assert(survey_is_busy(&survey));
	wanted = WEB_PART_COUNT;
	survey_tick(&survey, &rig.sup, NULL);
	ck_assert(!survey_is_busy(&survey));
	ck_assert_ptr_null(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("survey");
	TCase *tc = tcase_create("survey");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, snapshot_holds_what_was_counted);
	tcase_add_test(tc, snapshot_knows_what_has_no_link);
	tcase_add_test(tc, flow_that_no_rule_has_is_told_as_such);
	tcase_add_test(tc, many_flows_are_copied_in_pieces);
	tcase_add_test(tc, status_of_many_is_written_in_pieces);
	tcase_add_test(tc, change_amid_a_status_begins_it_anew_and_does_not_starve_it);
	tcase_add_test(tc, text_that_nobody_wants_any_more_is_forgotten);
	tcase_add_test(tc, change_amid_a_survey_begins_it_anew_and_does_not_starve_it);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
