# shellcheck shell=dash disable=SC2034,SC2154,SC2086
# The units as `make install' leaves them, run by Debian's systemd as process 1 of a container: the
# user, start and READY=1, a restart under traffic, stop, kill -9, an interface that comes late.
title='the service, by systemd itself'

machine() {
    cpus 2 sockets=1,cores=2,threads=1
    node 0 768 0-1
}

root=/etc/service

# pack: on the host: the service's root, beside the case.
pack() {
    "$here/service-root" "$build" "$dir/etc/service"
    cp "$here/../../etc/systemd/fastpath.conf" "$dir/etc/service/"
}

# apply_sysctl: what systemd-sysctl(8) does at boot. The service has no capability to force a buffer
# above these, and needs room in it for what comes during a restart.
apply_sysctl() {
    sed -n 's/^\(net[a-z_.]*\) = /\1 /p' "$(find $root -path '*sysctl.d/10-numacast.conf')" |
        while read -r key value; do
            echo "$value" >"/proc/sys/$(echo "$key" | tr . /)"
        done
    expect 'net.core.rmem_max' "$(cat /proc/sys/net/core/rmem_max)" 4194304
}

# in_service COMMAND...: within systemd's namespaces.
in_service() {
    nsenter -t "$service_pid" -m -p -r -w -- "$@"
}

control() {
    in_service systemctl --no-pager "$@"
}

# shown PROPERTY: of the unit.
shown() {
    control show -P "$1" numacastd.service
}

state_is() {
    [ "$(shown ActiveState)" = "$1" ]
}

comes_up() {
    if wait_for state_is active; then
        ok "$1: active"
    else
        fail "$1: $(shown ActiveState), $(shown SubState): $(tail -n 3 $log)"
    fi
}

# systemd_start: process 1 of a PID namespace, with the service's root as that of its mounts.
systemd_start() {
    mount --bind $root $root
    mkdir -p $root/run $root/sys/fs/cgroup
    for dir in dev sys; do
        mount --rbind /$dir $root/$dir
    done
    mount -t tmpfs run $root/run
    cat >$root/start <<'END'
#!/bin/sh
mount -t proc proc /proc
exec env container=guest /lib/systemd/systemd --system --unit=multi-user.target \
    --log-target=console --log-level=warning --show-status=no
END
    chmod 755 $root/start
    unshare -m -p -f sh -c "cd $root && mount --move . / && exec chroot . /start" &
    shell_pid=$!
    wait_for is_up || fail_all "systemd is not up"
    ok 'systemd is up'
}

is_up() {
    service_pid=$(cat "/proc/$shell_pid/task/$shell_pid/children" 2>/dev/null)
    service_pid=${service_pid% }
    [ -n "$service_pid" ] && [ -S "/proc/$service_pid/root/run/systemd/private" ] &&
        control is-system-running 2>/dev/null | grep -qE 'running|degraded'
}

fail_all() {
    fail "$1"
    finish
    poweroff -f
}

guest() {
    veth in0 10.1.0.1/24 tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
    SENDER_ON='taskset 1'
    unit=$(find $root -name numacastd.service)
    conf=$(sed -n 's/^ExecStart=.* --config //p' "$unit")
    log=$root/run/numacastd.log
    mkdir -p "$root/${conf%/*}" "$root/etc/systemd/system/numacastd.service.d"
    # There is no journal here; all else is as installed.
    printf '[Service]\nStandardError=append:%s\n' /run/numacastd.log \
        >$root/etc/systemd/system/numacastd.service.d/log.conf
    # An emulated machine is too slow to meet the default, five starts in ten seconds.
    printf '[Manager]\nDefaultStartLimitIntervalSec=1h\nDefaultStartLimitBurst=5\n' \
        >$root/etc/systemd/system.conf
    echo 'rule 239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000' >"$root/$conf"
    apply_sysctl
    systemd_start

    # What README says after `make install'.
    check 'systemd-sysusers' in_service systemd-sysusers
    check 'the manual names the file that the unit reads' \
        grep -qx ".It Pa $conf" "${unit%/lib/*}/share/man/man8/numacastd.8"
    check 'the user' grep -q '^numacast:' $root/etc/passwd
    check 'daemon-reload' control daemon-reload
    check 'enable --now' control enable --now numacastd.service
    comes_up 'enabled'
    check 'READY=1 and a status' sh -c "echo '$(shown StatusText)' | grep -q 'relaying 1 flows'"
    pid=$(shown MainPID)
    expect 'the user of the service' \
        "$(in_service cat "/proc/$pid/status" | sed -n 's/^Uid:[[:blank:]]*\([0-9]*\).*/\1/p')" \
        "$(sed -n 's/^numacast:x:\([0-9]*\):.*/\1/p' $root/etc/passwd)"
    exactly_once 'by the service' 1 50 --rate 500 239.1.1.1%tx0:5000 -- 239.2.2.2%rx0:6000

    # The sockets are in systemd's store, so that a restart amid traffic loses and doubles nothing.
    wait_for stores_both || fail "$(shown NFileDescriptorStore) sockets are stored"
    rm -f /tmp/recv.ready
    restart_amid &
    exactly_once 'over a restart' 1 600 --rate 50 239.1.1.1%tx0:5000 -- 239.2.2.2%rx0:6000
    check 'it was restarted meanwhile' [ -e /tmp/restarted ]
    check 'by the sockets of the process before' grep -q 'of 1 sockets of flows 1 go on' $log
    pid=$(shown MainPID)

    # Killed amid traffic: another takes its place, once what it had received has been sent.
    wait_for stores_both || fail "after a restart $(shown NFileDescriptorStore) are stored"
    rm -f /tmp/recv.ready
    kill_amid &
    exactly_once 'over kill -9' 1 600 --rate 50 239.1.1.1%tx0:5000 -- 239.2.2.2%rx0:6000
    check 'another process' other_pid
    comes_up 'after kill -9'
    check 'its work was finished' grep -q 'datagrams were sent after its end, 0 lost' $log
    check 'stop' control stop numacastd.service
    expect 'state after stop' "$(shown ActiveState) $(shown Result)" 'inactive success'

    # By sockets as the unit is, by the kernel with the drop-in.
    modprobe -a sch_ingress cls_bpf
    printf '%s\n' 'fastpath auto' 'rule 239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000' >"$root/$conf"
    relays_with '' 'without the drop-in'
    check 'the log says why not' grep -q 'fast path: the kernel refuses bpf()' $log
    mv $root/fastpath.conf $root/etc/systemd/system/numacastd.service.d/
    check 'daemon-reload with the drop-in' control daemon-reload
    relays_with '"carried":true' 'with the drop-in'
    rm $root/etc/systemd/system/numacastd.service.d/fastpath.conf
    check 'daemon-reload without it' control daemon-reload

    # An interface that comes minutes late, in tries: more than systemd allows by default. Without
    # `strict' the daemon would start and wait for it by itself.
    printf '%s\n' strict 'rule 239.1.1.1%late0:5000 -> 239.2.2.2%out0:6000' >"$root/$conf"
    control start --no-block numacastd.service
    wait_for tried_often || fail "only $(shown NRestarts) tries"
    expect 'state while it is late' "$(state_is failed && shown Result)" ''
    veth late0 10.3.0.1/24 tx tx1 10.3.0.2/24
    comes_up 'after the interface has come'
    exactly_once 'by the late interface' 1 50 --rate 500 239.1.1.1%tx1:5000 -- 239.2.2.2%rx0:6000

    # A configuration that cannot work is not tried again.
    control stop numacastd.service
    echo 'rule nonsense' >"$root/$conf"
    control start numacastd.service
    wait_for state_is failed || fail "a bad configuration: $(shown ActiveState)"
    expect 'status of a bad configuration' "$(shown ExecMainStatus) $(shown NRestarts)" '2 0'
    sed 's/^/   /' $log
}

# relays_with CARRIED WORDS: the service relays, in the kernel or not; where the program could not
# be had, nothing is said of that.
relays_with() {
    installed=${unit#"$root"}
    check "start $2" control start numacastd.service
    comes_up "$2"
    expect "in the kernel, $2" \
        "$(in_service "${installed%/lib/*}/bin/numacastctl" show flows --json |
            tr -d ' ' | grep -oE '"carried":(true|false)')" "$1"
    exactly_once "$2" 1 50 --rate 500 239.1.1.1%tx0:5000 -- 239.2.2.2%rx0:6000
    check "stop $2" control stop numacastd.service
}

# The socket, and the note of how the process ends.
stores_both() {
    [ "$(shown NFileDescriptorStore)" = 2 ]
}

restart_amid() {
    wait_for [ -s /tmp/recv.ready ]
    control restart numacastd.service && : >/tmp/restarted
}

kill_amid() {
    wait_for [ -s /tmp/recv.ready ]
    in_service /bin/busybox kill -KILL "$pid"
}

other_pid() {
    [ "$(shown MainPID)" != "$pid" ] && [ "$(shown MainPID)" != 0 ]
}

tried_often() {
    [ "$(shown NRestarts)" -ge 5 ] || state_is failed
}
