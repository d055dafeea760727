# Unit tests of src/rules/, linked with its archive and those below.

UNIT_TESTS += tests/unit/rules/check_conf
tests_unit_rules_check_conf_LDADD = $(NC_RULES_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/rules/check_conf_refuse
tests_unit_rules_check_conf_refuse_LDADD = $(NC_RULES_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/rules/check_members
tests_unit_rules_check_members_LDADD = $(NC_RULES_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/rules/check_keys
tests_unit_rules_check_keys_LDADD = $(NC_RULES_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/rules/check_twins
tests_unit_rules_check_twins_LDADD = $(NC_RULES_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/rules/check_index
tests_unit_rules_check_index_LDADD = $(NC_RULES_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/rules/check_apart
tests_unit_rules_check_apart_LDADD = $(NC_RULES_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/rules/check_endpoint
tests_unit_rules_check_endpoint_LDADD = $(NC_RULES_LIBS) $(CHECK_LIBS)
tests_unit_rules_check_endpoint_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc

UNIT_TESTS += tests/unit/rules/check_legs
tests_unit_rules_check_legs_LDADD = $(NC_RULES_LIBS) $(CHECK_LIBS)
