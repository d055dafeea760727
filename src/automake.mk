# The programs. Each room below is an archive of its own, and NC_ROOM_LIBS is that archive with all
# that it may know, so that a wrong dependency does not link.
include src/cli/automake.mk
include src/rules/automake.mk
include src/setup/automake.mk
include src/fastpath/automake.mk
include src/view/automake.mk
include src/host/automake.mk
include src/web/automake.mk
include src/run/automake.mk
include src/probe/automake.mk
include src/ctl/automake.mk

sbin_PROGRAMS += src/numacastd
src_numacastd_SOURCES = src/main.c
src_numacastd_LDADD = $(NC_RUN_LIBS)
