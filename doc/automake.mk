# doc
dist_doc_DATA += doc/NUMA.md
