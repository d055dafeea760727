# What is told by HTTP: snapshots, the server, and the texts of its paths.
noinst_LIBRARIES += src/web/libnc-web.a
src_web_libnc_web_a_CFLAGS = $(AM_CFLAGS) $(MICROHTTPD_CFLAGS) $(JANSSON_CFLAGS)
src_web_libnc_web_a_SOURCES = \
	src/web/accept.c \
	src/web/health.c \
	src/web/hosts.c src/web/hosts.h \
	src/web/http.h \
	src/web/listen.c src/web/listen.h \
	src/web/metric.c src/web/metric.h \
	src/web/metrics.c src/web/metrics.h \
	src/web/metrics_fast.c \
	src/web/metrics_lines.c \
	src/web/metrics_merge.c \
	src/web/metrics_rest.c \
	src/web/page.c src/web/page.h \
	src/web/routes.c src/web/routes.h \
	src/web/snapshot.c src/web/snapshot.h \
	src/web/text.c src/web/text.h \
	src/web/web.c src/web/web.h
if HAVE_MICROHTTPD
src_web_libnc_web_a_SOURCES += src/web/http.c
else
src_web_libnc_web_a_SOURCES += src/web/http_none.c
endif
NC_WEB_LIBS = src/web/libnc-web.a $(NC_VIEW_LIBS) $(MICROHTTPD_LIBS)

# The page is one file, made of three that one can read.
PAGE_PARTS = src/web/page.html src/web/page.css src/web/page.js
nodist_src_web_libnc_web_a_SOURCES = src/web/page_made.c
src/web/page_made.c: $(PAGE_PARTS) src/web/make-page.sh
	$(AM_V_GEN)$(MKDIR_P) src/web && sh $(srcdir)/src/web/make-page.sh $(srcdir)/src/web >$@.tmp && \
		mv $@.tmp $@
EXTRA_DIST += $(PAGE_PARTS) src/web/make-page.sh
CLEANFILES += src/web/page_made.c
