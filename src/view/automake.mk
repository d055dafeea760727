# A setup for people to see: --plan in all its forms.
noinst_LIBRARIES += src/view/libnc-view.a
src_view_libnc_view_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_view_libnc_view_a_SOURCES = \
	src/view/fast.c src/view/fast.h \
	src/view/hugepages.c \
	src/view/json.c \
	src/view/live.c src/view/live.h \
	src/view/map.c src/view/map.h \
	src/view/members.c src/view/members.h \
	src/view/picture.c \
	src/view/place.c \
	src/view/spread.c src/view/spread.h \
	src/view/sum.c src/view/sum.h \
	src/view/svg.c src/view/svg.h \
	src/view/sysctl.c src/view/sysctl.h \
	src/view/table.c src/view/table.h \
	src/view/text.c \
	src/view/view.c src/view/view.h
NC_VIEW_LIBS = src/view/libnc-view.a $(NC_FASTPATH_LIBS) $(JANSSON_LIBS)
