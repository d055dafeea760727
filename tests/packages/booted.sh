# booted.sh - the packages of debian.sh on a system of their own that boots in QEMU, with systemd as
# process 1; what is done there is tests/guest/cases/booted.sh. Sourced by run.
# shellcheck shell=bash disable=SC2154

# try_booted SUITE: with the packages that try_debian has made.
try_booted() {
    local suite=$1 root=$dir/$1-booted
    if ! ls "$dir/$suite-packages"/numacast_*.deb >/dev/null 2>&1; then
        fail "$suite: no packages in $dir/$suite-packages: first the part $suite"
        return
    fi
    did "$suite: a system to boot" chroot_new "$suite" "$root" || return
    did "$suite: what its guest needs" booted_needs "$suite" "$root" || return
    unmount_below "$root"
    did "$suite: its disk" booted_disk "$root" "$dir/$suite.disk" || return
    did "$suite: booted" env BOOTED_DISK="$dir/$suite.disk" "$src/tests/guest/run" \
        --build "$build" booted
    cat "$build/tests/guest/work/booted/result"
}

# booted_needs SUITE PATH: systemd, the trial's tools, and the libraries of our packages, but not
# these: they are to be installed there, by dpkg. Services may start.
booted_needs() {
    cp "$dir/$1-packages"/numacast_*.deb "$dir/$1-packages"/numacast-doc_*.deb "$2/srv/" &&
        inside "$2" apt-get -qy --no-install-recommends install systemd-sysv iproute2 jq procps &&
        inside "$2" sh -c 'apt-get -qy --no-install-recommends install /srv/numacast_*.deb' &&
        inside "$2" apt-get -qy purge numacast &&
        inside "$2" systemctl mask serial-getty@ttyS0 &&
        rm "$2/usr/sbin/policy-rc.d"
}

# booted_disk PATH FILE: what is in PATH, without what only this host needs of it.
booted_disk() {
    rm -rf "$2" "$1/var/cache/apt" "$1/var/lib/apt/lists"
    mke2fs -q -t ext4 -d "$1" "$2" 1500M
}
