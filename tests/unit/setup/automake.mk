# Unit tests of src/setup/, linked with its archive and those below.

UNIT_TESTS += tests/unit/setup/check_difference
tests_unit_setup_check_difference_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)
UNIT_TESTS += tests/unit/setup/check_difference_group
tests_unit_setup_check_difference_group_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)
UNIT_TESTS += tests/unit/setup/check_difference_match
tests_unit_setup_check_difference_match_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/setup/check_layout
tests_unit_setup_check_layout_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/setup/check_marks
tests_unit_setup_check_marks_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/setup/check_opt
tests_unit_setup_check_opt_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/setup/check_opt_file
tests_unit_setup_check_opt_file_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/setup/check_opt_edit
tests_unit_setup_check_opt_edit_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/setup/check_opt_man
tests_unit_setup_check_opt_man_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/setup/check_uncopied
tests_unit_setup_check_uncopied_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/setup/check_iface
tests_unit_setup_check_iface_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/setup/check_cgroup
tests_unit_setup_check_cgroup_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/setup/check_opt_metrics
tests_unit_setup_check_opt_metrics_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/setup/check_privileges
tests_unit_setup_check_privileges_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

if HAVE_CARES
UNIT_TESTS += tests/unit/setup/check_lookup
tests_unit_setup_check_lookup_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CARES_CFLAGS)
tests_unit_setup_check_lookup_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)
tests_unit_setup_check_lookup_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ares_init_options \
	-Wl,--wrap=ares_destroy -Wl,--wrap=ares_getaddrinfo
endif
