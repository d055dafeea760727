"""cases.py - the setups and actions that the fault sweep tries: name, then what makes it.

A start whose `beyond' names other cases is tried where it differs: not at calls by callers that
these have, too.
"""
import signal

import clients
import dns
import net
import orders
import probes
from control import Client
from kept import KeptCase
from killed import KilledCase
from live import LiveCase
from start import StartCase
from wire import Wire, Wires

GROUPS = ["--rule", "239.1.1.1%lo:5000 name=one -> 239.2.2.2%lo:6000",
          "--rule", "239.1.1.3%lo:5003 name=three -> 127.0.0.1:6003"]
MANY = ["--rule", "239.1.5.0/28%lo:5004 name=many -> 239.2.6.0/28%lo:6004"]
ONE = "rule 239.1.1.1%lo:5000 name=one -> 239.2.2.2%lo:6000\n"
STRICT = ["--strict", "--shards", "1", "--control", "off"]
TWO = ["--shards", "2", "--oversubscribe"]
ADDED = "239.1.1.7%lo:5007 name=seven -> 239.2.2.7%lo:6007, 127.0.0.1:6008"
OTHER = f"{ONE}rule {ADDED}\n"
FILE = f"{ONE}rule {GROUPS[3]}\n"

# A rule of each kind; with two shards.
KINDS = """\
[ff1e::1%lo]:5000 name=six -> [ff1e::2%lo]:6000 ttl=keep, [::1]:6003
127.0.0.9@232.1.1.1%lo:5001 name=ssm -> 127.0.0.1:6004 ttl=dec dscp=keep sport=6100 mtu=1400
[::1]@[ff3e::1%lo]:5001 name=ssm6 -> [ff1e::3%lo]:6004 dscp=46 priority=6 rate=10M
239.1.2.0/31%lo:5002 name=range gro=on max-age=100 -> 239.2.3.0/31%lo:6002 src=keep df=on local=yes
127.0.0.1:5003 name=uni -> 127.0.0.1:6005 reply=yes src=127.0.0.1
239.1.3.1%lo:5004 name=outputs spread=2 by=outputs -> 239.2.4.1%lo:6006, 239.2.4.2%lo:6006
239.1.3.2%lo:5004 name=sources spread=2 by=source -> 239.2.4.3%lo:6006
239.1.3.3%lo:5004 name=cpus spread=2 by=cpu -> 239.2.4.4%lo:6006
239.1.4.1%lo:5005 + 239.1.4.2%lo:5005 name=hash seq=hash -> 239.2.5.1%lo:6008
239.1.4.3%lo:5005 + [ff1e::4%lo]:5005 name=rtp seq=rtp -> 239.2.5.2%lo:6008
239.1.4.5%lo:5005 + 239.1.4.6%lo:5005 name=fail failover=300 -> 239.2.5.3%lo:6008
""".splitlines()
KINDS_KEPT = 21  # sockets of them and of GROUPS, and the note
KIND_NAMES = [rule.split("name=")[1].split()[0] for rule in KINDS]
KIND_RULES = [word for rule in KINDS for word in ("--rule", rule)]
FAST = ["239.1.1.1%v0:5000 name=one -> 239.2.2.2%w0:6000",
        f"239.1.1.2%v0:5000 name=two -> {net.NEIGHBOUR}:6001"]
FAST_RULES = [word for rule in FAST for word in ("--rule", rule)]
LATE_RULES = [*GROUPS, "--rule", "{} name=late -> {}".format(*orders.LATE)]


def group_wire():
    return Wire(("239.1.1.1", 5000), ("239.2.2.2", 6000))


def kind_wires():
    """Of most rules. The kernel loops no groups of IPv6 on lo, and seq=rtp wants RTP."""
    return Wires(group_wire(), Wire(("232.1.1.1", 5001), ("127.0.0.1", 6004), source="127.0.0.9"),
                 Wire(("239.1.2.1", 5002), ("239.2.3.1", 6002)),
                 Wire(("127.0.0.1", 5003), ("127.0.0.1", 6005)),
                 Wire(("239.1.3.1", 5004), ("239.2.4.2", 6006)),
                 Wire(("239.1.3.2", 5004), ("239.2.4.3", 6006)),
                 Wire(("239.1.3.3", 5004), ("239.2.4.4", 6006)),
                 Wire(("239.1.4.1", 5005), ("239.2.5.1", 6008)),
                 Wire(("239.1.4.5", 5005), ("239.2.5.3", 6008)))


def fast_wire():
    net.make_pairs()
    return Wire(("239.1.1.1", 5000), ("239.2.2.2", 6000), by="v1", at="w1")


def start(name, *argv, beyond=()):
    def make(build, work):
        return StartCase(name, build, [*argv, *STRICT, *GROUPS], group_wire(), work)
    make.beyond = beyond
    return name, make


def start_kinds(name, *argv, beyond):
    """All that a relay can be asked for, but for what needs other hosts."""
    def make(build, work):
        return StartCase(name, build, [
            *argv, "--strict", *TWO, *GROUPS, *KIND_RULES, "--control", f"{work}/control",
            "--metrics", "127.0.0.1:9469", "--exit-report", f"{work}/report", "--latency-sample",
            "10", "--health-file", f"{work}/health"], group_wire(), work)
    make.beyond = beyond
    return name, make


def start_short(build, work):
    """What cannot be opened yet is pending."""
    return StartCase("start-short", build, [
        "--shards", "1", "--control", "off", *GROUPS,
        "--rule", "239.1.1.4%absent0:5000 name=away -> 239.2.2.4%lo:6000, 239.2.2.4%absent0:6000",
        "--rule", "239.1.1.5%lo:5000 -> 127.0.0.1:6010 src=192.0.2.1"], group_wire(), work)


def start_fast(build, work):
    return StartCase("start-fast", build, [*STRICT, *FAST_RULES, "--fastpath", "require",
                                           "--fastpath-linger", "5"],
                     fast_wire(), work, traces=net.filters)


def start_named(build, work):
    """An address that DNS tells, after the start."""
    def is_known(program):
        return program.wait(lambda: any(orders.NAME_IS_KNOWN in line for line in program.said),
                            orders.PATIENCE_S)

    dns.serve()
    return StartCase("start-named", build, ["--shards", "1", "--control", "off", *GROUPS,
                                            "--rule", orders.NAMED],
                     group_wire(), work, comes_to=is_known)


def end_by_order(build, work):
    """`drain' by the control socket, and SIGTERM when the order is not taken."""
    def finish(program):
        client = Client(f"{work}/control")
        answer = client.ask("drain")
        if not (answer and answer["ok"]):
            program.signal(signal.SIGTERM)
        client.close()

    return StartCase("end-drain", build, ["--shards", "1", "--control", f"{work}/control", *GROUPS],
                     group_wire(), work, finish)


def start_kept(build, work):
    return KeptCase("start-kept", build, [*STRICT, *GROUPS], group_wire(), work)


def start_kept_kinds(name, *argv, beyond):
    """By a rule of each kind."""
    def make(build, work):
        return KeptCase(name, build, [*argv, "--strict", *TWO, "--control", "off", *GROUPS,
                                      *KIND_RULES], kind_wires(), work, keeps=KINDS_KEPT)
    make.beyond = beyond
    return name, make


def killed(name, engine, call):
    """Amid a datagram, with that call; the finisher's calls are those that fail."""
    def make(build, work):
        return KilledCase(name, build, ["--engine", engine, *STRICT, *GROUPS[:2]], group_wire(),
                          work, call)
    return name, make


def beyond(make, *names):
    make.beyond = names
    return make


def live(name, do, undo, *argv, **more):
    """An order and its contrary by the control socket: its name and members."""
    return make_live(name, lambda case: case.client.ask(do[0], **do[1]),
                     lambda case: undo and case.client.ask(undo[0], **undo[1]), *argv, **more)


def swap(name, rule, other, *argv):
    """A rule is replaced by another, and comes again."""
    return live(name, ("replace", {"text": f"{ONE}rule {other}\n"}),
                ("replace", {"text": f"{ONE}rule {rule}\n"}), *(argv or TWO),
                rules=[*GROUPS[:2], "--rule", rule])


def make_live(name, do, undo, *argv, rules=GROUPS, wire=group_wire, traces=None, first=None):
    """The same by functions (orders.py); first(): before there is a relay."""
    def make(build, work):
        return LiveCase(name, build, [*(argv or ("--shards", "1")), *rules], wire(), work, do, undo,
                        traces, first)
    return name, make


def reload_by_signal(build, work):
    """SIGHUP after the file has become another one, and after it is the old one again."""
    path = f"{work}/numacastd.conf"
    orders.write(path, FILE)
    return LiveCase("live-reload", build, ["--shards", "1", "--config", path], group_wire(), work,
                    lambda case: orders.reload_as(case, path, OTHER),
                    lambda case: orders.reload_as(case, path, FILE))


def live_members(build, work):
    """Another machine comes, and goes; the flow that is looked at is ours either way."""
    path, alone, both = f"{work}/members", "here\n", "here\nthere\n"
    orders.write(path, alone)
    return LiveCase("live-members", build, ["--shards", "1", "--member", "here", "--members", path,
                                            *GROUPS, *MANY], group_wire(), work,
                    lambda case: orders.list_members(case, path, both, alone),
                    lambda case: orders.list_members(case, path, alone, both))


def live_named(build, work):
    dns.serve()
    return LiveCase("live-named", build, ["--shards", "1", *GROUPS], group_wire(), work,
                    orders.add_by_name, orders.remove_by_name)


CASES = dict((
    start("start-uring", "--engine", "uring"),
    start("start-mmsg", "--engine", "mmsg"),
    start_kinds("start-kinds", "--engine", "uring", beyond=("start-uring",)),
    start_kinds("start-kinds-mmsg", "--engine", "mmsg", beyond=("start-mmsg", "start-kinds")),
    start("start-user", "--user", "nobody", beyond=("start-uring",)),
    ("start-short", beyond(start_short, "start-uring")),
    ("start-fast", beyond(start_fast, "start-uring")),
    start("start-ways", "--engine", "uring", "--sqpoll", "--zerocopy", "1",
          "--register-buffers", "64", "--busy-poll", "50", beyond=("start-uring",)),
    ("start-named", beyond(start_named, "start-uring")),
    ("start-kept", beyond(start_kept, "start-uring")),
    start_kept_kinds("start-kept-kinds", "--engine", "uring",
                     beyond=("start-kept", "start-kinds")),
    start_kept_kinds("start-kept-mmsg", "--engine", "mmsg",
                     beyond=("start-kept-kinds", "start-kinds-mmsg")),
    killed("killed-uring", "uring", "io_uring_enter"),
    killed("killed-mmsg", "mmsg", "sendmmsg"),
    ("end-drain", beyond(end_by_order, "start-uring", "start-kinds")),
    ("live-reload", reload_by_signal),
    live("live-add", ("add", {"rules": [ADDED]}), ("remove", {"names": ["seven"]})),
    live("live-add-kinds", ("add", {"rules": KINDS}), ("remove", {"names": KIND_NAMES}), *TWO),
    live("live-replace", ("replace", {"text": OTHER}), ("replace", {"text": FILE})),
    live("live-disable", ("disable", {"names": ["three"]}), ("enable", {"names": ["three"]})),
    live("live-standby", ("standby", {"names": ["three"]}), ("active", {"names": ["three"]})),
    make_live("live-hold", orders.hold, orders.active),
    make_live("live-marks", orders.standby_with_marks, orders.active_at_marks),
    make_live("live-active", orders.active_at_marks, orders.standby_with_marks),
    live("live-rebalance", ("rebalance", {"window_s": 0.1}), None, *TWO),
    swap("live-move", f"{GROUPS[3]}".replace("name=three", "name=three shard=0"),
         f"{GROUPS[3]}".replace("name=three", "name=three shard=1")),
    swap("live-divide", KINDS[6], KINDS[6].replace("spread=2 by=source ", "")),
    swap("live-spread", KINDS[5], KINDS[5].replace("spread=2", "spread=1")),
    swap("live-cut", KINDS[6], KINDS[6].replace("source", "cpu", 2).replace("cpus", "sources")),
    swap("live-merge", KINDS[8], KINDS[8].replace("239.1.4.2", "239.1.4.7"), "--shards", "1"),
    swap("live-unmerge", KINDS[8], "239.1.4.1%lo:5005 name=hash -> 239.2.5.1%lo:6008", "--shards",
         "1"),
    live("live-show", ("show", {"what": "flows"}), None),
    make_live("live-ask", orders.ask_all, lambda case: None, *TWO, rules=[*GROUPS, *KIND_RULES]),
    make_live("live-scrape", orders.scrape, lambda case: None, *TWO, "--metrics",
              "{}:{}".format(*orders.METRICS_AT), rules=[*GROUPS, *KIND_RULES]),
    make_live("live-appear", orders.appear, orders.vanish, rules=LATE_RULES, first=net.absent),
    make_live("live-vanish", orders.vanish, orders.appear, rules=LATE_RULES, first=net.present),
    ("live-named", live_named),
    ("live-members", live_members),
    live("live-fast", ("replace", {"text": f"rule {FAST[0]}\n"}),
         ("replace", {"text": f"rule {FAST[0]}\nrule {FAST[1]}\n"}), "--fastpath", "require",
         "--shards", "1", rules=FAST_RULES, wire=fast_wire, traces=net.filters),
    *clients.CASES,
    *probes.CASES,
))
