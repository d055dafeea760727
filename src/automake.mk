include src/run/automake.mk
include src/host/automake.mk
include src/view/automake.mk
include src/setup/automake.mk
include src/rules/automake.mk
NC_SRC_LIBS = src/run/libnc-run.a src/host/libnc-host.a src/view/libnc-view.a src/setup/libnc-setup.a src/rules/libnc-rules.a shard/libnc-shard.a numa/libnc-numa.a src/base/libnc-base.a \
	$(URING_LIBS) $(HWLOC_LIBS) $(NUMA_LIBS) $(JANSSON_LIBS) $(LIBCAPNG_LIBS)

sbin_PROGRAMS += src/numacastd
src_numacastd_SOURCES = src/main.c
src_numacastd_LDADD = $(NC_SRC_LIBS)

# numacast-probe stands apart from the relay it measures: it links src/base alone.
noinst_LIBRARIES += src/libnc-probe.a
src_libnc_probe_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_libnc_probe_a_SOURCES = \
	src/probe_burst.c src/probe_burst.h \
	src/probe_opt.c src/probe_opt.h \
	src/probe_option.c src/probe_option.h \
	src/probe_recv.c \
	src/probe_report.c src/probe_report.h \
	src/probe_run.c src/probe_run.h \
	src/probe_send.c \
	src/probe_sock.c \
	src/probe_stats.c src/probe_stats.h \
	src/probe_tally.c src/probe_tally.h \
	src/probe_target.c src/probe_target.h \
	src/probe_value.c src/probe_value.h \
	src/probe_wire.c src/probe_wire.h
NC_PROBE_LIBS = src/libnc-probe.a src/base/libnc-base.a $(JANSSON_LIBS)

bin_PROGRAMS += src/numacast-probe
src_numacast_probe_SOURCES = src/probe_main.c
src_numacast_probe_LDADD = $(NC_PROBE_LIBS)
