include src/probe/automake.mk
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
