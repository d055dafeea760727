# etc
EXTRA_DIST += etc/setup quickstart run-tests .ci
dist_doc_DATA += etc/numacastd.conf.sample
