# tests: what `make check' runs needs no root; `make check-net' needs it for network namespaces.
#
#   lib/         the words that all scripts share: verdicts, waiting, what is started and ended
#   unit/        one Check program per module, linked with its own layer and those below only
#   sim/         shards on a ring that does what a list of events tells it
#   fuzz/        fuzz targets; here their corpora are replayed, --enable-fuzzer builds the fuzzers
#   cli/         the programs' command lines: exit status and messages
#   net/         stories told in network namespaces, once per engine
#   chaos/       what happens to a relay by a seed, and who judges it
#   soak/        a long time at load, and what has grown
#   lint/        `make lint' and the test that each of its checks can fail
#   sweep/       every call made to fail in turn: `make sweep'
#   mutants/     small faults made on purpose, each of which a test must catch: `make mutants'
#   guest/       a machine with several NUMA nodes, in QEMU
#   topologies/  machines as data, with the plan expected for each
#   packages/    what dpkg and rpm make of it, tried in chroots, by hand
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = bash
AM_TESTS_ENVIRONMENT = \
	NC_SRCDIR='$(abs_top_srcdir)'; export NC_SRCDIR; \
	NC_BUILDDIR='$(abs_top_builddir)'; export NC_BUILDDIR; \
	TOPOLOGIES='$(abs_top_srcdir)/tests/topologies'; export TOPOLOGIES; \
	LINT_FLAGS='$(LINT_FLAGS)'; export LINT_FLAGS; \
	CK_DEFAULT_TIMEOUT=600; export CK_DEFAULT_TIMEOUT;

EXTRA_DIST += tests/lib

include tests/unit/automake.mk
include tests/sim/automake.mk
include tests/fuzz/automake.mk
include tests/cli/automake.mk
include tests/lint/automake.mk
include tests/mutants/automake.mk
include tests/net/automake.mk
include tests/chaos/automake.mk
include tests/soak/automake.mk
include tests/guest/automake.mk
include tests/fake/automake.mk
include tests/topologies/automake.mk
include tests/sweep/automake.mk
include tests/packages/automake.mk

# A directory in EXTRA_DIST is copied from the build tree as well, with whatever tests left there.
dist-hook:
	find '$(distdir)' -type f \( -name '*.log' -o -name '*.trs' -o -name '*.o' \) -exec rm -f {} +
