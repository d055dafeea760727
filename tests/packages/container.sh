# container.sh - the image of etc/container/Containerfile, whose lines are carried out in a chroot
# of that Debian, and a relay in a container of it, by runc and with etc/container/seccomp.json.
# Sourced by run.
# shellcheck shell=bash disable=SC2154

# try_container: the image; then a relay by io_uring, and one where a profile forbids that.
try_container() {
    local root=$dir/container-root bundle=$dir/container packages
    have runc || { fail "container: runc is missing (apt-get install runc)"; return; }
    packages=$(find "$dir" "$build/packages/deb" -maxdepth 2 -name "numacast_$version-*.deb" \
        ! -path '*newer*' ! -path '*trixie*' | head -n 1)
    [ -n "$packages" ] || { fail "container: no package: make deb, or the part bookworm"; return; }
    did "container: a system" chroot_new "$(said FROM | sed 's/debian:\(.*\)-slim/\1/')" \
        "$root" || return
    did "container: COPY" cp "$packages" "$root$(said COPY | cut -d ' ' -f 2)" || return
    did "container: RUN" inside "$root" sh -c "$(said RUN)" || return
    unmount_below "$root"
    mkdir -p "$bundle"
    echo "rule 239.1.1.1%lo:5000 -> 127.0.0.1:7000" >"$root/etc/numacast/numacastd.conf"
    container_spec "$root" "$bundle" "$src/etc/container/seccomp.json"
    relays_in "$bundle" "container: with our profile" uring
    jq '.syscalls[].names |= map(select(startswith("io_uring") | not))' \
        "$src/etc/container/seccomp.json" >"$bundle/denying.json"
    container_spec "$root" "$bundle" "$bundle/denying.json"
    relays_in "$bundle" "container: with one that forbids io_uring" mmsg
    expect_words "container: what it says" "$bundle/log" "a seccomp filter forbids it"
}

# said WORD: the rest of that line of the Containerfile.
said() {
    sed -n "s/^$1 //p" "$src/etc/container/Containerfile"
}

# container_spec ROOT BUNDLE PROFILE: a container of that root, read only, whose user and command
# are the Containerfile's, without any capability.
container_spec() {
    local user
    user=$(said USER)
    rm -f "$2/config.json"
    (cd "$2" && runc spec)
    jq --arg root "$1" --slurpfile profile "$3" --argjson entry "$(said ENTRYPOINT)" \
        --argjson command "$(said CMD)" --argjson uid "$(inside "$1" id -u "$user")" \
        --argjson gid "$(inside "$1" id -g "$user")" '
        .root = {path: $root, readonly: true} |
        .process.terminal = false |
        .process.user = {uid: $uid, gid: $gid} |
        .process.args = $entry + $command |
        .process.capabilities |= map_values([]) |
        .process.rlimits = [] |
        .linux.seccomp = $profile[0]' "$2/config.json" >"$2/config.new" &&
        mv "$2/config.new" "$2/config.json"
}

# relays_in BUNDLE WHAT ENGINE: becomes ready by that engine, and ends when it is told to.
relays_in() {
    local name=numacast-test-$$ relay
    : >"$1/log"
    start runc run --bundle "$1" "$name" >>"$1/log" 2>&1
    relay=$started
    wait_ready "$relay" "$1/log"
    expect "$2" "$(grep -oE 'engine [a-z]+: ready' "$1/log")" "engine $3: ready"
    runc kill "$name" TERM
    wait_for dead "$relay" || runc kill "$name" KILL
    wait_end "$relay"
    expect "$2: exit status" $? 0
    runc delete --force "$name" 2>/dev/null || true
}
