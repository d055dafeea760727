noinst_LIBRARIES += src/libnc-src.a
src_libnc_src_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(LIBCAPNG_CFLAGS)
src_libnc_src_a_SOURCES = \
	src/conf.c src/conf.h
NC_SRC_LIBS = src/libnc-src.a shard/libnc-shard.a numa/libnc-numa.a src/base/libnc-base.a \
	$(URING_LIBS) $(HWLOC_LIBS) $(NUMA_LIBS) $(JANSSON_LIBS) $(LIBCAPNG_LIBS)

sbin_PROGRAMS += src/numacastd
src_numacastd_SOURCES = src/main.c
src_numacastd_LDADD = $(NC_SRC_LIBS)
