/* check_ctl_table.c - tables line up, and nothing that a daemon sends steers a terminal. */
#include "src/ctl/table.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static char *cell_of(const char *json, const char *path)
{
	json_t *row = json_loads(json, 0, NULL);
	char *cell;

	ck_assert_ptr_nonnull(row);
	cell = table_cell(row, path);
	json_decref(row);
	return cell;
}

START_TEST(path_leads_through_objects_and_arrays_to_a_value)
{
	static const char row[] = "{\"a\":{\"b\":7},\"c\":[{\"d\":1},{\"d\":2}],\"e\":null,"
				  "\"f\":true,\"g\":{\"x\":3,\"y\":4},\"h\":1.25,\"i\":[],"
				  "\"j\":{\"x\":9223372036854775807,\"y\":2}}";
	static const struct {
		const char *path, *cell;
	} cells[] = {{"a.b", "7"},   {"c.d", "1,2"},
		     {"e", "-"},     {"f", "yes"},
		     {"g", "7"},     {"h", "1.2"},
		     {"i", ""},      {"z.z", "-"},
		     {"a.b.c", "-"}, {"j", "9223372036854775807"}};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		char *cell = cell_of(row, cells[i].path);

		ck_assert_str_eq(cell, cells[i].cell);
		free(cell);
	}
}
END_TEST

START_TEST(control_characters_do_not_reach_the_terminal)
{
	char *cell = cell_of("{\"a\":\"x\\u001b[2J\\n\\u007f\\u009b\\u00e4\"}", "a");

	ck_assert_str_eq(cell, "x?[2J?\?\?\?\xc3\xa4");
	free(cell);
}
END_TEST

START_TEST(columns_line_up_and_no_blank_ends_a_line)
{
	static const struct table_column columns[] = {
		{"NAME", "n", false}, {"COUNT", "c", true}, {"WHY", "w", false}, {NULL}};
	json_t *rows = json_loads("[{\"n\":\"\xc3\xa4\",\"c\":1234567,\"w\":\"x\"},"
				  "{\"n\":\"longer\",\"c\":1,\"w\":\"\"}]",
				  0, NULL);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_int_eq(table_print(columns, rows, out), 0);
	fclose(out);
	ck_assert_str_eq(text, "NAME      COUNT  WHY\n"
			       "\xc3\xa4       1234567  x\n"
			       "longer        1\n");
	json_decref(rows);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl_table");
	TCase *tc = tcase_create("ctl_table");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, path_leads_through_objects_and_arrays_to_a_value);
	tcase_add_test(tc, control_characters_do_not_reach_the_terminal);
	tcase_add_test(tc, columns_line_up_and_no_blank_ends_a_line);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
