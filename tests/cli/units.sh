#!/bin/bash
# What etc/ installs is valid: systemd's own tools read it, the units keep their hardening, the
# sysctl file is what the program prints, and reserve-hugepages notices when it got too little.
set -u
src=${NC_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${NC_BUILDDIR:-$src/build}
daemon=$build/src/numacastd
units=$build/etc/systemd
work=$(mktemp -d "${TMPDIR:-/tmp}/numacast-units.XXXXXX")
trap 'rm -rf "$work"' EXIT
. "$src/tests/lib/words.sh"

have jq || skip "jq is missing; on Debian: apt-get install jq"
have systemd-analyze || skip "systemd-analyze is missing; on Debian: apt-get install systemd"

# ---- units: no unknown word, every program there ----
root=$work/root
mkdir -p "$root/usr/lib/systemd/system"
cp -r /usr/lib/systemd/system/. "$root/usr/lib/systemd/system/"
cp "$units"/*.service "$root/usr/lib/systemd/system/"
mkdir "$root/usr/lib/systemd/system/numacastd.service.d"
cp "$units/10-configured.conf" "$root/usr/lib/systemd/system/numacastd.service.d/"
while read -r program; do
    mkdir -p "$root${program%/*}"
    install -m 755 /dev/null "$root$program"
done < <(sed -nE 's/^Exec(Start|Reload)=([^ ]*).*/\2/p' "$units"/*.service)

# verify UNIT: what systemd has to say of it.
verify() {
    systemd-analyze verify --man=no --root="$root" "$root/usr/lib/systemd/system/$1.service" 2>&1 |
        grep -i numacast
}
for unit in numacastd numacast-hugepages numacast-irqs numacast-srt@ numacast-rist-send@ \
    numacast-rist-receive@; do
    expect "$unit.service: systemd-analyze verify says nothing" "$(verify "$unit")" ""
    expect "$unit.service: no path was left to fill in" "$(grep -c '@[a-z]*dir@' \
        "$units/$unit.service")" 0
    # In tenths: 14 of 100, as measured with systemd 252, is the best that a daemon of the host's
    # network can be; those that run other people's programs are 20.
    threshold=25
    [ "$unit" != numacastd ] || threshold=16
    if systemd-analyze security --no-pager --offline=true --threshold=$threshold \
        "$units/$unit.service" >"$work/security.log" 2>&1; then
        ok "$unit.service: $(tail -n 1 "$work/security.log")"
    else
        expect "$unit.service: exposure" "$(tail -n 1 "$work/security.log")" "at most $threshold"
    fi
done
for key in Type=notify LimitMEMLOCK=infinity LimitNOFILE=1048576 LimitCORE=0 \
    MemoryDenyWriteExecute=yes; do
    expect "numacastd.service has $key" "$(grep -cx "$key" "$units/numacastd.service")" 1
done

expect "numacastd.service gives no capability" \
    "$(grep -cxE '(AmbientCapabilities|CapabilityBoundingSet)=' "$units/numacastd.service")" 2

# ---- the drop-ins, as their comments say ----
for drop_in in privileges fastpath; do
    mkdir -p "$root/etc/systemd/system/numacastd.service.d"
    cp "$src/etc/systemd/$drop_in.conf" "$root/etc/systemd/system/numacastd.service.d/"
    expect "$drop_in.conf: systemd-analyze verify says nothing" "$(verify numacastd)" ""
    rm "$root/etc/systemd/system/numacastd.service.d/$drop_in.conf"
done

sed 's/^ProtectSystem=.*/ProtectSystem=stritc/' "$units/numacastd.service" \
    >"$root/usr/lib/systemd/system/numacastd.service"
expect "a wrong word in a unit is noticed" "$(verify numacastd | grep -c stritc)" 1

# ---- the user ----
systemd-sysusers --root="$work" --dry-run "$src/etc/sysusers.d/numacast.conf" \
    >"$work/sysusers.log" 2>&1
expect "systemd-sysusers reads the user" $? 0
expect "it may have any number, and has no home and no shell" \
    "$(grep -v '^#' "$src/etc/sysusers.d/numacast.conf")" \
    'u numacast - "numacast multicast relay" - -'
# Into a root of its own; whose user and group it is to be, that root does not know.
sed 's/ numacast numacast / - - /' "$src/etc/tmpfiles.d/numacast.conf" >"$work/tmpfiles.conf"
systemd-tmpfiles --root="$work/root" --create "$work/tmpfiles.conf" >"$work/tmpfiles.log" 2>&1
expect "systemd-tmpfiles makes the directory of the control socket" \
    "$?, $(stat -c '%F, %a' "$work/root/run/numacast")" "0, directory, 755"

# ---- the filter around all: it takes nothing away that a thread of ours has on its list ----
# calls_of GROUP: the system calls of one of systemd's groups.
calls_of() {
    local name
    systemd-analyze syscall-filter "$1" | sed -nE 's/^ +(@?[a-z_0-9-]+)$/\1/p' |
        while read -r name; do
            case $name in
            @*) calls_of "$name" ;;
            *) echo "$name" ;;
            esac
        done
}
# unit_lets: the calls that the unit lets through, one a line.
unit_lets() {
    local words word
    while read -r words; do
        for word in ${words#\~}; do
            [[ $word = @* ]] && calls_of "$word" || echo "$word"
        done | LC_ALL=C sort -u >"$work/named"
        case $words in
        \~*) LC_ALL=C comm -23 "$work/lets" "$work/named" ;;
        *) LC_ALL=C sort -u "$work/lets" "$work/named" ;;
        esac >"$work/then"
        mv "$work/then" "$work/lets"
    done < <(sed -n 's/^SystemCallFilter=//p' "$units/numacastd.service")
    cat "$work/lets"
}
: >"$work/lets"
sed -nE '/NC_SANITIZED/q; s/^\t(CALL|CALL_IF)\(([a-z0-9_]+),.*/\2/p
    s/^\t(SOCKET|IOCTL|BPF)\(.*/\L\1/p' "$src/src/run/sandbox_rows.c" |
    LC_ALL=C sort -u >"$work/rows"
expect_cmp "system calls on the lists of threads" "$(wc -l <"$work/rows")" -gt 80
# bpf is fastpath.conf's; the owner of a socket is changed by root, which the service is not.
expect "numacastd.service: what threads may call, and it does not let through" \
    "$(unit_lets | LC_ALL=C comm -13 - "$work/rows" | xargs)" "bpf fchownat lchown"
expect "numacastd.service: seccomp, by which each thread limits itself" \
    "$(grep -cx seccomp "$work/lets")" 1

# ---- containers: our profile has what runtimes deny us, and nothing that no service needs ----
profile=$src/etc/container/seccomp.json
let_through() {
    jq -r '.syscalls[] | select(.action == "SCMP_ACT_ALLOW").names[]' "$profile" | LC_ALL=C sort
}
expect "seccomp.json: what it does with all else" "$(jq -r .defaultAction "$profile")" \
    SCMP_ACT_ERRNO
expect "seccomp.json: rings, and memory by node" "$(let_through | grep -cxE \
    'io_uring_(setup|enter|register)|mbind|[gs]et_mempolicy|move_pages')" 7
expect "seccomp.json: names that stand twice" "$(let_through | uniq -d)" ""
expect "seccomp.json: what threads may call, and it does not let through" \
    "$(let_through | LC_ALL=C comm -13 - "$work/rows" | xargs)" "bpf fchownat lchown"
for group in @clock @cpu-emulation @debug @keyring @module @mount @obsolete @raw-io @reboot \
    @swap; do
    expect "seccomp.json: none of $group" "$(systemd-analyze syscall-filter "$group" |
        sed -nE 's/^ +([a-z_0-9]+)$/\1/p' | LC_ALL=C sort | comm -12 - <(let_through) | xargs)" ""
done
expect "Containerfile: its program is where the packages have it" \
    "$(grep -c '^ENTRYPOINT \["/usr/sbin/numacastd"\]$' "$src/etc/container/Containerfile")" 1

# ---- kernel settings: the file is what the program prints for a machine of two nodes ----
"$daemon" --plan=sysctl --topology "package:2 numanode:1 core:4 pu:1" >"$work/sysctl.conf"
expect "etc/sysctl.d is what --plan=sysctl prints" \
    "$(diff "$work/sysctl.conf" "$src/etc/sysctl.d/10-numacast.conf")" ""
expect "an interface whose name has a dot" "$("$daemon" --plan=sysctl --topology "core:2 pu:1" \
    --rule "239.1.1.1%eth0.7:5000 -> 239.2.2.2%eth1:6000" | grep rp_filter)" \
    "#net/ipv4/conf/eth0.7/rp_filter = 2"

# ---- huge pages, with a program that plans two nodes' pools in files of ours ----
cat >"$work/numacastd" <<'END'
#!/bin/sh
echo "# arguments: $*"
for node in 0 1; do
    pool=$(dirname "$0")/pool$node
    if [ "$(cat "$pool")" -ge 8 ]; then
        echo "# node $node: nothing to do"
    else
        echo "echo ${WRITE:-8} > $pool"
    fi
done
END
chmod 755 "$work/numacastd"
reserve() {
    echo 8 >"$work/pool0"
    echo 3 >"$work/pool1"
    NUMACASTD=$work/numacastd sh "$units/reserve-hugepages" --config "a file" >"$work/out" 2>&1
}
reserve
expect "reserve-hugepages: exit status" $? 0
expect "reserve-hugepages: the pool" "$(cat "$work/pool1")" 8
expect "reserve-hugepages: arguments pass" "$(head -n 1 "$work/out")" \
    "# arguments: --plan=hugepages --config a file"
export WRITE=5 # as a kernel whose memory is in small pieces
reserve
expect "reserve-hugepages: exit status when the kernel gave less" $? 1
expect "reserve-hugepages: what is still to do" "$(grep -c '^echo 5 > ' "$work/out")" 2
NUMACASTD=/bin/false sh "$units/reserve-hugepages" >/dev/null 2>&1
expect "reserve-hugepages: exit status without a plan" $? 1

# ---- interrupts, of a device with queues, a bond, and a device that manages them itself ----
cat >"$work/numacastd" <<'END'
#!/bin/sh
[ "$1 $2" = "--plan=json --config" ] && shift 2 || exit 1
exec "$DAEMON" --plan=json --topology "package:2 numanode:1 core:4 pu:1" --shards 4 --cpus 1,2,5,6 \
    --rule "239.1.1.0/31%nic0:5000 shard=0 -> 239.2.2.0/31%out0:6000" \
    --rule "239.1.2.1%nic0:5000 shard=2 -> 239.2.2.2%out0:6000" \
    --rule "239.1.3.1%bond0:5000 shard=3 -> 239.2.2.3%out0:6000" \
    --rule "239.1.4.1%veth0:5000 spread=2 by=source -> 239.2.2.4%out0:6000" "$@"
END
mkdir -p "$work/sys/class/net"/{nic0,nic1}/device/msi_irqs \
    "$work/sys/class/net"/{bond0/lower_nic1,veth0}
for irq in 24 25 26 100; do
    mkdir -p "$work/proc/irq/$irq"
    echo 0-7 >"$work/proc/irq/$irq/smp_affinity_list"
    touch "$work/sys/class/net/nic0/device/msi_irqs/$irq"
done
mkdir -p "$work/proc/irq/30"
echo 0 >"$work/proc/irq/30/smp_affinity_list"
touch "$work/sys/class/net/nic1/device/msi_irqs/30"
place() {
    DAEMON=$daemon NUMACASTD=$work/numacastd SYSFS=$work/sys PROCFS=$work/proc \
        sh "$units/place-irqs" --config >"$work/out" 2>&1
}
place
expect "place-irqs: exit status" "$?, $(grep -vc '^nic0\|^bond0' "$work/out")" "0, 1"
expect "place-irqs: a device's queues take turns" \
    "$(cd "$work/proc/irq" && cat {24,25,26,100}/smp_affinity_list | xargs)" "1 5 1 5"
expect "place-irqs: a bond has those of its devices" \
    "$(cat "$work/proc/irq/30/smp_affinity_list")" 6
expect "place-irqs: one that has none" "$(grep veth0 "$work/out")" "veth0: no interrupts of its own"
rm -r "$work/proc/irq/25"
ln -s /dev/full "$work/proc/irq/25"
place
expect "place-irqs: exit status where one does not move" $? 1
expect "place-irqs: which one" "$(grep -c 'nic0: interrupt 25 does not go to CPU 5' "$work/out")" 1
NUMACASTD=/bin/false sh "$units/place-irqs" >"$work/out" 2>&1
expect "place-irqs: exit status without a plan" $? 1

[ "$failures" -eq 0 ]
