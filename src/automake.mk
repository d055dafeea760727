include src/view/automake.mk
include src/setup/automake.mk
include src/rules/automake.mk
noinst_LIBRARIES += src/libnc-src.a
src_libnc_src_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(LIBCAPNG_CFLAGS)
src_libnc_src_a_SOURCES = \
	src/check.c src/check.h \
	src/check_buffers.c \
	src/check_cloud.c \
	src/check_cpu.c \
	src/check_facts.c src/check_facts.h \
	src/check_firewall.c \
	src/check_host.c src/check_host.h \
	src/check_igmp.c \
	src/check_kernel.c src/check_kernel.h \
	src/check_limits.c src/check_limits.h \
	src/check_link.c \
	src/check_memory.c \
	src/check_nic.c \
	src/check_offload.c \
	src/check_print.c src/check_print.h \
	src/check_rp_filter.c \
	src/check_uring.c \
	src/nft.c src/nft.h \
	src/nft_match.c src/nft_match.h \
	src/nft_rules.c src/nft_rules.h \
	src/route.c src/route.h \
	src/host_limits.c src/host_limits.h \
	src/notify.c src/notify.h \
	src/placement.c src/placement.h \
	src/privs.c src/privs.h \
	src/report.c src/report.h \
	src/signals.c src/signals.h \
	src/supervisor.c src/supervisor.h \
	src/watch.c src/watch.h \
	src/worker.c src/worker.h
NC_SRC_LIBS = src/libnc-src.a src/view/libnc-view.a src/setup/libnc-setup.a src/rules/libnc-rules.a shard/libnc-shard.a numa/libnc-numa.a src/base/libnc-base.a \
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
