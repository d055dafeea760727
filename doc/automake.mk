# doc
dist_doc_DATA += doc/NUMA.md

dist_man_MANS += doc/numacast-probe.1

dist_man_MANS += doc/numacastd.8
