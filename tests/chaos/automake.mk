# Chaos by a seed, in network namespaces (needs root): `make check-net' has two short ones with each
# engine, this longer ones.
#   make chaos CHAOS_SEEDS="1 2 3" SECONDS_=60 CHAOS_FLAGS="--mode kill --engine uring"
CHAOS_SEEDS =
SECONDS_ = 20
CHAOS_FLAGS =
EXTRA_DIST += tests/chaos

chaos: all tests/fake/clock_shift.so
	NC_BUILDDIR='$(abs_top_builddir)' $(srcdir)/tests/chaos/run $(CHAOS_SEEDS:%=--seed %) \
		--seconds $(SECONDS_) $(CHAOS_FLAGS)
.PHONY: chaos
