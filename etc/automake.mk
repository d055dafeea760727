# etc: what an installation needs around the daemon. Everything goes below the prefix, where systemd
# looks for it when that is /usr or /usr/local: unit files, the user, kernel settings. Files ending
# in .in have the installation's paths put in.
EXTRA_DIST += etc/demo etc/dev etc/container etc/ha etc/rpm quickstart run-tests .ci
dist_doc_DATA += etc/numacastd.conf.sample etc/systemd/fastpath.conf \
	etc/systemd/privileges.conf etc/grafana/numacast.json \
	etc/prometheus/numacast-alerts.yaml

ETC_PATHS = sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@bindir[@]|$(bindir)|g' -e 's|@libexecdir[@]|$(libexecdir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g'
ETC_MADE = etc/systemd/numacastd.service etc/systemd/numacast-hugepages.service \
	etc/systemd/numacast-irqs.service etc/systemd/reserve-hugepages etc/systemd/place-irqs \
	etc/systemd/10-configured.conf $(ETC_SITES)
ETC_SITES = etc/systemd/numacast-rist-receive@.service etc/systemd/numacast-rist-send@.service \
	etc/systemd/numacast-srt@.service

$(ETC_MADE): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc/systemd && $(ETC_PATHS) $< >$@.tmp && mv $@.tmp $@

CLEANFILES += $(ETC_MADE)
EXTRA_DIST += etc/systemd/numacastd.service.in etc/systemd/numacast-hugepages.service.in \
	etc/systemd/numacast-irqs.service.in etc/systemd/place-irqs.in \
	etc/systemd/reserve-hugepages.in etc/systemd/10-configured.conf.in etc/systemd/numacast-rist-receive@.service.in \
	etc/systemd/numacast-rist-send@.service.in etc/systemd/numacast-srt@.service.in

# What belongs to numacastd.service and is no part of how it runs stands beside it.
numacastdunitdir = $(systemunitdir)/numacastd.service.d
numacastdunit_DATA = etc/systemd/10-configured.conf
systemunitdir = $(prefix)/lib/systemd/system
systemunit_DATA = etc/systemd/numacastd.service etc/systemd/numacast-hugepages.service \
	etc/systemd/numacast-irqs.service $(ETC_SITES)
numacastlibexecdir = $(libexecdir)/numacast
numacastlibexec_SCRIPTS = etc/systemd/reserve-hugepages etc/systemd/place-irqs
sysctldir = $(prefix)/lib/sysctl.d
dist_sysctl_DATA = etc/sysctl.d/10-numacast.conf
sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = etc/sysusers.d/numacast.conf
tmpfilesdir = $(prefix)/lib/tmpfiles.d
dist_tmpfiles_DATA = etc/tmpfiles.d/numacast.conf

# What a release must be, and what it is linked with; doc/HACKING.md says when.
RELEASE_TESTS = tests/cli/release.sh tests/cli/units.sh tests/topologies/run.sh
release-check: all
	$(srcdir)/etc/dev/release-check '$(srcdir)'
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(RELEASE_TESTS)'
	$(MAKE) $(AM_MAKEFLAGS) lint LINT_CHECKS='figures links man rows troubles'
sbom: all
	$(srcdir)/etc/dev/sbom $(VERSION) src/numacastd$(EXEEXT) src/numacastctl$(EXEEXT) \
		src/numacast-probe$(EXEEXT) >$(PACKAGE)-$(VERSION).spdx.json.part
	mv $(PACKAGE)-$(VERSION).spdx.json.part $(PACKAGE)-$(VERSION).spdx.json
CLEANFILES += $(PACKAGE)-$(VERSION).spdx.json
.PHONY: release-check sbom
