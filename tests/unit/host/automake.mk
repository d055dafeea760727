# Unit tests of src/host/, linked with its archive and those below.
HOST_RIG = tests/unit/host/host_rig.c tests/unit/host/host_rig.h

UNIT_TESTS += tests/unit/host/check_links
tests_unit_host_check_links_SOURCES = tests/unit/host/check_links.c $(HOST_RIG)
tests_unit_host_check_links_LDADD = $(NC_HOST_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/host/check_print
tests_unit_host_check_print_SOURCES = tests/unit/host/check_print.c $(HOST_RIG)
tests_unit_host_check_print_LDADD = $(NC_HOST_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/host/check_network
tests_unit_host_check_network_SOURCES = tests/unit/host/check_network.c $(HOST_RIG)
tests_unit_host_check_network_LDADD = $(NC_HOST_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/host/check_machine
tests_unit_host_check_machine_SOURCES = tests/unit/host/check_machine.c $(HOST_RIG)
tests_unit_host_check_machine_LDADD = $(NC_HOST_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/host/check_fastpath
tests_unit_host_check_fastpath_SOURCES = tests/unit/host/check_fastpath.c $(HOST_RIG)
tests_unit_host_check_fastpath_LDADD = $(NC_HOST_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/host/check_uring
tests_unit_host_check_uring_SOURCES = tests/unit/host/check_uring.c $(HOST_RIG)
tests_unit_host_check_uring_LDADD = $(NC_HOST_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/host/check_cpus
tests_unit_host_check_cpus_SOURCES = tests/unit/host/check_cpus.c $(HOST_RIG)
tests_unit_host_check_cpus_LDADD = $(NC_HOST_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/host/check_route
tests_unit_host_check_route_LDADD = $(NC_HOST_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/host/check_nft_rules
tests_unit_host_check_nft_rules_LDADD = $(NC_HOST_LIBS) $(CHECK_LIBS)
