# doc
dist_doc_DATA += doc/NUMA.md

dist_man_MANS += doc/numacast-probe.1
