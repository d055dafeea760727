# Mutations: tests/mutants/run makes each small fault of the lists in a copy of the tree, and sees
# a test catch it. `make lint' looks whether they can still be made.
# MUTANTS names some of them, MUTANTS_FLAGS is for --record and the like, see the script.
MUTANTS =
MUTANTS_FLAGS =
EXTRA_DIST += tests/mutants/change.list tests/mutants/ctl.list tests/mutants/egress.list \
	tests/mutants/fast.list tests/mutants/kept.list tests/mutants/lane.list \
	tests/mutants/links.list tests/mutants/merge.list tests/mutants/mutants.py \
	tests/mutants/place.list tests/mutants/relay.list tests/mutants/run tests/mutants/run.list \
	tests/mutants/sandbox.list tests/mutants/selftest.sh tests/mutants/sock.list \
	tests/mutants/topo.list
TESTS += tests/mutants/selftest.sh

mutants: all
	$(srcdir)/tests/mutants/run --build '$(abs_top_builddir)' $(MUTANTS_FLAGS) $(MUTANTS)
.PHONY: mutants
