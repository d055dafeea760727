# Lint: tests/lint/run starts each check-NAME; the selftest shows each check a bad sample.
LINT_FLAGS = -include $(abs_top_builddir)/config.h -I$(abs_top_srcdir) $(URING_CFLAGS) \
	$(NUMA_CFLAGS) $(HWLOC_CFLAGS) $(JANSSON_CFLAGS) $(LIBCAPNG_CFLAGS) $(CHECK_CFLAGS) \
	$(SECCOMP_CFLAGS)
LINT_ENV = LINT_FLAGS='$(LINT_FLAGS)' LINT_BUILD='$(abs_top_builddir)' CC='$(CC)'
LINT_CHECKS =

EXTRA_DIST += .clang-tidy tests/lint
TESTS += tests/lint/selftest.sh

# LINT_CHECKS="format size" names some of the checks; all of them otherwise.
lint: all
	$(LINT_ENV) $(srcdir)/tests/lint/run $(LINT_CHECKS)
.PHONY: lint
