# Unit tests of src/view/, linked with its archive and those below.

UNIT_TESTS += tests/unit/view/check_view
tests_unit_view_check_view_LDADD = $(NC_VIEW_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/view/check_live
tests_unit_view_check_live_LDADD = $(NC_VIEW_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/view/check_view_fast
tests_unit_view_check_view_fast_SOURCES = tests/unit/view/check_view_fast.c \
	tests/unit/sock_help.c tests/unit/sock_help.h
tests_unit_view_check_view_fast_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_view_check_view_fast_LDADD = $(NC_VIEW_LIBS) $(CHECK_LIBS)
