# The simulation: shards on a ring that does what a list of events tells it. `make check' runs a
# hundred seeds; make simulate SEEDS=N any number, FROM=N from that one on; make soak begins by it.
# What the shards ask the kernel the linker sends to tests/sim/sockets.c.
SIM_WRAPS = -Wl,--wrap=clock_gettime,--wrap=recvmsg,--wrap=must_fail \
	-Wl,--wrap=sock_leave,--wrap=sock_refuse_all,--wrap=sock_follow_source \
	-Wl,--wrap=sock_lacks_source,--wrap=sock_path_mtu,--wrap=sock_device_is_up \
	-Wl,--wrap=sock_device_mtu,--wrap=sock_kernel_drops,--wrap=sock_queued_bytes \
	-Wl,--wrap=sock_drain_errors,--wrap=sock_note_drops

check_PROGRAMS += tests/sim/simulate
TESTS += tests/sim/simulate
tests_sim_simulate_SOURCES = tests/sim/simulate.c tests/sim/sim.h tests/sim/judge.c \
	tests/sim/judge.h tests/sim/trace.c tests/sim/trace.h tests/sim/world.c \
	tests/sim/sockets.c tests/sim/due.c tests/sim/event.c tests/sim/circle.c tests/sim/change.c tests/sim/answer.c \
	tests/sim/feed.c tests/sim/twins.c tests/sim/watch.c tests/sim/law.c $(NC_FAKE_RING)
tests_sim_simulate_LDADD = $(NC_SHARD_LIBS)
tests_sim_simulate_LDFLAGS = $(AM_LDFLAGS) $(SIM_WRAPS)

simulate: tests/sim/simulate
	tests/sim/simulate --seeds $(if $(SEEDS),$(SEEDS),1000) --from $(if $(FROM),$(FROM),1)
.PHONY: simulate
