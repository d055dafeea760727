# Unit tests of src/web/, linked with its archive and those below.
UNIT_TESTS += tests/unit/web/check_web_text
tests_unit_web_check_web_text_LDADD = $(NC_WEB_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/web/check_hosts
tests_unit_web_check_hosts_LDADD = $(NC_WEB_LIBS) $(CHECK_LIBS)

if HAVE_MICROHTTPD
UNIT_TESTS += tests/unit/web/check_web
tests_unit_web_check_web_LDADD = $(NC_WEB_LIBS) $(CHECK_LIBS)
tests_unit_web_check_web_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=MHD_add_response_header

UNIT_TESTS += tests/unit/web/check_web_hand
tests_unit_web_check_web_hand_LDADD = $(NC_WEB_LIBS) $(CHECK_LIBS)
endif

UNIT_TESTS += tests/unit/web/check_metrics
tests_unit_web_check_metrics_LDADD = $(NC_WEB_LIBS) $(CHECK_LIBS)
