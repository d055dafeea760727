# A long time at load, in network namespaces (needs root), by hand; SECONDS_ is that of chaos:
#   make soak SECONDS_=7200 SOAK_FLAGS="--rate 20000 --engine mmsg" SEEDS=5000
# Before it come so many seeds of the simulation, 1000 unless it is said.
SOAK_FLAGS =
EXTRA_DIST += tests/soak

soak: all simulate
	NC_BUILDDIR='$(abs_top_builddir)' $(srcdir)/tests/soak/run --seconds $(SECONDS_) $(SOAK_FLAGS)

# As many changes of rules as in a day, in minutes: make soak-rounds ROUNDS=300
ROUNDS = 300
soak-rounds: all tests/fake/malloc_live.so
	NC_BUILDDIR='$(abs_top_builddir)' $(srcdir)/tests/soak/run --rounds $(ROUNDS) $(SOAK_FLAGS)
.PHONY: soak soak-rounds
