noinst_LIBRARIES += shard/libnc-shard.a
shard_libnc_shard_a_CFLAGS = $(AM_CFLAGS) $(URING_CFLAGS)
shard_libnc_shard_a_SOURCES = \
	shard/egress.c shard/egress_send.c shard/egress.h \
	shard/gso.c shard/gso.h \
	shard/ingress.c shard/ingress.h \
	shard/limits.h \
	shard/mailbox.c shard/mailbox.h \
	shard/pool.c shard/pool.h shard/pool_inline.h \
	shard/regbuf.c shard/regbuf.h \
	shard/relay.c shard/relay.h \
	shard/ring.c shard/ring.h \
	shard/ring_mmsg.c shard/ring_mmsg.h \
	shard/ring_mmsg_turn.c \
	shard/ring_engine.h \
	shard/ring_uring.c shard/ring_uring.h \
	shard/ring_uring_probe.c \
	shard/ring_uring_setup.c \
	shard/ring_uring_turn.c shard/uring_compat.h \
	shard/ring_uring_zc.c \
	shard/rule.c shard/rule.h \
	shard/shard.c shard/shard.h \
	shard/slot.h \
	shard/sock.c shard/sock.h \
	shard/sock_egress.c \
	shard/sock_explain.c \
	shard/sock_ingress.c \
	shard/sock_opt.h \
	shard/stats.h \
	shard/zerocopy.c shard/zerocopy.h
NC_SHARD_LIBS = shard/libnc-shard.a src/base/libnc-base.a $(URING_LIBS)
