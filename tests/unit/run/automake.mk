# Unit tests of src/run/, linked with its archive and those below.
RUN_RIG = tests/unit/run/supervisor_rig.c tests/unit/run/supervisor_rig.h

UNIT_TESTS += tests/unit/run/check_report
tests_unit_run_check_report_SOURCES = tests/unit/run/check_report.c $(RUN_RIG)
tests_unit_run_check_report_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_counters
tests_unit_run_check_counters_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_gate
tests_unit_run_check_gate_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_precedence
tests_unit_run_check_precedence_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_sources
tests_unit_run_check_sources_SOURCES = tests/unit/run/check_sources.c $(RUN_RIG)
tests_unit_run_check_sources_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_sources_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getifaddrs -Wl,--wrap=realloc

UNIT_TESTS += tests/unit/run/check_links
tests_unit_run_check_links_SOURCES = tests/unit/run/check_links.c $(RUN_RIG)
tests_unit_run_check_links_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_links_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pending_look -Wl,--wrap=renew_look \
	-Wl,--wrap=names_look -Wl,--wrap=replies_look -Wl,--wrap=lane_changed \
	-Wl,--wrap=ifwatch_tick -Wl,--wrap=renew_want -Wl,--wrap=follow_links \
	-Wl,--wrap=follow_tick -Wl,--wrap=pending_wake -Wl,--wrap=lane_tick \
	-Wl,--wrap=sources_tick

UNIT_TESTS += tests/unit/run/check_echoes_change
tests_unit_run_check_echoes_change_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

# With a program that is arrays of the test.
LANE_RIG = tests/unit/run/lane_rig.c tests/unit/run/lane_rig.h $(RUN_RIG)
LANE_WRAPS = -Wl,--wrap=program_load -Wl,--wrap=program_unload -Wl,--wrap=program_put \
	-Wl,--wrap=program_remove -Wl,--wrap=program_get -Wl,--wrap=program_sum \
	-Wl,--wrap=program_clear -Wl,--wrap=program_wait -Wl,--wrap=hook_attach \
	-Wl,--wrap=hook_detach -Wl,--wrap=hooks_free -Wl,--wrap=device_read \
	-Wl,--wrap=lane_hops_open

UNIT_TESTS += tests/unit/run/check_lane
tests_unit_run_check_lane_SOURCES = tests/unit/run/check_lane.c $(LANE_RIG)
tests_unit_run_check_lane_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_lane_LDFLAGS = $(AM_LDFLAGS) $(LANE_WRAPS)

UNIT_TESTS += tests/unit/run/check_lane_order
tests_unit_run_check_lane_order_SOURCES = tests/unit/run/check_lane_order.c $(LANE_RIG)
tests_unit_run_check_lane_order_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_lane_order_LDFLAGS = $(AM_LDFLAGS) $(LANE_WRAPS)

UNIT_TESTS += tests/unit/run/check_lane_weigh
tests_unit_run_check_lane_weigh_SOURCES = tests/unit/run/check_lane_weigh.c $(LANE_RIG)
tests_unit_run_check_lane_weigh_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_lane_weigh_LDFLAGS = $(AM_LDFLAGS) $(LANE_WRAPS)

UNIT_TESTS += tests/unit/run/check_lane_errors
tests_unit_run_check_lane_errors_SOURCES = tests/unit/run/check_lane_errors.c $(RUN_RIG)
tests_unit_run_check_lane_errors_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_lane_errors_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=sock_drain_errors \
	-Wl,--wrap=fast_add_errors

UNIT_TESTS += tests/unit/run/check_lane_look
tests_unit_run_check_lane_look_SOURCES = tests/unit/run/check_lane_look.c $(LANE_RIG)
tests_unit_run_check_lane_look_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_lane_look_LDFLAGS = $(AM_LDFLAGS) $(LANE_WRAPS) \
	-Wl,--wrap=conf_index_build -Wl,--wrap=lane_hops_find

UNIT_TESTS += tests/unit/run/check_members_watch
tests_unit_run_check_members_watch_SOURCES = tests/unit/run/check_members_watch.c $(RUN_RIG)
tests_unit_run_check_members_watch_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_members_watch_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=machines_file \
	-Wl,--wrap=machines_read -Wl,--wrap=reload_again

UNIT_TESTS += tests/unit/run/check_history
tests_unit_run_check_history_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_commands
tests_unit_run_check_commands_SOURCES = tests/unit/run/check_commands.c $(RUN_RIG)
tests_unit_run_check_commands_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_control
tests_unit_run_check_control_SOURCES = tests/unit/run/check_control.c \
	tests/unit/run/control_rig.c tests/unit/run/control_rig.h $(RUN_RIG)
tests_unit_run_check_control_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_door
tests_unit_run_check_door_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_health_file
tests_unit_run_check_health_file_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_duty
tests_unit_run_check_duty_SOURCES = tests/unit/run/check_duty.c $(RUN_RIG)
tests_unit_run_check_duty_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_ending
tests_unit_run_check_ending_SOURCES = tests/unit/run/check_ending.c $(RUN_RIG)
tests_unit_run_check_ending_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_ending_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=signals_next \
	-Wl,--wrap=store_hand_over -Wl,--wrap=store_forget -Wl,--wrap=spread_end \
	-Wl,--wrap=lane_stop -Wl,--wrap=mailbox_post -Wl,--wrap=reload_again \
	-Wl,--wrap=notify_send

UNIT_TESTS += tests/unit/run/check_replies
tests_unit_run_check_replies_SOURCES = tests/unit/run/check_replies.c $(RUN_RIG)
tests_unit_run_check_replies_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_replies_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=sock_open_ingress

UNIT_TESTS += tests/unit/run/check_relief
tests_unit_run_check_relief_SOURCES = tests/unit/run/check_relief.c $(RUN_RIG)
tests_unit_run_check_relief_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_report_file
tests_unit_run_check_report_file_SOURCES = tests/unit/run/check_report_file.c $(RUN_RIG)
tests_unit_run_check_report_file_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_watch
tests_unit_run_check_watch_SOURCES = tests/unit/run/check_watch.c $(RUN_RIG)
tests_unit_run_check_watch_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_store_name
tests_unit_run_check_store_name_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_store
tests_unit_run_check_store_SOURCES = tests/unit/run/check_store.c $(RUN_RIG)
tests_unit_run_check_store_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_store_shares
tests_unit_run_check_store_shares_SOURCES = tests/unit/run/check_store_shares.c $(RUN_RIG)
tests_unit_run_check_store_shares_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_watchdog
tests_unit_run_check_watchdog_SOURCES = tests/unit/run/check_watchdog.c $(RUN_RIG)
tests_unit_run_check_watchdog_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_closing
tests_unit_run_check_closing_SOURCES = tests/unit/run/check_closing.c $(RUN_RIG)
tests_unit_run_check_closing_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_mover
tests_unit_run_check_mover_SOURCES = tests/unit/run/check_mover.c $(RUN_RIG)
tests_unit_run_check_mover_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_rebalance
tests_unit_run_check_rebalance_SOURCES = tests/unit/run/check_rebalance.c $(RUN_RIG)
tests_unit_run_check_rebalance_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_recheck
tests_unit_run_check_recheck_SOURCES = tests/unit/run/check_recheck.c $(RUN_RIG)
tests_unit_run_check_recheck_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_lane_hops
tests_unit_run_check_lane_hops_SOURCES = tests/unit/run/check_lane_hops.c $(RUN_RIG) \
	tests/unit/sock_help.c tests/unit/sock_help.h
tests_unit_run_check_lane_hops_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MNL_CFLAGS)
tests_unit_run_check_lane_hops_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_lane_hops_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=hop_reach \
	-Wl,--wrap=hop_has_policy -Wl,--wrap=hop_use -Wl,--wrap=mnl_socket_recvfrom

UNIT_TESTS += tests/unit/run/check_neighbours
tests_unit_run_check_neighbours_SOURCES = tests/unit/run/check_neighbours.c $(RUN_RIG) \
	tests/unit/sock_help.c tests/unit/sock_help.h
tests_unit_run_check_neighbours_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MNL_CFLAGS)
tests_unit_run_check_neighbours_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_names
tests_unit_run_check_names_SOURCES = tests/unit/run/check_names.c tests/unit/run/names_rig.c \
	tests/unit/run/names_rig.h $(RUN_RIG)
tests_unit_run_check_names_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_names_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=reload_move \
	-Wl,--wrap=reload_is_busy -Wl,--wrap=calloc

UNIT_TESTS += tests/unit/run/check_follow
tests_unit_run_check_follow_SOURCES = tests/unit/run/check_follow.c $(RUN_RIG)
tests_unit_run_check_follow_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_follow_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=iface_index \
	-Wl,--wrap=iface_mtu -Wl,--wrap=links_amiss -Wl,--wrap=links_changed \
	-Wl,--wrap=changer_begin

UNIT_TESTS += tests/unit/run/check_renew
tests_unit_run_check_renew_SOURCES = tests/unit/run/check_renew.c $(RUN_RIG)
tests_unit_run_check_renew_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_changer_cut
tests_unit_run_check_changer_cut_SOURCES = tests/unit/run/check_changer_cut.c $(RUN_RIG)
tests_unit_run_check_changer_cut_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_changer_cut_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=changer_open

UNIT_TESTS += tests/unit/run/check_changer_shares
tests_unit_run_check_changer_shares_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_changer_shares_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=changer_go_near \
	-Wl,--wrap=changer_prepare_flow -Wl,--wrap=sock_open_ingress \
	-Wl,--wrap=sock_share_bind -Wl,--wrap=sock_join -Wl,--wrap=sock_share_open \
	-Wl,--wrap=sock_kernel_drops -Wl,--wrap=spread_settle

UNIT_TESTS += tests/unit/run/check_rlimits
tests_unit_run_check_rlimits_SOURCES = tests/unit/run/check_rlimits.c $(RUN_RIG)
tests_unit_run_check_rlimits_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_notify
tests_unit_run_check_notify_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_signals
tests_unit_run_check_signals_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_ifwatch
tests_unit_run_check_ifwatch_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MNL_CFLAGS)
tests_unit_run_check_ifwatch_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_spread
tests_unit_run_check_spread_SOURCES = tests/unit/run/check_spread.c \
	tests/unit/run/spread_rig.h $(RUN_RIG)
tests_unit_run_check_spread_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_spread_kept
tests_unit_run_check_spread_kept_SOURCES = tests/unit/run/check_spread_kept.c \
	tests/unit/run/spread_rig.h $(RUN_RIG)
tests_unit_run_check_spread_kept_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_spread_kept_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=sock_note_share \
	-Wl,--wrap=sock_noted_share -Wl,--wrap=sock_forget_share -Wl,--wrap=sock_share_take \
	-Wl,--wrap=sock_kernel_drops -Wl,--wrap=sock_queued_bytes

UNIT_TESTS += tests/unit/run/check_status
tests_unit_run_check_status_SOURCES = tests/unit/run/check_status.c $(RUN_RIG)
tests_unit_run_check_status_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_reasons
tests_unit_run_check_reasons_SOURCES = tests/unit/run/check_reasons.c $(RUN_RIG)
tests_unit_run_check_reasons_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_survey
tests_unit_run_check_survey_SOURCES = tests/unit/run/check_survey.c $(RUN_RIG)
tests_unit_run_check_survey_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_shortage
tests_unit_run_check_shortage_SOURCES = tests/unit/run/check_shortage.c $(RUN_RIG)
tests_unit_run_check_shortage_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_shortage_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=strdup,--wrap=realloc

if SANDBOX
UNIT_TESTS += tests/unit/run/check_sandbox
endif
EXTRA_DIST += tests/unit/run/check_sandbox.c
tests_unit_run_check_sandbox_SOURCES = tests/unit/run/check_sandbox.c
tests_unit_run_check_sandbox_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
tests_unit_run_check_sandbox_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=seccomp_export_bpf

UNIT_TESTS += tests/unit/run/check_scene
tests_unit_run_check_scene_SOURCES = tests/unit/run/check_scene.c $(RUN_RIG)
tests_unit_run_check_scene_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_metrics_doc
tests_unit_run_check_metrics_doc_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_run_check_metrics_doc_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_reload
tests_unit_run_check_reload_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_finish_note
tests_unit_run_check_finish_note_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)

UNIT_TESTS += tests/unit/run/check_privs
tests_unit_run_check_privs_LDADD = $(NC_RUN_LIBS) $(CHECK_LIBS)
