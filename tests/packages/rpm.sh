# rpm.sh - packages for distributions with rpm, as far as they can be tried on Debian: built twice
# from the tarball, without looking whether rpm knows of what dpkg has installed, compared, looked
# at by rpmlint, installed and removed. Sourced by run.
# shellcheck shell=bash disable=SC2154

# Debian's rpm knows no directories of systemd.
rpm_macros=(--define '_unitdir /usr/lib/systemd/system' --define '_sysusersdir /usr/lib/sysusers.d'
    --define '_tmpfilesdir /usr/lib/tmpfiles.d' --define '_sysctldir /usr/lib/sysctl.d')

# try_rpm: all of it.
try_rpm() {
    local top=$dir/rpm
    rm -rf "$top"
    mkdir -p "$top"
    did "rpm: rpmlint of the spec" rpmlint -c "$here/rpmlint.toml" "$src/etc/rpm/numacast.spec"
    did "rpm: build" rpm_build "$top/one" || return
    # Those with what debuggers need are made where distributions have prepared rpm for it.
    expect "rpm: packages" "$(cd "$top/one/RPMS" && find . -name '*.rpm' |
        sed 's/.*\///; s/-[0-9].*//' | sort | xargs)" "numacast numacast-doc"
    # shellcheck disable=SC2046 # names without blanks
    did "rpm: rpmlint" rpmlint -c "$here/rpmlint.toml" $(find "$top/one" -name '*.rpm')
    did "rpm: build elsewhere" rpm_build "$top/another-place" || return
    rpm_files "$top/one" >"$dir/rpm.one"
    rpm_files "$top/another-place" >"$dir/rpm.two"
    did "rpm: reproducible, file by file" diff "$dir/rpm.one" "$dir/rpm.two"
    rpm_use "$(find "$top/one" -name "numacast-$version*.rpm" ! -name '*.src.rpm')"
}

# rpm_build TOP: by the spec that is in the tarball, without its tests.
rpm_build() {
    nice rpmbuild -ta --nodeps --nocheck --define "_topdir $1" --define '_buildhost build' \
        --define 'use_source_date_epoch_as_buildtime 1' \
        --define 'clamp_mtime_to_source_date_epoch 1' \
        --define 'source_date_epoch_from_changelog 1' "${rpm_macros[@]}" "$tarball"
}

# rpm_files TOP: name, mode and sum of each file in its packages.
rpm_files() {
    find "$1/RPMS" -name '*.rpm' | sort | while read -r file; do
        rpm -qp --nosignature --dump "$file" | cut -d ' ' -f 1,2,4,5-7
    done
}

# rpm_use PACKAGE: into a root of its own, and out again.
rpm_use() {
    local root=$dir/rpm-root
    rm -rf "$root"
    mkdir -p "$root"
    did "rpm: install" rpm --root "$root" --initdb
    did "rpm: install" rpm --root "$root" -i --nodeps --noscripts --ignorearch --nosignature "$1"
    expect "rpm: version" "$("$root/usr/sbin/numacastd" --version)" "numacastd $version"
    expect "rpm: configuration" "$(ls -A "$root/etc/numacast")" ""
    expect "rpm: units" "$(cd "$root/usr/lib/systemd/system" && echo *.service)" \
        "$(cd "$src/etc/systemd" && echo *.service.in | sed 's/\.in\b//g')"
    did "rpm: remove" rpm --root "$root" -e --nodeps --noscripts numacast
    expect "rpm: what is left" "$(cd "$root" && find . -name '*numacast*')" ""
}
