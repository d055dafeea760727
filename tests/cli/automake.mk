# Command lines from outside: exit status and streams of whole processes.
CLI_TESTS = tests/cli/numacastd.sh
EXTRA_DIST += $(CLI_TESTS)
TESTS += $(CLI_TESTS)
