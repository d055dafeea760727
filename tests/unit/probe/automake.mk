# Unit tests of src/probe/, linked with its archive and those below.

UNIT_TESTS += tests/unit/probe/check_probe_opt
tests_unit_probe_check_probe_opt_LDADD = $(NC_PROBE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/probe/check_probe_report
tests_unit_probe_check_probe_report_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_probe_check_probe_report_LDADD = $(NC_PROBE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/probe/check_probe_sock
tests_unit_probe_check_probe_sock_SOURCES = tests/unit/probe/check_probe_sock.c \
	tests/unit/sock_help.c tests/unit/sock_help.h
tests_unit_probe_check_probe_sock_LDADD = src/probe/libnc-probe.a src/cli/libnc-cli.a \
	$(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/probe/check_probe_stats
tests_unit_probe_check_probe_stats_LDADD = $(NC_PROBE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/probe/check_probe_tally
tests_unit_probe_check_probe_tally_LDADD = $(NC_PROBE_LIBS) $(CHECK_LIBS)
