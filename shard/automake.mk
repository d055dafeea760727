noinst_LIBRARIES += shard/libnc-shard.a
shard_libnc_shard_a_CFLAGS = $(AM_CFLAGS) $(URING_CFLAGS)
shard_libnc_shard_a_SOURCES = \
	shard/asker.h \
	shard/baton.c shard/baton.h \
	shard/breaker.c shard/breaker.h \
	shard/change.c shard/change.h \
	shard/change_place.c shard/change_place.h \
	shard/counters.c shard/counters.h \
	shard/egress.c shard/egress.h \
	shard/egress_open.c \
	shard/egress_past.c \
	shard/egress_send.c shard/egress_send.h \
	shard/finish.c shard/finish.h \
	shard/gso.c shard/gso.h \
	shard/ingress.c shard/ingress.h \
	shard/journal.h \
	shard/limits.h \
	shard/mailbox.c shard/mailbox.h \
	shard/merge.c shard/merge.h \
	shard/merge_carry.c shard/merge_carry.h \
	shard/merge_epoch.c shard/merge_epoch.h \
	shard/merge_find.c shard/merge_find.h \
	shard/merge_hash.c shard/merge_hash.h \
	shard/merge_judge.c shard/merge_judge.h \
	shard/merge_rule.h \
	shard/pool.c shard/pool.h shard/pool_inline.h \
	shard/regbuf.c shard/regbuf.h \
	shard/relay.c shard/relay.h \
	shard/relay_arm.c shard/relay_arm.h \
	shard/relay_band.c shard/relay_band.h \
	shard/relay_baton.c shard/relay_baton.h \
	shard/relay_breaker.c shard/relay_breaker.h \
	shard/relay_flows.c shard/relay_flows.h \
	shard/relay_hot.c shard/relay_hot.h \
	shard/relay_merge.c shard/relay_merge.h \
	shard/relay_merge_set.c shard/relay_merge_set.h \
	shard/ring.c shard/ring.h \
	shard/ring/mmsg.c shard/ring/mmsg.h \
	shard/ring/finish.c \
	shard/ring/mmsg_salvage.c \
	shard/ring/mmsg_turn.c \
	shard/ring/pace.c shard/ring/pace.h \
	shard/ring/engine.h \
	shard/ring/engines.c shard/ring/engines.h \
	shard/ring/uring.c shard/ring/uring.h \
	shard/ring/uring_probe.c \
	shard/ring/uring_salvage.c \
	shard/ring/uring_restrict.c \
	shard/ring/uring_setup.c \
	shard/ring/uring_turn.c shard/ring/compat.h \
	shard/ring/uring_zc.c \
	shard/room.h \
	shard/rule.c shard/rule.h \
	shard/send_errno.c shard/send_errno.h \
	shard/sequence.c shard/sequence.h \
	shard/shard.c shard/shard.h \
	shard/share.c shard/share.h \
	shard/slot.h \
	shard/sock.c shard/sock.h \
	shard/sock_egress.c \
	shard/sock_explain.c \
	shard/sock_ingress.c \
	shard/sock_kept.c \
	shard/sock_opt.h \
	shard/sock_report.c \
	shard/sock_share.c \
	shard/sock_source.c \
	shard/train.c shard/train.h \
	shard/udp_header.c shard/udp_header.h \
	shard/zerocopy.c shard/zerocopy.h
NC_SHARD_LIBS = shard/libnc-shard.a src/base/libnc-base.a $(URING_LIBS) $(XXHASH_LIBS)
