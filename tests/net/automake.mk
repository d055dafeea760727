# Network stories: tests/net/run tells each script with each engine, in namespaces of its own. Its
# self test shows it stories that hang, or leave something behind.
# NET_SET is `all', `quick', or names of stories: make check-net NET_SET="fanout ssm".
NET_SET = all
EXTRA_DIST += tests/net

check-net: all $(check_PROGRAMS)
	NC_SRCDIR='$(abs_top_srcdir)' NC_BUILDDIR='$(abs_top_builddir)' \
		$(srcdir)/tests/net/selftest/run
	NC_SRCDIR='$(abs_top_srcdir)' NC_BUILDDIR='$(abs_top_builddir)' \
		$(srcdir)/tests/net/run $(NET_SET)
.PHONY: check-net
