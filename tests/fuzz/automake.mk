# Fuzz targets: each fuzz_*.c here defines LLVMFuzzerTestOneInput, tests/fuzz/corpus/NAME/
# holds its inputs (every crash found becomes one). A target is added like this one:
#
#   FUZZ_TARGETS += tests/fuzz/fuzz_config
#   tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(FUZZ_MAIN)
#   tests_fuzz_fuzz_config_LDADD = $(NC_SETUP_LIBS)
#   tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
#
# Without --enable-fuzzer the program replays the corpus in `make check'; with it (and CC=clang)
# it is a libFuzzer program: tests/fuzz/fuzz_config -max_total_time=60 DIR. tests/fuzz/hours gives
# each its time, with the words of tests/fuzz/dict/NAME.dict.
FUZZ_TARGETS =

FUZZ_TARGETS += tests/fuzz/fuzz_probe
tests_fuzz_fuzz_probe_SOURCES = tests/fuzz/fuzz_probe.c $(FUZZ_MAIN)
tests_fuzz_fuzz_probe_LDADD = $(NC_PROBE_LIBS)
tests_fuzz_fuzz_probe_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz/fuzz_rule
tests_fuzz_fuzz_rule_SOURCES = tests/fuzz/fuzz_rule.c $(FUZZ_MAIN)
tests_fuzz_fuzz_rule_LDADD = $(NC_RULES_LIBS)
tests_fuzz_fuzz_rule_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(FUZZ_MAIN)
tests_fuzz_fuzz_config_LDADD = $(NC_SETUP_LIBS)
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz/fuzz_ifwatch
tests_fuzz_fuzz_ifwatch_SOURCES = tests/fuzz/fuzz_ifwatch.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ifwatch_LDADD = $(NC_RUN_LIBS)
tests_fuzz_fuzz_ifwatch_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz/fuzz_control
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c $(FUZZ_MAIN)
tests_fuzz_fuzz_control_LDADD = $(NC_RUN_LIBS)
tests_fuzz_fuzz_control_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz/fuzz_merge
tests_fuzz_fuzz_merge_SOURCES = tests/fuzz/fuzz_merge.c $(FUZZ_MAIN)
tests_fuzz_fuzz_merge_LDADD = $(NC_SHARD_LIBS)
tests_fuzz_fuzz_merge_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz/fuzz_store
tests_fuzz_fuzz_store_SOURCES = tests/fuzz/fuzz_store.c $(FUZZ_MAIN)
tests_fuzz_fuzz_store_LDADD = $(NC_RUN_LIBS)
tests_fuzz_fuzz_store_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz/fuzz_cmsg
tests_fuzz_fuzz_cmsg_SOURCES = tests/fuzz/fuzz_cmsg.c $(FUZZ_MAIN)
tests_fuzz_fuzz_cmsg_LDADD = $(NC_SHARD_LIBS)
tests_fuzz_fuzz_cmsg_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz/fuzz_nft
tests_fuzz_fuzz_nft_SOURCES = tests/fuzz/fuzz_nft.c $(FUZZ_MAIN)
tests_fuzz_fuzz_nft_LDADD = $(NC_RUN_LIBS)
tests_fuzz_fuzz_nft_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz/fuzz_topo
tests_fuzz_fuzz_topo_SOURCES = tests/fuzz/fuzz_topo.c $(FUZZ_MAIN)
tests_fuzz_fuzz_topo_LDADD = $(NC_NUMA_LIBS)
tests_fuzz_fuzz_topo_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz/fuzz_answer
tests_fuzz_fuzz_answer_SOURCES = tests/fuzz/fuzz_answer.c $(FUZZ_MAIN)
tests_fuzz_fuzz_answer_LDADD = $(NC_CTL_LIBS)
tests_fuzz_fuzz_answer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz/fuzz_kernel
tests_fuzz_fuzz_kernel_SOURCES = tests/fuzz/fuzz_kernel.c $(FUZZ_MAIN)
tests_fuzz_fuzz_kernel_LDADD = $(NC_RUN_LIBS)
tests_fuzz_fuzz_kernel_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK) -Wl,--wrap=send,--wrap=recv,--wrap=ioctl \
	-Wl,--wrap=mnl_socket_sendto,--wrap=mnl_socket_recvfrom

FUZZ_TARGETS += tests/fuzz/fuzz_host
tests_fuzz_fuzz_host_SOURCES = tests/fuzz/fuzz_host.c $(FUZZ_MAIN)
tests_fuzz_fuzz_host_LDADD = $(NC_RUN_LIBS)
tests_fuzz_fuzz_host_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK) -Wl,--wrap=open,--wrap=fopen,--wrap=access \
	-Wl,--wrap=opendir,--wrap=readdir,--wrap=closedir

FUZZ_TARGETS += tests/fuzz/fuzz_words
tests_fuzz_fuzz_words_SOURCES = tests/fuzz/fuzz_words.c $(FUZZ_MAIN)
tests_fuzz_fuzz_words_LDADD = src/ctl/libnc-ctl.a src/probe/libnc-probe.a $(NC_RUN_LIBS)
tests_fuzz_fuzz_words_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

if HAVE_CARES
FUZZ_TARGETS += tests/fuzz/fuzz_dns
tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz_dns.c $(FUZZ_MAIN)
tests_fuzz_fuzz_dns_CFLAGS = $(AM_CFLAGS) $(CARES_CFLAGS)
tests_fuzz_fuzz_dns_LDADD = $(NC_SETUP_LIBS)
tests_fuzz_fuzz_dns_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK) -Wl,--wrap=ares_init_options
endif

if HAVE_MICROHTTPD
FUZZ_TARGETS += tests/fuzz/fuzz_http
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c $(FUZZ_MAIN)
tests_fuzz_fuzz_http_LDADD = $(NC_RUN_LIBS)
tests_fuzz_fuzz_http_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK) -Wl,--wrap=listen_at,--wrap=listen_port
endif

check_PROGRAMS += $(FUZZ_TARGETS)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/dict tests/fuzz/hours tests/fuzz/replay.sh
TESTS += tests/fuzz/replay.sh

if FUZZER
FUZZ_MAIN =
FUZZ_LINK = -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay_main.c
FUZZ_LINK =
endif
