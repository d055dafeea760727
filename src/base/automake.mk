noinst_LIBRARIES += src/base/libnc-base.a
src_base_libnc_base_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_base_libnc_base_a_SOURCES = \
	src/base/addr.c src/base/addr.h \
	src/base/advice.c src/base/advice.h \
	src/base/arena.c src/base/arena.h \
	src/base/clock.h \
	src/base/confine.c src/base/confine.h \
	src/base/dscp.c src/base/dscp.h \
	src/base/errand.c src/base/errand.h \
	src/base/host_name.c src/base/host_name.h \
	src/base/json_reserve.c src/base/json_reserve.h \
	src/base/log.c src/base/log.h \
	src/base/memfile.c src/base/memfile.h \
	src/base/must.c src/base/must.h \
	src/base/num.c src/base/num.h \
	src/base/out.c src/base/out.h \
	src/base/protocol.h \
	src/base/regular.c src/base/regular.h \
	src/base/sink.c src/base/sink.h
NC_BASE_LIBS = src/base/libnc-base.a
