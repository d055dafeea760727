noinst_LIBRARIES += src/libnc-src.a
src_libnc_src_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(LIBCAPNG_CFLAGS)
src_libnc_src_a_SOURCES = \
	src/conf.c src/conf.h \
	src/conf_check.c \
	src/conf_endpoint.c \
	src/conf_option.c \
	src/conf_parse.c src/conf_parse.h \
	src/num.c src/num.h \
	src/opt.c src/opt.h \
	src/opt_file.c \
	src/opt_help.c \
	src/opt_table.c src/opt_table.h \
	src/opt_value.c \
	src/host_limits.c src/host_limits.h \
	src/iface.c src/iface.h \
	src/layout.c src/layout.h \
	src/notify.c src/notify.h \
	src/privs.c src/privs.h \
	src/report.c src/report.h \
	src/supervisor.c src/supervisor.h \
	src/watch.c src/watch.h \
	src/worker.c src/worker.h
NC_SRC_LIBS = src/libnc-src.a shard/libnc-shard.a numa/libnc-numa.a src/base/libnc-base.a \
	$(URING_LIBS) $(HWLOC_LIBS) $(NUMA_LIBS) $(JANSSON_LIBS) $(LIBCAPNG_LIBS)

sbin_PROGRAMS += src/numacastd
src_numacastd_SOURCES = src/main.c
src_numacastd_LDADD = $(NC_SRC_LIBS)
