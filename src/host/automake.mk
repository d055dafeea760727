# What this host puts in the way: --check-host.
noinst_LIBRARIES += src/host/libnc-host.a
src_host_libnc_host_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_host_libnc_host_a_SOURCES = \
	src/host/asked.c src/host/asked.h \
	src/host/buffers.c \
	src/host/cloud.c \
	src/host/cpu.c \
	src/host/group.c \
	src/host/facts.c src/host/facts.h \
	src/host/fastpath.c \
	src/host/firewall.c \
	src/host/host.c src/host/host.h \
	src/host/inspect.c src/host/inspect.h \
	src/host/kernel.c src/host/kernel.h \
	src/host/limits.c src/host/limits.h \
	src/host/link.c \
	src/host/losses.c \
	src/host/membership.c \
	src/host/memory.c \
	src/host/nft.c src/host/nft.h \
	src/host/nft_match.c src/host/nft_match.h \
	src/host/nft_rules.c src/host/nft_rules.h \
	src/host/nic.c \
	src/host/offload.c \
	src/host/path.c \
	src/host/print.c src/host/print.h \
	src/host/route.c src/host/route.h \
	src/host/rp_filter.c \
	src/host/tries.c src/host/tries.h \
	src/host/uring.c
NC_HOST_LIBS = src/host/libnc-host.a src/fastpath/libnc-fastpath.a $(NC_VIEW_LIBS) \
	$(BPF_LIBS) $(MNL_LIBS)
