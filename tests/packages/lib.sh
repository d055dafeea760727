# lib.sh - chroots, for those who try the packages. Sourced by run, which says what $dir is.
# shellcheck shell=bash disable=SC2154
mounted=()

# did WHAT COMMAND...: runs it with its output in a log of that name, and tells how it ended.
did() {
    local log=$dir/${1//[ :\/]/-}.log
    if "${@:2}" >"$log" 2>&1 </dev/null; then
        ok "$1"
    else
        fail "$1 (exit status $?): $log
$(tail -n 15 "$log")"
        return 1
    fi
}

# mirror: where this host's apt has Debian from.
mirror() {
    # shellcheck disable=SC2016 # apt-get replaces these
    echo "${MIRROR:-$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' \
        'Created-By: Packages' | sed -n 's/^Debian|Debian|//p' | head -n 1)}"
}

# chroot_new SUITE PATH: a fresh minimal system there; the first of a suite is kept for the next.
chroot_new() {
    local base=$dir/$1.tar
    unmount_below "$2"
    rm -rf --one-file-system "$2"
    if [ ! -s "$base" ]; then
        mmdebstrap --quiet --variant=minbase --format=tar "$1" "$base.part" "$(mirror)" &&
            mv "$base.part" "$base" || return 1
    fi
    mkdir -p "$2" && tar -C "$2" -xf "$base" --exclude='./dev/*' && chroot_open "$2"
}

# chroot_open PATH: what programs need there; no package starts a service. It is a mount of its own,
# without which `ip netns exec' cannot work in it.
chroot_open() {
    local name
    mount --bind "$1" "$1" && mounted+=("$1") && mount --make-private "$1" || return 1
    mount -t proc proc "$1/proc" && mounted+=("$1/proc") || return 1
    mount -t sysfs -o ro sysfs "$1/sys" && mounted+=("$1/sys") || return 1
    mount -t tmpfs -o mode=755 tmpfs "$1/dev" && mounted+=("$1/dev") || return 1
    for name in null zero full random urandom tty; do
        cp -a "/dev/$name" "$1/dev/"
    done
    mkdir -m 1777 "$1/dev/shm"
    ln -s /proc/self/fd "$1/dev/fd"
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
    chmod 755 "$1/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf "$1/etc/resolv.conf"
    inside "$1" apt-get -q update
}

# inside PATH COMMAND...: in that chroot, with an environment of its own.
inside() {
    local path=$1
    shift
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive nice chroot "$path" "$@"
}

# unmount_below PATH: what chroot_open mounted there, and whatever was mounted on that.
unmount_below() {
    local at rest=() position
    for ((position = ${#mounted[@]} - 1; position >= 0; position--)); do
        at=${mounted[position]}
        if [[ $at/ = "$1"/* ]]; then
            umount -R "$at" || umount -l "$at"
        else
            rest=("$at" "${rest[@]}")
        fi
    done
    mounted=("${rest[@]}")
}

unmount_all() {
    unmount_below ""
}

# files_of PATH: each file of that system that a package may leave behind, a line each.
files_of() {
    (cd "$1" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp \
        -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log \
        -o -path ./run \) -prune -o -print | sort)
}
