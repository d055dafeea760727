# What shall run: options, interfaces, plan and tables, prepared and read-only.
noinst_LIBRARIES += src/setup/libnc-setup.a
src_setup_libnc_setup_a_CFLAGS = $(AM_CFLAGS) $(CARES_CFLAGS)
src_setup_libnc_setup_a_SOURCES = \
	src/setup/cgroup.c src/setup/cgroup.h \
	src/setup/difference.c src/setup/difference.h \
	src/setup/difference_group.c src/setup/difference_group.h \
	src/setup/difference_match.c src/setup/difference_match.h \
	src/setup/ethtool.c src/setup/ethtool.h \
	src/setup/iface.c src/setup/iface.h \
	src/setup/layout.c src/setup/layout.h \
	src/setup/linkinfo.c src/setup/linkinfo.h \
	src/setup/lookup.h \
	src/setup/machines.c src/setup/machines.h \
	src/setup/marks.c src/setup/marks.h \
	src/setup/merges.c src/setup/merges.h \
	src/setup/needs.c src/setup/needs.h \
	src/setup/options.c src/setup/options.h \
	src/setup/options_check.c \
	src/setup/options_edit.c \
	src/setup/options_fastpath.c \
	src/setup/options_help.c \
	src/setup/options_live.c \
	src/setup/options_machines.c \
	src/setup/options_ring.c \
	src/setup/options_rows.c \
	src/setup/options_value.c src/setup/options_value.h \
	src/setup/privileges.c src/setup/privileges.h \
	src/setup/setup.c src/setup/setup.h \
	src/setup/uncopied.c src/setup/uncopied.h
if HAVE_CARES
src_setup_libnc_setup_a_SOURCES += src/setup/lookup.c
else
src_setup_libnc_setup_a_SOURCES += src/setup/lookup_none.c
endif
NC_SETUP_LIBS = src/setup/libnc-setup.a src/rules/libnc-rules.a src/cli/libnc-cli.a \
	numa/libnc-numa.a $(NC_SHARD_LIBS) \
	$(HWLOC_LIBS) $(NUMA_LIBS) $(CARES_LIBS)
