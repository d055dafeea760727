# shellcheck shell=dash disable=SC2034,SC2154
# The packages on a Debian whose systemd is process 1, from dpkg -i to --purge: start, reload, a
# restart and a watchdog's end amid traffic, the journal. tests/packages makes the disk.
title='the packages, on a Debian that has booted'
by_hand=yes

machine() {
    cpus 2 sockets=1,cores=2,threads=1
    node 0 1024 0-1
    disk "${BOOTED_DISK:?names the disk}"
    kernel systemd.unit=trial.target systemd.show_status=no
}

# hand_over: by process 1, which becomes systemd. What we bring to its disk is a unit and its words.
hand_over() {
    modprobe virtio_blk
    mkdir /disk
    wait_for [ -b /dev/vda ]
    mount /dev/vda /disk
    cp -r /guest.sh /relay.sh /tests /disk/
    cp /etc/case/script /disk/trial
    cat >/disk/etc/systemd/system/trial.service <<'END'
[Unit]
After=multi-user.target
[Service]
Type=exec
WorkingDirectory=/
StandardOutput=journal+console
StandardError=journal+console
ExecStart=/bin/bash -c '. /guest.sh && . /trial && guest; finish'
ExecStopPost=/bin/systemctl poweroff --force --force
END
    printf '[Unit]\nRequires=multi-user.target\nWants=trial.service\n' \
        >/disk/etc/systemd/system/trial.target
    for dir in proc sys dev; do
        mount --move /$dir /disk/$dir
    done
    exec switch_root /disk /sbin/init
}

guest() {
    stty -F "$PROTO" raw -echo
    expect 'process 1' "$(readlink /proc/1/exe)" /usr/lib/systemd/systemd
    expect 'units that failed' "$(systemctl --failed --no-legend)" ''
    note "$(systemctl --version | head -n 1)"
    veth in0 10.1.0.1/24 tx tx0 10.1.0.2/24
    veth out0 10.2.0.1/24 rx rx0 10.2.0.2/24
    conf=/etc/numacast/numacastd.conf
    SENDER_ON='taskset 1'
    install_packages
    start_service
    look_at_journal
    reload_service
    restart_service
    stop_signs_of_life
    end_service
    purge_packages
    journalctl -o short-monotonic -u numacastd
}

# shown PROPERTY: of the unit.
shown() {
    systemctl show -P "$1" numacastd
}
is_shown() {
    [ "$(shown "$1")" = "$2" ]
}
comes_up() {
    if wait_for is_shown ActiveState active; then
        ok "$1: active"
    else
        fail "$1: $(shown ActiveState), $(shown SubState): $(journalctl -n 3 -u numacastd)"
    fi
}

# journal FILTER: fields of what the service wrote, by jq.
journal() {
    journalctl -o json -u numacastd _COMM=numacastd | jq -r "$1"
}
# said PATTERN: somebody said it of the service.
said() {
    journalctl -o cat -u numacastd | grep -qE "$1"
}

install_packages() {
    check 'dpkg -i' dpkg -i /srv/numacast_*.deb /srv/numacast-doc_*.deb
    expect 'the service waits for a configuration' \
        "$(systemctl is-enabled numacastd) $(shown ActiveState) $(shown ConditionResult)" \
        'enabled inactive no'
    expect 'its user' "$(getent passwd numacast | cut -d : -f 6,7)" /:/usr/sbin/nologin
    # What README.Debian says of the package's kernel settings.
    check 'kernel settings' systemctl restart systemd-sysctl
    expect 'room for receive buffers' "$(cat /proc/sys/net/core/rmem_max)" 4194304
}

start_service() {
    echo 'rule 239.1.1.1%in0:5000 -> 239.2.2.2%out0:6000' >"$conf"
    check 'start' systemctl start numacastd
    comes_up 'started'
    expect 'READY=1 and a status' "$(shown StatusText)" 'relaying 1 flows on 1 shards'
    pid=$(shown MainPID)
    expect 'the user of the process' "$(ps -o user= -p "$pid")" numacast
    expect 'capabilities, new privileges and filters of its threads' \
        "$(sed -nE 's/^(CapEff|NoNewPrivs|Seccomp):\t//p' /proc/"$pid"/task/*/status |
            paste -s -d ' \n' | sed 'N;N;s/\n/ /g' | tr -s ' ' '\n' | sort -u | xargs)" \
        '0000000000000000 1 2'
    exactly_once 'by the service' 1 50 --rate 500 239.1.1.1%tx0:5000 -- 239.2.2.2%rx0:6000
    check 'numacastctl as root' numacastctl health
}

look_at_journal() {
    expect 'who is ready, by the journal' \
        "$(journal 'select(.MESSAGE | endswith(": ready")) |
            "\(._SYSTEMD_UNIT) \(.SYSLOG_IDENTIFIER) \(.PRIORITY) \(._PID)"')" \
        "numacastd.service numacastd 5 $pid"
    expect 'warnings' "$(journal 'select(.PRIORITY | tonumber < 5).MESSAGE')" ''
    expect 'marks and times of day that the journal has already' \
        "$(journal .MESSAGE | grep -cE '^(<[0-9]>|[0-9]{4}-[0-9]{2})')" 0
}

# By systemctl, and by a signal: then systemd knows of it by RELOADING=1 alone.
reload_service() {
    echo 'rule 239.1.1.2%in0:5000 -> 239.2.2.3%out0:6000' >>"$conf"
    check 'reload' systemctl reload numacastd
    expect 'its process after a reload' "$(shown ActiveState) $(shown MainPID)" "active $pid"
    exactly_once 'by the new rule' 1 50 --rate 500 239.1.1.2%tx0:5000 -- 239.2.2.3%rx0:6000
    changed=$(shown StateChangeTimestampMonotonic)
    kill -HUP "$pid"
    check 'a reload by a signal is a state of the unit' wait_for has_changed
    comes_up 'reloaded'
    echo 'rule nonsense' >>"$conf"
    check 'a reload of nonsense fails' not systemctl reload numacastd
    sed -i '$d' "$conf"
    expect 'its process after that' "$(shown ActiveState) $(shown MainPID)" "active $pid"
}
has_changed() {
    [ "$(shown StateChangeTimestampMonotonic)" != "$changed" ]
}
not() {
    ! "$@"
}

# Two sockets, and the note of how the process ends.
stores_all() {
    is_shown NFileDescriptorStore 3
}

restart_service() {
    wait_for stores_all || fail "$(shown NFileDescriptorStore) sockets are stored"
    rm -f /tmp/recv.ready
    { wait_for [ -s /tmp/recv.ready ] && systemctl restart numacastd; } &
    exactly_once 'over a restart' 1 600 --rate 50 239.1.1.1%tx0:5000 -- 239.2.2.2%rx0:6000
    check 'another process' [ "$(shown MainPID)" != "$pid" ]
    check 'with the sockets of the one before' said 'of 2 sockets of flows 2 go on'
    pid=$(shown MainPID)
}

# A process that gives no sign of life is ended after WatchdogSec, and another takes its place. What
# has come meanwhile waits in the sockets that are kept.
stop_signs_of_life() {
    wait_for stores_all || fail "after a restart $(shown NFileDescriptorStore) are stored"
    rm -f /tmp/recv.ready
    { wait_for [ -s /tmp/recv.ready ] && kill -STOP "$pid"; } &
    exactly_once 'over the end by the watchdog' 1 800 --rate 20 \
        239.1.1.1%tx0:5000 -- 239.2.2.2%rx0:6000
    check 'the watchdog is told' said 'Watchdog timeout'
    check 'another process' [ "$(shown MainPID)" != "$pid" ]
    expect 'starts by systemd itself' "$(shown NRestarts)" 1
    comes_up 'after the watchdog'
    check 'its work was finished' said 'datagrams were sent after its end, 0 lost'
    pid=$(shown MainPID)
}

end_service() {
    check 'stop' systemctl stop numacastd
    expect 'state after stop' "$(shown ActiveState) $(shown Result) $(shown ExecMainStatus)" \
        'inactive success 0'
    check 'no process is left' not pgrep -x numacastd
    check 'nor its directory' not [ -e /run/numacast ]
    expect 'refused system calls' "$(journal .MESSAGE | grep 'sandbox:')" ''
}

purge_packages() {
    check 'start to be purged' systemctl start numacastd
    comes_up 'before the purge'
    check 'purge' dpkg --purge numacast numacast-doc
    check 'no process after the purge' not pgrep -x numacastd
    expect 'the unit after the purge' "$(shown LoadState)" not-found
    expect 'what the operator wrote' "$(wc -l <"$conf")" 2
}
