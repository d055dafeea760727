# Unit tests of shard/, linked with its archive and those below.
RELAY_RIG = tests/unit/shard/relay_rig.c tests/unit/shard/relay_rig.h $(NC_FAKE_RING)
CHANGE_RIG = tests/unit/shard/change_rig.c tests/unit/shard/change_rig.h $(RELAY_RIG)
RING_RIG = tests/unit/shard/ring_rig.c tests/unit/shard/ring_rig.h

UNIT_TESTS += tests/unit/shard/check_pool
tests_unit_shard_check_pool_SOURCES = tests/unit/shard/check_pool.c \
	tests/unit/shard/check_pool.h tests/unit/shard/check_pool_misuse.c
tests_unit_shard_check_pool_LDADD = $(NC_SETUP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_pool_census
tests_unit_shard_check_pool_census_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_rule
tests_unit_shard_check_rule_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_breaker
tests_unit_shard_check_breaker_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_relay_breaker
tests_unit_shard_check_relay_breaker_SOURCES = tests/unit/shard/check_relay_breaker.c $(RELAY_RIG)
tests_unit_shard_check_relay_breaker_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_gso
tests_unit_shard_check_gso_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_relay
tests_unit_shard_check_relay_SOURCES = tests/unit/shard/check_relay.c $(RELAY_RIG)
tests_unit_shard_check_relay_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_relay_band
tests_unit_shard_check_relay_band_SOURCES = tests/unit/shard/check_relay_band.c \
	tests/unit/shard/relay_rig.c tests/unit/shard/relay_rig.h $(NC_FAKE_RING)
tests_unit_shard_check_relay_band_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)
UNIT_TESTS += tests/unit/shard/check_relay_end
tests_unit_shard_check_relay_end_SOURCES = tests/unit/shard/check_relay_end.c $(RELAY_RIG)
tests_unit_shard_check_relay_end_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_egress
tests_unit_shard_check_egress_SOURCES = tests/unit/shard/check_egress.c $(RELAY_RIG)
tests_unit_shard_check_egress_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_egress_edges
tests_unit_shard_check_egress_edges_SOURCES = tests/unit/shard/check_egress_edges.c $(RELAY_RIG)
tests_unit_shard_check_egress_edges_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_egress_icmp
tests_unit_shard_check_egress_icmp_SOURCES = tests/unit/shard/check_egress_icmp.c $(RELAY_RIG)
tests_unit_shard_check_egress_icmp_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_train
tests_unit_shard_check_train_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_relay_zc
tests_unit_shard_check_relay_zc_SOURCES = tests/unit/shard/check_relay_zc.c $(RELAY_RIG)
tests_unit_shard_check_relay_zc_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_relay_hot
tests_unit_shard_check_relay_hot_SOURCES = tests/unit/shard/check_relay_hot.c $(RELAY_RIG)
tests_unit_shard_check_relay_hot_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_relay_flows
tests_unit_shard_check_relay_flows_SOURCES = tests/unit/shard/check_relay_flows.c $(RELAY_RIG)
tests_unit_shard_check_relay_flows_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_ingress
tests_unit_shard_check_ingress_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_ring
tests_unit_shard_check_ring_SOURCES = tests/unit/shard/check_ring.c $(RING_RIG)
tests_unit_shard_check_ring_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_ring_recv
tests_unit_shard_check_ring_recv_SOURCES = tests/unit/shard/check_ring_recv.c $(RING_RIG)
tests_unit_shard_check_ring_recv_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_ring_zc
tests_unit_shard_check_ring_zc_SOURCES = tests/unit/shard/check_ring_zc.c $(RING_RIG)
tests_unit_shard_check_ring_zc_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_regbuf
tests_unit_shard_check_regbuf_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_ring_send
tests_unit_shard_check_ring_send_SOURCES = tests/unit/shard/check_ring_send.c $(RING_RIG)
tests_unit_shard_check_ring_send_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_ring_fake
tests_unit_shard_check_ring_fake_SOURCES = tests/unit/shard/check_ring_fake.c $(NC_FAKE_RING)
tests_unit_shard_check_ring_fake_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_sock
tests_unit_shard_check_sock_SOURCES = tests/unit/shard/check_sock.c \
	tests/unit/shard/check_sock.h tests/unit/shard/check_sock_net.c \
	tests/unit/shard/check_sock_send.c tests/unit/sock_help.c tests/unit/sock_help.h
tests_unit_shard_check_sock_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_shard_kept
tests_unit_shard_check_shard_kept_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_sock_kept
tests_unit_shard_check_sock_kept_SOURCES = tests/unit/shard/check_sock_kept.c \
	tests/unit/sock_help.c tests/unit/sock_help.h
tests_unit_shard_check_sock_kept_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)
tests_unit_shard_check_sock_kept_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=setsockopt

UNIT_TESTS += tests/unit/shard/check_ring_start
tests_unit_shard_check_ring_start_SOURCES = tests/unit/shard/check_ring_start.c $(RING_RIG)
tests_unit_shard_check_ring_start_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_ring_restrict
tests_unit_shard_check_ring_restrict_SOURCES = tests/unit/shard/check_ring_restrict.c $(RING_RIG)
tests_unit_shard_check_ring_restrict_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(URING_CFLAGS)
tests_unit_shard_check_ring_restrict_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_busy_poll
tests_unit_shard_check_busy_poll_SOURCES = tests/unit/shard/check_busy_poll.c $(RING_RIG) $(NC_FAKE_RING)
tests_unit_shard_check_busy_poll_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_pace
tests_unit_shard_check_pace_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_share
tests_unit_shard_check_share_SOURCES = tests/unit/shard/check_share.c \
	tests/unit/sock_help.c tests/unit/sock_help.h
tests_unit_shard_check_share_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=setsockopt
tests_unit_shard_check_share_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_ring_fault
tests_unit_shard_check_ring_fault_SOURCES = tests/unit/shard/check_ring_fault.c $(RING_RIG)
tests_unit_shard_check_ring_fault_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_ring_enter
tests_unit_shard_check_ring_enter_SOURCES = tests/unit/shard/check_ring_enter.c $(RING_RIG)
tests_unit_shard_check_ring_enter_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_ring_random
tests_unit_shard_check_ring_random_SOURCES = tests/unit/shard/check_ring_random.c $(RING_RIG)
tests_unit_shard_check_ring_random_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_latency
tests_unit_shard_check_latency_SOURCES = tests/unit/shard/check_latency.c \
	tests/unit/shard/relay_rig.c tests/unit/shard/relay_rig.h $(NC_FAKE_RING)
tests_unit_shard_check_latency_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)
UNIT_TESTS += tests/unit/shard/check_mailbox
tests_unit_shard_check_mailbox_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_shard
tests_unit_shard_check_shard_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_change
tests_unit_shard_check_change_SOURCES = tests/unit/shard/check_change.c $(CHANGE_RIG)
tests_unit_shard_check_change_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_change_open
tests_unit_shard_check_change_open_SOURCES = tests/unit/shard/check_change_open.c $(CHANGE_RIG)
tests_unit_shard_check_change_open_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_change_set
tests_unit_shard_check_change_set_SOURCES = tests/unit/shard/check_change_set.c $(CHANGE_RIG)
tests_unit_shard_check_change_set_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_relay_merge_set
tests_unit_shard_check_relay_merge_set_SOURCES = \
	tests/unit/shard/check_relay_merge_set.c $(CHANGE_RIG)
tests_unit_shard_check_relay_merge_set_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_change_move
tests_unit_shard_check_change_move_SOURCES = tests/unit/shard/check_change_move.c $(CHANGE_RIG)
tests_unit_shard_check_change_move_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_change_reuse
tests_unit_shard_check_change_reuse_SOURCES = tests/unit/shard/check_change_reuse.c $(CHANGE_RIG)
tests_unit_shard_check_change_reuse_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_shard_live
tests_unit_shard_check_shard_live_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_udp_header
tests_unit_shard_check_udp_header_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_merge_random
tests_unit_shard_check_merge_random_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_merge_carry
tests_unit_shard_check_merge_carry_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_baton
tests_unit_shard_check_baton_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_merge_hash
tests_unit_shard_check_merge_hash_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)
tests_unit_shard_check_merge_hash_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getrandom

UNIT_TESTS += tests/unit/shard/check_merge_far
tests_unit_shard_check_merge_far_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_merge
tests_unit_shard_check_merge_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/shard/check_sequence
tests_unit_shard_check_sequence_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

# Not with sanitizers, which want to have all signals first.
if !SANITIZERS
UNIT_TESTS += tests/unit/shard/check_finish
tests_unit_shard_check_finish_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)
tests_unit_shard_check_finish_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=sendmsg
endif
