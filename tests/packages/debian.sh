# debian.sh - Debian's packages: made, compared, installed, upgraded, removed and purged. Sourced by
# run.
# shellcheck shell=bash disable=SC2154

# try_debian SUITE: all of it, in two chroots: one that builds and one that uses.
try_debian() {
    local suite=$1 maker=$dir/$1-maker user=$dir/$1-user out=$dir/$1-packages
    rm -rf "$out"
    mkdir -p "$out"
    did "$suite: a system to build in" chroot_new "$suite" "$maker" || return
    did "$suite: what the build needs" build_needs "$maker" || return
    did "$suite: the source" build_source "$maker" || return
    did "$suite: build" build_at "$maker" /usr/src/one 022 C.UTF-8 UTC 2 || return
    did "$suite: build elsewhere" build_at "$maker" /usr/local/src/another-place \
        027 C Asia/Kathmandu 3 || return
    cp "$maker"/usr/src/one/*.deb "$out"
    compare_builds "$suite" "$maker/usr/src/one" "$maker/usr/local/src/another-place"
    did "$suite: lintian" inside "$maker" sh -c \
        'lintian --allow-root --tag-display-limit 0 --fail-on error,warning /usr/src/one/*.changes'
    unmount_below "$maker"
    did "$suite: a system to use it in" chroot_new "$suite" "$user" || return
    use_packages "$suite" "$user" "$out"
    unmount_below "$user"
    did "$suite: a system for autopkgtest" chroot_new "$suite" "$user" || return
    did "$suite: autopkgtest" env -u NC_SRCDIR -u NC_BUILDDIR autopkgtest "$out"/*.deb \
        "$maker/usr/src/one/numacast-$version/" -- chroot "$user"
    unmount_below "$user"
}

# build_needs PATH: the packages that debian/control and lintian want there.
build_needs() {
    mkdir -p "$1/usr/src/debian" && cp "$src/debian/control" "$1/usr/src/debian/" &&
        cp "$src/debian/changelog" "$1/usr/src/debian/" &&
        inside "$1" apt-get -qy --no-install-recommends install build-essential lintian &&
        inside "$1" apt-get -qy --no-install-recommends build-dep /usr/src/
}

# build_source PATH: the source, in two places.
build_source() {
    mkdir -p "$1/usr/src/one/numacast-$version" &&
        cp "$tarball" "$1/usr/src/one/numacast_$version.orig.tar.xz" &&
        tar -C "$1/usr/src/one" -xf "$tarball" &&
        cp -a "$src/debian" "$1/usr/src/one/numacast-$version/" &&
        chown -R root:root "$1/usr/src" &&
        mkdir -p "$1/usr/local/src" && cp -a "$1/usr/src/one" "$1/usr/local/src/another-place"
}

# build_at PATH DIRECTORY UMASK LOCALE ZONE JOBS: the packages, in DIRECTORY of the chroot.
build_at() {
    # shellcheck disable=SC2016 # for the shell within
    inside "$1" sh -c 'cd "$1/numacast-$2" && umask "$3" && LC_ALL=$4 TZ=$5 \
        DEB_BUILD_OPTIONS="nocheck parallel=$6" dpkg-buildpackage -us -uc' \
        sh "$2" "$version" "${@:3}"
}

# compare_builds SUITE DIRECTORY DIRECTORY: byte for byte.
compare_builds() {
    local file
    expect "$1: packages" "$(cd "$2" && printf '%s\n' *.deb | sed -E 's/_.*//' | sort | xargs)" \
        "numacast numacast-dbgsym numacast-doc"
    for file in "$2"/*.deb; do
        did "$1: reproducible: ${file##*/}" cmp "$file" "$3/${file##*/}"
    done
}

# use_packages SUITE PATH PACKAGES: what dpkg does to a system, from the first to the last day.
use_packages() {
    local suite=$1 path=$2 newer=$3/newer
    newer_package "$3" "$newer" || fail "$suite: a newer package"
    cp "$3"/numacast_*.deb "$3"/numacast-doc_*.deb "$path/tmp/"
    did "$suite: what systemd needs" inside "$path" apt-get -qy --no-install-recommends install \
        systemd || return
    files_of "$path" >"$dir/before"

    did "$suite: install" inside "$path" sh -c \
        'apt-get -qy --no-install-recommends install /tmp/numacast_*.deb /tmp/numacast-doc_*.deb'
    expect "$suite: version" "$(inside "$path" numacastd --version)" "numacastd $version"
    expect "$suite: user" "$(inside "$path" getent passwd numacast | cut -d : -f 1,6,7)" \
        "numacast:/:/usr/sbin/nologin"
    expect "$suite: service" "$(enabled "$path" numacastd)" enabled
    expect "$suite: huge pages" "$(enabled "$path" numacast-hugepages)" disabled
    expect "$suite: interrupts" "$(enabled "$path" numacast-irqs)" disabled
    expect "$suite: without a configuration nothing is started" "$(cat \
        "$path"/usr/lib/systemd/system/numacastd.service{,.d/*} |
        grep '^ConditionPathExists=')" ConditionPathExists=/etc/numacast/numacastd.conf
    expect "$suite: a configuration is nobody's but the operator's" \
        "$(ls -A "$path/etc/numacast")" ""

    echo 'rule 239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000' >"$path/etc/numacast/numacastd.conf"
    did "$suite: check" inside "$path" numacastd --check --config /etc/numacast/numacastd.conf
    inside "$path" systemctl disable numacastd >>"$dir/systemctl.log" 2>&1
    cp "$newer"/*.deb "$path/tmp/"
    did "$suite: upgrade" inside "$path" sh -c \
        'apt-get -qy --no-install-recommends install /tmp/numacast_*+newer*.deb'
    expect "$suite: a service that was disabled" "$(enabled "$path" numacastd)" disabled
    expect "$suite: the configuration" "$(wc -l <"$path/etc/numacast/numacastd.conf")" 1

    did "$suite: remove" inside "$path" apt-get -qy remove numacast numacast-doc
    expect "$suite: programs" "$(cd "$path" && find usr -name 'numacast*' ! -path '*/doc/*')" ""
    expect "$suite: the configuration" "$(wc -l <"$path/etc/numacast/numacastd.conf")" 1
    did "$suite: purge" purge_all "$path" numacast numacast-doc
    expect "$suite: what is left is the operator's" "$(left "$path")" \
        "./etc/numacast ./etc/numacast/numacastd.conf"
    did "$suite: install again" inside "$path" sh -c \
        'apt-get -qy --no-install-recommends install /tmp/numacast_*+newer*.deb'
    rm "$path/etc/numacast/numacastd.conf"
    did "$suite: purge at once" purge_all "$path" numacast
    expect "$suite: what is left" "$(left "$path")" ""
}

# purge_all PATH PACKAGE...: these, and libraries that came with them, though others suggest them.
purge_all() {
    inside "$1" apt-get -qy purge "${@:2}" &&
        inside "$1" apt-get -qy --purge -o APT::AutoRemove::RecommendsImportant=false \
            -o APT::AutoRemove::SuggestsImportant=false autoremove
}

# newer_package PACKAGES DIRECTORY: the same package by a later version.
newer_package() {
    local old
    old=$(echo "$1"/numacast_*.deb)
    rm -rf "$2" && mkdir -p "$2" && dpkg-deb -R "$old" "$2/tree" &&
        sed -i 's/^Version: .*/&+newer/' "$2/tree/DEBIAN/control" &&
        dpkg-deb --root-owner-group -b "$2/tree" \
            "$2/$(basename "$old" | sed 's/_[^_]*_/_'"$version"'-1+newer_/')" >>"$dir/newer.log" &&
        rm -rf "$2/tree"
}

# enabled PATH UNIT: what systemctl says of it.
enabled() {
    inside "$1" systemctl is-enabled "$2"
}

# left PATH: files that were not there before, on one line.
left() {
    files_of "$1" | comm -13 "$dir/before" - | xargs
}
