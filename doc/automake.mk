# doc
dist_doc_DATA += doc/ARCHITECTURE.md doc/CONTROL.md doc/DISCOVERY.md doc/HA.md doc/HACKING.md doc/MERGE.md doc/METRICS.md doc/NUMA.md \
	doc/OPERATIONS.md doc/PAGE.md doc/PERFORMANCE.md doc/RELIABILITY.md doc/SECURITY.md doc/SITES.md doc/STYLE.md doc/TUNING.md doc/TROUBLESHOOTING.md \
	doc/datapath.svg doc/plan-eight-sockets.svg doc/plan-two-sockets.svg
dist_man_MANS += doc/numacast-probe.1 doc/numacastctl.1 doc/numacastd.8 doc/numacastd.conf.5

# Manuals and sample name the file that the unit reads: here and there it is below sysconfdir.
install-data-hook:
	sed 's|/etc/numacast/|$(sysconfdir)/numacast/|g' $(srcdir)/etc/numacastd.conf.sample \
		>'$(DESTDIR)$(docdir)/numacastd.conf.sample'
	sed 's|/etc/numacast/|$(sysconfdir)/numacast/|g' $(srcdir)/doc/numacastd.8 \
		>'$(DESTDIR)$(man8dir)/numacastd.8'
	sed 's|/etc/numacast/|$(sysconfdir)/numacast/|g' $(srcdir)/doc/numacastd.conf.5 \
		>'$(DESTDIR)$(man5dir)/numacastd.conf.5'

# Directories that are ours alone go with their last file; somebody else's file keeps them.
uninstall-hook:
	for dir in '$(docdir)' '$(numacastlibexecdir)' '$(numacastdunitdir)'; do \
		rmdir "$(DESTDIR)$$dir" 2>/dev/null || :; \
	done

# What is kept of the bench: the text of each suite, the raw results that bench/run --docs fills the
# documents' tables from, and the pictures that a document shows. All else is made by `make bench'.
# Whatever is added here by hand, bench/run --save measures anew from then on.
EXTRA_DIST += \
	doc/bench/fastpath.txt doc/bench/fastpath-raw.csv \
	doc/bench/floor.txt doc/bench/floor-raw.csv \
	doc/bench/numbers.txt doc/bench/numbers-raw.csv doc/bench/numbers-pool.csv \
	doc/bench/numbers-bounds.svg \
	doc/bench/pool.txt \
	doc/bench/profile.txt doc/bench/profile.csv \
	doc/bench/regbuf.txt \
	doc/bench/relay.txt doc/bench/relay-raw.csv doc/bench/relay-peer-calls.csv \
	doc/bench/relay-trains-rate.svg \
	doc/bench/ring.txt \
	doc/bench/scale.txt doc/bench/scale-raw.csv doc/bench/plan.csv \
	doc/bench/singles.txt doc/bench/singles-raw.csv \
	doc/bench/spread.txt doc/bench/spread-raw.csv \
	doc/bench/tune.txt doc/bench/tune-raw.csv \
	doc/bench/waits.txt doc/bench/waits-raw.csv \
	doc/bench/waits_mmsg.txt doc/bench/waits_mmsg-raw.csv \
	doc/bench/zerocopy.txt doc/bench/zerocopy-raw.csv
