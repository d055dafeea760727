# Command lines from outside: exit status and streams of whole processes.
CLI_TESTS = tests/cli/alerts.sh tests/cli/bench.sh tests/cli/examples.sh tests/cli/ha.sh \
	tests/cli/numacastd.sh tests/cli/release.sh tests/cli/units.sh
EXTRA_DIST += $(CLI_TESTS) tests/prometheus/alerts.yaml
TESTS += $(CLI_TESTS)
