# What runs: workers, watch, report, and the process around them.
noinst_LIBRARIES += src/run/libnc-run.a
src_run_libnc_run_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(LIBCAPNG_CFLAGS) $(MNL_CFLAGS) \
	$(SECCOMP_CFLAGS)
src_run_libnc_run_a_SOURCES = \
	src/run/answer.c src/run/answer.h \
	src/run/changer.c src/run/changer.h \
	src/run/changer_ask.c src/run/changer_ask.h \
	src/run/changer_cut.c src/run/changer_cut.h \
	src/run/changer_find.c src/run/changer_find.h \
	src/run/changer_shares.c src/run/changer_shares.h \
	src/run/changer_merge.c src/run/changer_merge.h \
	src/run/changer_sock.c src/run/changer_sock.h \
	src/run/commands.c src/run/commands.h \
	src/run/commands_balance.c \
	src/run/commands_change.c \
	src/run/commands_duty.c \
	src/run/commands_line.c src/run/commands_line.h \
	src/run/commands_show.c \
	src/run/commands_state.c \
	src/run/control.c src/run/control.h \
	src/run/door.c src/run/door.h \
	src/run/duty.c src/run/duty.h \
	src/run/echoes.c src/run/echoes.h \
	src/run/echoes_change.c src/run/echoes_change.h \
	src/run/ending.c src/run/ending.h \
	src/run/finish_note.c src/run/finish_note.h \
	src/run/finisher.c src/run/finisher.h \
	src/run/figures.c src/run/figures.h \
	src/run/follow.c src/run/follow.h \
	src/run/gate.c src/run/gate.h \
	src/run/health_file.c src/run/health_file.h \
	src/run/history.c src/run/history.h \
	src/run/ifwatch.c src/run/ifwatch.h \
	src/run/lane.c src/run/lane.h \
	src/run/lane_errors.c src/run/lane_errors.h \
	src/run/lane_hops.c src/run/lane_hops.h \
	src/run/lane_look.c src/run/lane_look.h \
	src/run/lane_order.c src/run/lane_order.h \
	src/run/lane_weigh.c src/run/lane_weigh.h \
	src/run/links.c src/run/links.h \
	src/run/sources.c src/run/sources.h \
	src/run/members_watch.c src/run/members_watch.h \
	src/run/mover.c src/run/mover.h \
	src/run/names.c src/run/names.h \
	src/run/neighbours.c src/run/neighbours.h \
	src/run/notify.c src/run/notify.h \
	src/run/pending.c src/run/pending.h \
	src/run/precedence.c src/run/precedence.h \
	src/run/privs.c src/run/privs.h \
	src/run/rates.c src/run/rates.h \
	src/run/relief.c src/run/relief.h \
	src/run/ready.c src/run/ready.h \
	src/run/reasons.c src/run/reasons.h \
	src/run/rebalance.c src/run/rebalance.h \
	src/run/recheck.c src/run/recheck.h \
	src/run/renew.c src/run/renew.h \
	src/run/refusals.c src/run/refusals.h \
	src/run/reload.c src/run/reload.h \
	src/run/replies.c src/run/replies.h \
	src/run/report.c src/run/report.h \
	src/run/report_file.c src/run/report_file.h \
	src/run/report_merge.c src/run/report_merge.h \
	src/run/report_put.c src/run/report_put.h \
	src/run/report_rows.c src/run/report_rows.h \
	src/run/rlimits.c src/run/rlimits.h \
	src/run/rows.c src/run/rows.h \
	src/run/sandbox.h src/run/sandbox_make.h src/run/sandbox_rows.h \
	src/run/scene.c src/run/scene.h \
	src/run/signals.c src/run/signals.h \
	src/run/spread.c src/run/spread.h \
	src/run/spread_kept.c \
	src/run/spread_set.c src/run/spread_set.h \
	src/run/store.c src/run/store.h \
	src/run/store_list.c src/run/store_list.h \
	src/run/store_name.c src/run/store_name.h \
	src/run/store_passed.c src/run/store_socket.h \
	src/run/status.c src/run/status.h \
	src/run/supervisor.c src/run/supervisor.h \
	src/run/survey.c src/run/survey.h \
	src/run/tally.c src/run/tally.h \
	src/run/tally_legs.c src/run/tally_legs.h \
	src/run/watch.c src/run/watch.h \
	src/run/watch_leg.c src/run/watch_leg.h \
	src/run/watchdog.c src/run/watchdog.h \
	src/run/worker.c src/run/worker.h
if SANDBOX
src_run_libnc_run_a_SOURCES += src/run/sandbox.c src/run/sandbox_make.c \
	src/run/sandbox_rows.c
else
src_run_libnc_run_a_SOURCES += src/run/sandbox_none.c
endif
EXTRA_DIST += src/run/sandbox.c src/run/sandbox_make.c \
	src/run/sandbox_rows.c src/run/sandbox_none.c
NC_RUN_LIBS = src/run/libnc-run.a src/web/libnc-web.a src/fastpath/libnc-fastpath.a \
	$(NC_HOST_LIBS) $(MICROHTTPD_LIBS) \
	$(LIBCAPNG_LIBS) $(BPF_LIBS) $(MNL_LIBS) $(NC_SANDBOX_LIBS)
