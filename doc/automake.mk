# doc
dist_doc_DATA += doc/ARCHITECTURE.md doc/HACKING.md doc/NUMA.md doc/PERFORMANCE.md \
	doc/STYLE.md doc/TUNING.md doc/TROUBLESHOOTING.md \
	doc/datapath.svg doc/plan-eight-sockets.svg doc/plan-two-sockets.svg
dist_man_MANS += doc/numacast-probe.1 doc/numacastd.8

# What bench/run --save leaves: a text for each suite, a CSV file and a picture for each table.
EXTRA_DIST += doc/bench
