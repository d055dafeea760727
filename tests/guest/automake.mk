# Guests with several NUMA nodes (tests/guest/run): `make check-numa'. Needs qemu-system-x86,
# linux-image-cloud-amd64, busybox-static, cpio, kmod, iproute2, ethtool and hwloc-nox, and socat to
# ask a guest that hangs where it is; not root.
EXTRA_PROGRAMS += tests/guest/nodemem_probe
tests_guest_nodemem_probe_SOURCES = tests/guest/nodemem_probe.c
tests_guest_nodemem_probe_LDADD = $(NC_NUMA_LIBS)

EXTRA_DIST += tests/guest/run tests/guest/selftest tests/guest/machine.sh tests/guest/stacks.awk \
	tests/guest/initramfs tests/guest/service-root tests/guest/init tests/guest/guest.sh tests/guest/relay.sh tests/guest/cases
CLEANFILES += tests/guest/nodemem_probe

GUEST_UNIT_TESTS = tests/unit/shard/check_ring tests/unit/shard/check_ring_recv \
	tests/unit/shard/check_ring_send \
	tests/unit/shard/check_ring_fault tests/unit/shard/check_ring_random tests/unit/shard/check_ring_zc \
	tests/unit/shard/check_share tests/unit/shard/check_busy_poll

GUEST_NEEDS = src/numacastd src/numacastctl src/numacast-probe bench/pool_bench \
	tests/guest/nodemem_probe $(GUEST_UNIT_TESTS)

check-numa: $(GUEST_NEEDS)
	NC_BUILDDIR='$(abs_top_builddir)' $(srcdir)/tests/guest/selftest
	$(srcdir)/tests/guest/run --build '$(abs_top_builddir)'

clean-local: clean-guest
clean-guest:
	rm -rf tests/guest/work
.PHONY: check-numa clean-guest
