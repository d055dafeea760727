# A long time at load, in network namespaces (needs root), by hand; SECONDS_ is that of chaos:
#   make soak SECONDS_=7200 SOAK_FLAGS="--rate 20000 --engine mmsg"
SOAK_FLAGS =
EXTRA_DIST += tests/soak

soak: all
	NC_BUILDDIR='$(abs_top_builddir)' $(srcdir)/tests/soak/run --seconds $(SECONDS_) $(SOAK_FLAGS)
.PHONY: soak
