# numacastctl speaks to a running daemon: it links src/base and src/cli alone.
noinst_LIBRARIES += src/ctl/libnc-ctl.a
src_ctl_libnc_ctl_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(NCURSESW_CFLAGS)
src_ctl_libnc_ctl_a_SOURCES = \
	src/ctl/batch.c src/ctl/batch.h \
	src/ctl/client.c src/ctl/client.h \
	src/ctl/completion.c src/ctl/completion.h \
	src/ctl/options.c src/ctl/options.h \
	src/ctl/options_help.c \
	src/ctl/order.c src/ctl/order.h \
	src/ctl/table.c src/ctl/table.h \
	src/ctl/present.c src/ctl/present.h \
	src/ctl/top.c src/ctl/top.h \
	src/ctl/top_frame.c src/ctl/top_frame.h \
	src/ctl/top_layout.c src/ctl/top_layout.h \
	src/ctl/top_link.c src/ctl/top_link.h \
	src/ctl/top_pick.c src/ctl/top_pick.h \
	src/ctl/top_plain.c src/ctl/top_plain.h \
	src/ctl/top_rows.c src/ctl/top_rows.h \
	src/ctl/top_screen.h \
	src/ctl/top_state.c src/ctl/top_state.h \
	src/ctl/top_table.c src/ctl/top_table.h \
	src/ctl/top_view.c src/ctl/top_view.h
if HAVE_NCURSESW
src_ctl_libnc_ctl_a_SOURCES += src/ctl/top_screen.c
else
src_ctl_libnc_ctl_a_SOURCES += src/ctl/top_screen_none.c
endif
NC_CTL_LIBS = src/ctl/libnc-ctl.a $(NC_CLI_LIBS) $(JANSSON_LIBS) $(NCURSESW_LIBS)

bin_PROGRAMS += src/numacastctl
src_numacastctl_SOURCES = src/ctl/main.c
src_numacastctl_LDADD = $(NC_CTL_LIBS)

# Completions are printed by the program itself, which cannot be run when it is built for another
# machine; then there are none.
CTL_COMPLETIONS = src/ctl/completion/numacastctl src/ctl/completion/_numacastctl
src/ctl/completion/numacastctl: src/numacastctl
	$(AM_V_GEN)$(MKDIR_P) src/ctl/completion && src/numacastctl completion bash >$@.tmp && \
		mv $@.tmp $@
src/ctl/completion/_numacastctl: src/numacastctl
	$(AM_V_GEN)$(MKDIR_P) src/ctl/completion && src/numacastctl completion zsh >$@.tmp && \
		mv $@.tmp $@
CLEANFILES += $(CTL_COMPLETIONS)
if NATIVE
if BASH_COMPLETION
bashcompletion_DATA = src/ctl/completion/numacastctl
endif
if ZSH_COMPLETION
zshcompletion_DATA = src/ctl/completion/_numacastctl
endif
endif
