# shellcheck shell=dash disable=SC2034,SC2154
# The unit tests of the two ring engines on the kernel of Debian 13: min_wait, and what else a ring
# has since 6.1, in between the oldest kernel and this machine's.
title='both ring engines on a newer kernel'
kernel=6.12

machine() {
    cpus 2 sockets=1,cores=2,threads=1
    node 0 768 0-1
}

pack() {
    cp "$here/cases/ring.sh" "$dir/etc/case/ring"
}

guest() {
    . /etc/case/ring
    guest
}
