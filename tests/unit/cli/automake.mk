# Unit tests of src/cli/, linked with its archive and those below.

UNIT_TESTS += tests/unit/cli/check_cli
tests_unit_cli_check_cli_LDADD = $(NC_CLI_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/cli/check_cli_value
tests_unit_cli_check_cli_value_LDADD = $(NC_CLI_LIBS) $(CHECK_LIBS)
