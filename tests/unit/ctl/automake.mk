# Unit tests of src/ctl/, linked with its archive and those below; check_ctl_present asks the daemon's
# commands too, whose names it compares.
UNIT_TESTS += tests/unit/ctl/check_ctl_options
tests_unit_ctl_check_ctl_options_LDADD = $(NC_CTL_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/ctl/check_ctl_table
tests_unit_ctl_check_ctl_table_LDADD = $(NC_CTL_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/ctl/check_ctl_present
tests_unit_ctl_check_ctl_present_SOURCES = tests/unit/ctl/check_ctl_present.c $(RUN_RIG)
tests_unit_ctl_check_ctl_present_LDADD = src/ctl/libnc-ctl.a $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/ctl/check_ctl_top
tests_unit_ctl_check_ctl_top_LDADD = $(NC_CTL_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/ctl/check_ctl_frame
tests_unit_ctl_check_ctl_frame_LDADD = $(NC_CTL_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/ctl/check_ctl_client
tests_unit_ctl_check_ctl_client_LDADD = $(NC_CTL_LIBS) $(CHECK_LIBS)
tests_unit_ctl_check_ctl_client_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=json_dumpb -Wl,--wrap=malloc
