# Unit tests of src/base/, linked with its archive and those below.

UNIT_TESTS += tests/unit/base/check_addr
tests_unit_base_check_addr_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/base/check_advice
tests_unit_base_check_advice_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/base/check_arena
tests_unit_base_check_arena_SOURCES = tests/unit/base/check_arena.c tests/unit/hugepool.h
tests_unit_base_check_arena_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)
tests_unit_base_check_arena_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=munmap

UNIT_TESTS += tests/unit/base/check_errand
tests_unit_base_check_errand_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/base/check_log
tests_unit_base_check_log_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/base/check_json_reserve
tests_unit_base_check_json_reserve_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS) $(JANSSON_LIBS)

UNIT_TESTS += tests/unit/base/check_memfile
tests_unit_base_check_memfile_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=realloc
tests_unit_base_check_memfile_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/base/check_num
tests_unit_base_check_num_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/base/check_regular
tests_unit_base_check_regular_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/base/check_sink
tests_unit_base_check_sink_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)
