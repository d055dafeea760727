# Unit tests: add a module's program to UNIT_TESTS and give it these three lines. It links its own
# layer's archive and those below: NC_BASE_LIBS, NC_NUMA_LIBS, NC_SHARD_LIBS or NC_SRC_LIBS.
#
#   UNIT_TESTS += tests/unit/check_pool
#   tests_unit_check_pool_SOURCES = \
	tests/unit/check_pool.c tests/unit/check_pool.h \
	tests/unit/check_pool_misuse.c
#   tests_unit_check_pool_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)
#
# Tests find data by the environment: NC_SRCDIR (top of the sources), NC_BUILDDIR (top of the
# build), TOPOLOGIES (tests/topologies).
NC_BASE_LIBS = src/base/libnc-base.a
# A ring that does what the test tells it (tests/fake/ring_fake.h); one more source of such a test.
NC_FAKE_RING = tests/fake/ring_fake.c tests/fake/ring_fake.h \
	tests/fake/ring_fake_engine.c tests/fake/ring_fake_engine.h
UNIT_TESTS =

UNIT_TESTS += tests/unit/check_addr
tests_unit_check_addr_SOURCES = tests/unit/check_addr.c
tests_unit_check_addr_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_arena
tests_unit_check_arena_SOURCES = tests/unit/check_arena.c tests/unit/hugepool.h
tests_unit_check_arena_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_log
tests_unit_check_log_SOURCES = tests/unit/check_log.c
tests_unit_check_log_LDADD = $(NC_BASE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_nodemem
tests_unit_check_nodemem_SOURCES = tests/unit/check_nodemem.c tests/unit/hugepool.h
tests_unit_check_nodemem_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

if HAVE_SECCOMP
UNIT_TESTS += tests/unit/check_nodemem_settle
tests_unit_check_nodemem_settle_SOURCES = tests/unit/check_nodemem_settle.c
tests_unit_check_nodemem_settle_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_nodemem_faults
endif
tests_unit_check_nodemem_faults_SOURCES = \
	tests/unit/check_nodemem_faults.c tests/unit/hugepool.h
tests_unit_check_nodemem_faults_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
tests_unit_check_nodemem_faults_LDADD = $(NC_NUMA_LIBS) $(SECCOMP_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_pin
tests_unit_check_pin_SOURCES = tests/unit/check_pin.c
tests_unit_check_pin_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_pool
tests_unit_check_pool_SOURCES = \
	tests/unit/check_pool.c tests/unit/check_pool.h \
	tests/unit/check_pool_misuse.c
tests_unit_check_pool_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_shard
tests_unit_check_shard_SOURCES = tests/unit/check_shard.c
tests_unit_check_shard_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_rule
tests_unit_check_rule_SOURCES = tests/unit/check_rule.c
tests_unit_check_rule_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_nic
tests_unit_check_nic_SOURCES = tests/unit/check_nic.c
tests_unit_check_nic_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_plan
tests_unit_check_plan_SOURCES = tests/unit/check_plan.c tests/unit/plan_machine.h
tests_unit_check_plan_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_topo
tests_unit_check_topo_SOURCES = tests/unit/check_topo.c
tests_unit_check_topo_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_plan_cpus
tests_unit_check_plan_cpus_SOURCES = tests/unit/check_plan_cpus.c tests/unit/plan_machine.h
tests_unit_check_plan_cpus_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_sqpoll
tests_unit_check_sqpoll_SOURCES = tests/unit/check_sqpoll.c tests/unit/plan_machine.h
tests_unit_check_sqpoll_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_gso
tests_unit_check_gso_SOURCES = tests/unit/check_gso.c
tests_unit_check_gso_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_relay
tests_unit_check_relay_SOURCES = tests/unit/check_relay.c tests/unit/relay_rig.c \
	tests/unit/relay_rig.h $(NC_FAKE_RING)
tests_unit_check_relay_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_relay_end
tests_unit_check_relay_end_SOURCES = tests/unit/check_relay_end.c tests/unit/relay_rig.c \
	tests/unit/relay_rig.h $(NC_FAKE_RING)
tests_unit_check_relay_end_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_egress
tests_unit_check_egress_SOURCES = tests/unit/check_egress.c tests/unit/relay_rig.c \
	tests/unit/relay_rig.h $(NC_FAKE_RING)
tests_unit_check_egress_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_relay_zc
tests_unit_check_relay_zc_SOURCES = tests/unit/check_relay_zc.c tests/unit/relay_rig.c \
	tests/unit/relay_rig.h $(NC_FAKE_RING)
tests_unit_check_relay_zc_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_relay_zc_random
tests_unit_check_relay_zc_random_SOURCES = tests/unit/check_relay_zc_random.c \
	tests/unit/relay_rig.c tests/unit/relay_rig.h $(NC_FAKE_RING)
tests_unit_check_relay_zc_random_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_relay_flows
tests_unit_check_relay_flows_SOURCES = tests/unit/check_relay_flows.c tests/unit/relay_rig.c \
	tests/unit/relay_rig.h $(NC_FAKE_RING)
tests_unit_check_relay_flows_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_hugepages
tests_unit_check_hugepages_SOURCES = tests/unit/check_hugepages.c
tests_unit_check_hugepages_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_ingress
tests_unit_check_ingress_SOURCES = tests/unit/check_ingress.c
tests_unit_check_ingress_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_layout
tests_unit_check_layout_SOURCES = tests/unit/check_layout.c
tests_unit_check_layout_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_ring
tests_unit_check_ring_SOURCES = tests/unit/check_ring.c tests/unit/ring_rig.c tests/unit/ring_rig.h
tests_unit_check_ring_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_ring_recv
tests_unit_check_ring_recv_SOURCES = tests/unit/check_ring_recv.c \
	tests/unit/ring_rig.c tests/unit/ring_rig.h
tests_unit_check_ring_recv_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_ring_zc
tests_unit_check_ring_zc_SOURCES = tests/unit/check_ring_zc.c \
	tests/unit/ring_rig.c tests/unit/ring_rig.h
tests_unit_check_ring_zc_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_regbuf
tests_unit_check_regbuf_SOURCES = tests/unit/check_regbuf.c
tests_unit_check_regbuf_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_ring_send
tests_unit_check_ring_send_SOURCES = tests/unit/check_ring_send.c \
	tests/unit/ring_rig.c tests/unit/ring_rig.h
tests_unit_check_ring_send_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_num
tests_unit_check_num_SOURCES = tests/unit/check_num.c
tests_unit_check_num_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_conf
tests_unit_check_conf_SOURCES = tests/unit/check_conf.c
tests_unit_check_conf_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_conf_refuse
tests_unit_check_conf_refuse_SOURCES = tests/unit/check_conf_refuse.c
tests_unit_check_conf_refuse_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_conf_check
tests_unit_check_conf_check_SOURCES = tests/unit/check_conf_check.c
tests_unit_check_conf_check_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_ring_fake
tests_unit_check_ring_fake_SOURCES = tests/unit/check_ring_fake.c $(NC_FAKE_RING)
tests_unit_check_ring_fake_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_opt
tests_unit_check_opt_SOURCES = tests/unit/check_opt.c
tests_unit_check_opt_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_opt_file
tests_unit_check_opt_file_SOURCES = tests/unit/check_opt_file.c
tests_unit_check_opt_file_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_sock
tests_unit_check_sock_SOURCES = \
	tests/unit/check_sock.c tests/unit/check_sock.h \
	tests/unit/check_sock_net.c \
	tests/unit/check_sock_send.c \
	tests/unit/sock_help.c tests/unit/sock_help.h
tests_unit_check_sock_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_probe_opt
tests_unit_check_probe_opt_SOURCES = tests/unit/check_probe_opt.c
tests_unit_check_probe_opt_LDADD = $(NC_PROBE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_probe_sock
tests_unit_check_probe_sock_SOURCES = \
	tests/unit/check_probe_sock.c \
	tests/unit/sock_help.c tests/unit/sock_help.h
tests_unit_check_probe_sock_LDADD = src/probe/libnc-probe.a $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_probe_stats
tests_unit_check_probe_stats_SOURCES = tests/unit/check_probe_stats.c
tests_unit_check_probe_stats_LDADD = $(NC_PROBE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_probe_tally
tests_unit_check_probe_tally_SOURCES = tests/unit/check_probe_tally.c
tests_unit_check_probe_tally_LDADD = $(NC_PROBE_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_opt_man
tests_unit_check_opt_man_SOURCES = tests/unit/check_opt_man.c
tests_unit_check_opt_man_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_ring_fault
tests_unit_check_ring_fault_SOURCES = tests/unit/check_ring_fault.c tests/unit/ring_rig.c tests/unit/ring_rig.h
tests_unit_check_ring_fault_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_ring_random
tests_unit_check_ring_random_SOURCES = tests/unit/check_ring_random.c tests/unit/ring_rig.c tests/unit/ring_rig.h
tests_unit_check_ring_random_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_plan_print
tests_unit_check_plan_print_SOURCES = tests/unit/check_plan_print.c
tests_unit_check_plan_print_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_plan_props
tests_unit_check_plan_props_SOURCES = tests/unit/check_plan_props.c tests/unit/plan_random.h
tests_unit_check_plan_props_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_host_links
tests_unit_check_host_links_SOURCES = \
	tests/unit/check_host_links.c \
	tests/unit/host_rig.c tests/unit/host_rig.h
tests_unit_check_host_links_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_host_network
tests_unit_check_host_network_SOURCES = \
	tests/unit/check_host_network.c \
	tests/unit/host_rig.c tests/unit/host_rig.h
tests_unit_check_host_network_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_host_machine
tests_unit_check_host_machine_SOURCES = \
	tests/unit/check_host_machine.c \
	tests/unit/host_rig.c tests/unit/host_rig.h
tests_unit_check_host_machine_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_nic_irq
tests_unit_check_nic_irq_SOURCES = tests/unit/check_nic_irq.c
tests_unit_check_nic_irq_LDADD = $(NC_NUMA_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_route
tests_unit_check_route_SOURCES = tests/unit/check_route.c
tests_unit_check_route_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_nft_rules
tests_unit_check_nft_rules_SOURCES = tests/unit/check_nft_rules.c
tests_unit_check_nft_rules_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

# A running supervisor built by hand, and what it logs.
SUPERVISOR_RIG = tests/unit/supervisor_rig.c tests/unit/supervisor_rig.h

UNIT_TESTS += tests/unit/check_report
tests_unit_check_report_SOURCES = tests/unit/check_report.c $(SUPERVISOR_RIG)
tests_unit_check_report_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_watch
tests_unit_check_watch_SOURCES = tests/unit/check_watch.c $(SUPERVISOR_RIG)
tests_unit_check_watch_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_placement
tests_unit_check_placement_SOURCES = tests/unit/check_placement.c $(SUPERVISOR_RIG)
tests_unit_check_placement_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_host_limits
tests_unit_check_host_limits_SOURCES = tests/unit/check_host_limits.c $(SUPERVISOR_RIG)
tests_unit_check_host_limits_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_copying
tests_unit_check_copying_SOURCES = tests/unit/check_copying.c
tests_unit_check_copying_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_iface
tests_unit_check_iface_SOURCES = tests/unit/check_iface.c
tests_unit_check_iface_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_notify
tests_unit_check_notify_SOURCES = tests/unit/check_notify.c
tests_unit_check_notify_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_signals
tests_unit_check_signals_SOURCES = tests/unit/check_signals.c
tests_unit_check_signals_LDADD = $(NC_SRC_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/check_mailbox
tests_unit_check_mailbox_SOURCES = tests/unit/check_mailbox.c
tests_unit_check_mailbox_LDADD = $(NC_SHARD_LIBS) $(CHECK_LIBS)

if HAVE_CHECK
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
