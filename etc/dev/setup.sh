# setup.sh - from a bare Debian 12 to a built tree; what quickstart and run-tests share.
#
# Sourced with $top set to the top of the source tree. Nothing here needs anything but bash, git
# and apt; packages are installed only when they are missing. It belongs to the tree as a whole and
# not to the tests, because quickstart, which a user runs first, begins with it.
# shellcheck shell=bash disable=SC2034,SC2154

build_packages=(
    gcc libc6-dev make autoconf automake pkg-config
    liburing-dev libnuma-dev libhwloc-dev libjansson-dev libcap-ng-dev libmnl-dev
    libxxhash-dev
    libmicrohttpd-dev libncurses-dev libc-ares-dev libbpf-dev clang libseccomp-dev
)
demo_packages=(iproute2 procps jq)
test_packages=(
    check                                                            # unit tests
    clang clang-format clang-tidy cppcheck shellcheck mandoc         # lint
    python3-minimal ethtool tshark iperf socat ffmpeg strace tmux    # network stories
    rist-tools srt-tools wireguard-go wireguard-tools                # the sites' stories
    dnsmasq-base                                                     # the names' story
    chromium python3                                                 # the page's story
    python3-zeroconf                                                 # discovery's story
    nftables libcap2-bin                                             # the host check's stories
    systemd                                                          # lint of the units
    rpm rpmlint binutils                                             # the spec, what is linked
    keepalived etcd-server etcd-client                               # who takes over
    resource-agents resource-agents-dev libxml2-utils yamllint       # etc/ha
    python3-yaml                                                     # the same
    prometheus curl                                                  # scrapes, and promtool
    qemu-system-x86 linux-image-cloud-amd64 busybox-static cpio kmod # guests: the oldest kernel
    linux-image-6.12-cloud-amd64                                     # and a newer one
    'hwloc-nox|hwloc' xz-utils librsvg2-bin                          # plans, tarball, drawings
)

# die TEXT: says why on stderr and exits 1.
die() {
    echo "${0##*/}: $1" >&2
    exit 1
}

# need_root WHY: exits when the caller is somebody else.
need_root() {
    [ "$(id -u)" -eq 0 ] || die "$1 needs root: sudo ./${0##*/}"
}

# installed NAME: whether dpkg has the package.
installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# install_packages NAME...: installs those that are missing; 'A|B' asks for either, and gets A.
install_packages() {
    local missing=() name
    command -v dpkg-query >/dev/null || die "this is not Debian; install by hand: $*"
    for name in "$@"; do
        installed "${name%|*}" || installed "${name#*|}" || missing+=("${name%|*}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" -eq 0 ] || die "missing packages; as root: apt-get install ${missing[*]}"
    echo "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update || echo "apt-get update failed; trying with the lists that are here" >&2
    without_services apt-get -qq -y --no-install-recommends install "${missing[@]}" >/dev/null ||
        die "apt-get cannot install ${missing[*]}"
    if [[ " ${missing[*]} " = *" prometheus "* ]] && command -v systemctl >/dev/null; then
        systemctl --quiet disable prometheus 2>/dev/null || true # nor at the next boot
    fi
}

# without_services COMMAND...: while it runs, no package that is installed starts a service: only
# its programs are wanted.
without_services() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [ -e "$policy" ]; then
        "$@" # whoever put it there has decided
        return
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    "$@" || status=$?
    rm -f "$policy"
    return "$status"
}

# build_tree DIR [ARGUMENT...]: configures DIR (below the top) with the arguments and builds it.
# Configures again only when configure or the arguments changed.
build_tree() {
    local dir=$top/$1
    shift
    mkdir -p "$dir" "$top/m4"
    if [ ! -e "$top/configure" ] || [ "$top/configure.ac" -nt "$top/configure" ]; then
        (cd "$top" && autoreconf -fi) >"$dir/autoreconf.log" 2>&1 ||
            { tail -n 20 "$dir/autoreconf.log" >&2; return 1; }
    fi
    if [ ! -e "$dir/Makefile" ] || [ "$(cat "$dir/arguments" 2>/dev/null)" != "$*" ]; then
        (cd "$dir" && "$top/configure" -q "$@") >"$dir/configure.log" 2>&1 ||
            { tail -n 20 "$dir/configure.log" >&2; return 1; }
        echo "$*" >"$dir/arguments"
    fi
    make -C "$dir" --no-print-directory -j "$(nproc)"
}

# give_back DIR...: called through sudo, what root built belongs to the caller again.
give_back() {
    [ -n "${SUDO_UID:-}" ] && [ "$(id -u)" -eq 0 ] || return 0
    (cd "$top" && for path in "$@" autom4te.cache aclocal.m4 build-aux configure config.h.in m4 \
        Makefile.in; do
        [ ! -e "$path" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$path"
    done)
}
