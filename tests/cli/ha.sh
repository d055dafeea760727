#!/bin/bash
# What etc/ha has for other programs is what these accept: Pacemaker's agent does, with a daemon,
# all that ocf-tester asks of one; its metadata is valid; the Kubernetes manifest is YAML of a
# DaemonSet whose options numacastd knows. (keepalived and etcd are tried by the story `takeover'.)
set -u
src=${NC_SRCDIR:?run by make check}
build=${NC_BUILDDIR:?run by make check}
dir=$(mktemp -d "${TMPDIR:-/tmp}/numacast-ha.XXXXXX") || exit 1
trap 'kill "$(cat "$dir/run/pid" 2>/dev/null)" 2>/dev/null; rm -rf "$dir"' EXIT
PATH=$PATH:/usr/sbin
for program in ocf-tester yamllint xmllint strace; do
    if ! command -v "$program" >/dev/null; then
        echo "skipped: $program is missing; on Debian: apt-get install resource-agents-dev" \
            "resource-agents yamllint libxml2-utils python3-yaml strace"
        exit 77
    fi
done

agent=$src/etc/ha/numacast.ocf
export OCF_ROOT=/usr/lib/ocf
"$agent" meta-data >"$dir/meta.xml" || exit 1
dtd=/usr/share/resource-agents/ra-api-1.dtd
xmllint --noout --nonet --dropdtd --dtdvalid $dtd "$dir/meta.xml" \
    2>"$dir/xml" || { cat "$dir/xml"; exit 1; }
printf 'rule 127.0.0.1:0 -> 127.0.0.1:9\n' >"$dir/wrong.conf"
if OCF_RESKEY_daemon=$build/src/numacastd OCF_RESKEY_config=$dir/wrong.conf \
    OCF_RESKEY_rundir=$dir/run "$agent" validate-all >/dev/null 2>&1; then
    echo "the agent takes a configuration that is not valid"
    exit 1
fi
# Ports below those that the kernel gives to whoever asks for any.
printf '%s\n' 'rule 127.0.0.1:29990 -> 127.0.0.1:29991' 'shards 1' \
    'pool small=64,standard=0,jumbo=0,train=0' >"$dir/relay.conf"
ocf-tester -n relay -o daemon="$build/src/numacastd" -o ctl="$build/src/numacastctl" \
    -o config="$dir/relay.conf" -o rundir="$dir/run" "$agent" ||
    { cat "$dir/run/log"; exit 1; }

# as ACTION [PROGRAM...]: the agent's action, run by PROGRAM.
as() {
    local action=$1
    shift
    OCF_RESKEY_daemon=$build/src/numacastd OCF_RESKEY_ctl=$build/src/numacastctl \
        OCF_RESKEY_config=$dir/relay.conf OCF_RESKEY_rundir=$dir/run \
        timeout 60 "$@" "$agent" "$action" || { echo "$action, by ${*:-itself}: $?"; return 1; }
}
# A busy machine may begin the daemon's program long after the agent has asked for it. Leaks cannot
# be looked for in a process that is traced.
as start env "ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" strace -D -f -qq \
    -o "$dir/strace" -P "$build/src/numacastd" -e trace=execve \
    -e inject=execve:delay_enter=300000 || exit 1
as monitor || exit 1
as stop || exit 1
grep -q DELAYED "$dir/strace" || { echo "no start was delayed: $(cat "$dir/strace")"; exit 1; }

yamllint -d '{extends: default, rules: {line-length: {max: 100}, document-start: disable}}' \
    "$src/etc/ha/kubernetes.yaml" || exit 1
# shellcheck disable=SC2016
/usr/bin/python3 - "$src/etc/ha/kubernetes.yaml" "$build/src/numacastd" <<'PY' || exit 1
"""The fields of a DaemonSet as Kubernetes documents them, as far as the manifest uses any."""
import subprocess
import sys

import yaml

METADATA = {"name": str, "namespace": str, "labels": dict}
PROBE = {"httpGet": {"host": str, "path": str, "port": int}, "periodSeconds": int,
         "failureThreshold": int}
CONTAINER = {
    "name": str, "image": str, "command": [str], "args": [str],
    "env": [{"name": str, "valueFrom": {"fieldRef": {"fieldPath": str}}}],
    "securityContext": {"allowPrivilegeEscalation": bool, "readOnlyRootFilesystem": bool,
                        "capabilities": {"drop": [str], "add": [str]}},
    "livenessProbe": PROBE, "readinessProbe": PROBE,
    "lifecycle": {"preStop": {"exec": {"command": [str]}}},
    "resources": {"requests": {"cpu": str, "memory": str}, "limits": {"cpu": str, "memory": str}},
    "volumeMounts": [{"name": str, "mountPath": str, "readOnly": bool}],
}
POD = {
    "hostNetwork": bool, "dnsPolicy": str, "automountServiceAccountToken": bool,
    "terminationGracePeriodSeconds": int, "nodeSelector": dict, "containers": [CONTAINER],
    "volumes": [{"name": str, "configMap": {"name": str}, "emptyDir": {"medium": str}}],
}
DAEMONSET = {
    "apiVersion": str, "kind": str, "metadata": METADATA,
    "spec": {"selector": {"matchLabels": dict},
             "updateStrategy": {"type": str, "rollingUpdate": {"maxUnavailable": int}},
             "template": {"metadata": METADATA, "spec": POD}},
}


def check(at, value, schema):
    """Ends the program at what the schema does not have."""
    if isinstance(schema, type):
        if not isinstance(value, schema) or (schema is int and isinstance(value, bool)):
            sys.exit(f"{at}: {value!r} is no {schema.__name__}")
    elif isinstance(schema, list):
        for number, element in enumerate(value):
            check(f"{at}[{number}]", element, schema[0])
    else:
        for name, element in value.items():
            if name not in schema:
                sys.exit(f"{at}: {name}: there is no such field")
            check(f"{at}.{name}", element, schema[name])


with open(sys.argv[1], encoding="utf-8") as file:
    manifest = yaml.safe_load(file)
check("manifest", manifest, DAEMONSET)
spec = manifest["spec"]
pod = spec["template"]["spec"]
container = pod["containers"][0]
assert (manifest["apiVersion"], manifest["kind"]) == ("apps/v1", "DaemonSet")
assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
assert pod["hostNetwork"] is True
assert {v["name"] for v in pod["volumes"]} == {m["name"] for m in container["volumeMounts"]}
known = subprocess.run([sys.argv[2], "--help"], capture_output=True, text=True, check=True).stdout
for word in container["args"]:
    assert not word.startswith("--") or f"{word} " in known, word
PY
for script in numacast-notify numacast-etcd numacast-switch; do
    bash -n "$src/etc/ha/$script" || exit 1
done
