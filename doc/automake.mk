# doc
dist_doc_DATA += doc/ARCHITECTURE.md doc/HACKING.md doc/NUMA.md doc/STYLE.md doc/datapath.svg
dist_man_MANS += doc/numacast-probe.1 doc/numacastd.8
