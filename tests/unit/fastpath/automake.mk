# Unit tests of src/fastpath/, linked with its archive and those below.
FAST_RIG = tests/unit/fastpath/fast_rig.c tests/unit/fastpath/fast_rig.h \
	tests/unit/sock_help.c tests/unit/sock_help.h

UNIT_TESTS += tests/unit/fastpath/check_fast
tests_unit_fastpath_check_fast_SOURCES = tests/unit/fastpath/check_fast.c $(FAST_RIG)
tests_unit_fastpath_check_fast_LDADD = $(NC_FASTPATH_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/fastpath/check_fast_change
tests_unit_fastpath_check_fast_change_SOURCES = tests/unit/fastpath/check_fast_change.c \
	$(FAST_RIG)
tests_unit_fastpath_check_fast_change_LDADD = $(NC_FASTPATH_LIBS) $(CHECK_LIBS)
tests_unit_fastpath_check_fast_change_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=bpf_map_update_elem \
	-Wl,--wrap=bpf_map_lookup_elem

UNIT_TESTS += tests/unit/fastpath/check_eligible
tests_unit_fastpath_check_eligible_LDADD = $(NC_FASTPATH_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/fastpath/check_hop
tests_unit_fastpath_check_hop_SOURCES = tests/unit/fastpath/check_hop.c \
	tests/unit/sock_help.c tests/unit/sock_help.h
tests_unit_fastpath_check_hop_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MNL_CFLAGS)
tests_unit_fastpath_check_hop_LDADD = $(NC_FASTPATH_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/fastpath/check_weigh
tests_unit_fastpath_check_weigh_LDADD = $(NC_FASTPATH_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/fastpath/check_wire
tests_unit_fastpath_check_wire_LDADD = $(NC_FASTPATH_LIBS) $(CHECK_LIBS)
