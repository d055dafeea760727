"""net.py - interfaces for the fault sweep, in the network namespace that it is in.

v1 sends to v0, from which a relay receives, and w1 hears what it sends by w0. They stay as long as
the namespace.
"""
import os
import subprocess

NEIGHBOUR = "10.9.2.7"  # behind w0, and known
LATE = "late0"  # comes and goes


def tell(command):
    subprocess.run(command.split(), check=True)


def read(command):
    return subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout


def make_pairs():
    """Of veth interfaces, once. The host takes what it has sent to itself."""
    if os.path.exists("/sys/class/net/v0"):
        return
    for name in "vw":
        tell(f"ip link add {name}0 type veth peer name {name}1")
        for i in range(2):
            tell(f"sysctl -qw net.ipv4.conf.{name}{i}.accept_local=1"
                 f" net.ipv4.conf.{name}{i}.rp_filter=0")
            tell(f"ip link set {name}{i} up")
    for name, address in ("v0", "10.9.1.1"), ("v1", "10.9.1.2"), ("w0", "10.9.2.1"):
        tell(f"ip address add {address}/24 dev {name}")
    tell(f"ip neigh add {NEIGHBOUR} lladdr 02:00:00:00:00:07 dev w0 nud permanent")


def bring():
    """An interface that has the same number each time, and nothing by itself."""
    tell("sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
    tell(f"ip link add {LATE} index 77 type veth peer late1 index 78")
    tell(f"ip link set {LATE} up")


def take_away():
    tell(f"ip link del {LATE}")


def present():
    if not os.path.exists(f"/sys/class/net/{LATE}"):
        bring()


def absent():
    if os.path.exists(f"/sys/class/net/{LATE}"):
        take_away()


def filters():
    """What hangs at them, as lines."""
    return [line for name in ("v0", "w0") for line in
            (f"{read('tc qdisc show dev ' + name)}{read(f'tc filter show dev {name} ingress')}"
             f"{read(f'tc filter show dev {name} egress')}").splitlines()]
