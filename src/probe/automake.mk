# numacast-probe stands apart from the relay it measures: it links src/base alone.
noinst_LIBRARIES += src/probe/libnc-probe.a
src_probe_libnc_probe_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_probe_libnc_probe_a_SOURCES = \
	src/probe/burst.c src/probe/burst.h \
	src/probe/opt.c src/probe/opt.h \
	src/probe/option.c src/probe/option.h \
	src/probe/recv.c \
	src/probe/report.c src/probe/report.h \
	src/probe/run.c src/probe/run.h \
	src/probe/send.c \
	src/probe/sock.c \
	src/probe/stats.c src/probe/stats.h \
	src/probe/tally.c src/probe/tally.h \
	src/probe/target.c src/probe/target.h \
	src/probe/value.c src/probe/value.h \
	src/probe/wire.c src/probe/wire.h
NC_PROBE_LIBS = src/probe/libnc-probe.a src/base/libnc-base.a $(JANSSON_LIBS)

bin_PROGRAMS += src/numacast-probe
src_numacast_probe_SOURCES = src/probe/main.c
src_numacast_probe_LDADD = $(NC_PROBE_LIBS)
