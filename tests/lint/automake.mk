# Lint: tests/lint/run starts each check-NAME; the selftest shows each check a bad sample.
LINT_FLAGS = -include $(abs_top_builddir)/config.h -I$(abs_top_srcdir) $(URING_CFLAGS) \
	$(NUMA_CFLAGS) $(HWLOC_CFLAGS) $(JANSSON_CFLAGS) $(LIBCAPNG_CFLAGS) $(CHECK_CFLAGS) \
	$(SECCOMP_CFLAGS)
LINT_ENV = LINT_FLAGS='$(LINT_FLAGS)' LINT_BUILD='$(abs_top_builddir)' CC='$(CC)'
LINT_CHECKS =

EXTRA_DIST += .clang-tidy tests/lint/lib.sh tests/lint/run tests/lint/selftest.sh \
	tests/lint/check-cppcheck tests/lint/check-essays tests/lint/check-figures tests/lint/check-format \
	tests/lint/check-headers \
	tests/lint/check-layers tests/lint/check-links tests/lint/check-man \
	tests/lint/check-musts tests/lint/check-mutants \
	tests/lint/check-order tests/lint/check-promises \
	tests/lint/check-reuseport \
	tests/lint/check-rows tests/lint/check-shell tests/lint/check-size \
	tests/lint/check-symbols \
	tests/lint/check-stories tests/lint/check-text tests/lint/check-tidy tests/lint/check-troubles
TESTS += tests/lint/selftest.sh

# LINT_CHECKS="format size" names some of the checks, on one line or several; otherwise all run.
lint: all
	$(LINT_ENV) $(srcdir)/tests/lint/run $(strip $(LINT_CHECKS))

# What etc/dev/pre-commit runs: a few seconds, and nothing is built for it.
lint-quick:
	$(LINT_ENV) $(srcdir)/tests/lint/run quick
.PHONY: lint lint-quick
CLEANFILES += lint-shell.passed
