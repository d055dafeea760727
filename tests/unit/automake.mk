# Unit tests: one Check program per module, in the folder of its room. A test of one file needs two
# lines in the room's automake.mk, its name and what it links: the room's own archive and those
# below, NC_SHARD_LIBS and the like, so that a wrong dependency does not link.
#
#   UNIT_TESTS += tests/unit/shard/check_gso
#   tests_unit_shard_check_gso_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)
#
# One of several files names them all in tests_unit_shard_check_gso_SOURCES.
#
# Tests find data by the environment: NC_SRCDIR (top of the sources), NC_BUILDDIR (top of the
# build), TOPOLOGIES (tests/topologies).
# A ring that does what the test tells it (tests/fake/ring_fake.h); one more source of such a test.
NC_FAKE_RING = tests/fake/ring_fake.c tests/fake/ring_fake.h \
	tests/fake/ring_fake_engine.c tests/fake/ring_fake_engine.h \
	tests/fake/ring_fake_send.c tests/fake/ring_fake_slot.c
UNIT_TESTS =
include tests/unit/base/automake.mk
include tests/unit/cli/automake.mk
include tests/unit/numa/automake.mk
include tests/unit/shard/automake.mk
include tests/unit/rules/automake.mk
include tests/unit/setup/automake.mk
include tests/unit/fastpath/automake.mk
include tests/unit/view/automake.mk
include tests/unit/host/automake.mk
include tests/unit/web/automake.mk
include tests/unit/run/automake.mk
include tests/unit/probe/automake.mk
include tests/unit/ctl/automake.mk

if HAVE_CHECK
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
