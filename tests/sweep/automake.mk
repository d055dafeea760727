# The fault sweep: every call of numacastd made to fail in turn. `make sweep' takes minutes and needs
# root; the network story fault-sweep tries a part of it.
EXTRA_DIST += tests/sweep

sweep: all $(check_PROGRAMS)
	NC_BUILDDIR='$(abs_top_builddir)' $(srcdir)/tests/sweep/run $(SWEEP_FLAGS)
.PHONY: sweep
