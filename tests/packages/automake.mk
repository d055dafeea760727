# Packages, made from the tarball: `make deb' for this Debian, and by hand, since it takes many
# minutes, `sudo make check-packages', which makes and tries them in chroots.
#
# debian/ is no part of the tarball, as Debian has it: it is whoever's who packages, and put beside.
EXTRA_DIST += tests/packages

deb: dist
	rm -rf packages/deb
	$(MKDIR_P) packages/deb
	cp $(distdir).tar.xz packages/deb/$(PACKAGE)_$(VERSION).orig.tar.xz
	tar -C packages/deb -xf $(distdir).tar.xz
	cp -R $(srcdir)/debian packages/deb/$(distdir)/
	cd packages/deb/$(distdir) && dpkg-buildpackage -us -uc

check-packages: dist $(GUEST_NEEDS)
	NC_SRCDIR='$(abs_top_srcdir)' NC_BUILDDIR='$(abs_top_builddir)' \
		TARBALL='$(abs_top_builddir)/$(distdir).tar.xz' \
		$(srcdir)/tests/packages/run $(PACKAGES_SET)
.PHONY: deb check-packages

distclean-local:
	rm -rf packages
