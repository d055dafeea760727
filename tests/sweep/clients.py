"""clients.py - the cases of the fault sweep that are clients: their names, then what makes each.

Questions after the first are tried where they differ from it; orders are tried whole, since what
becomes of each is looked at.
"""
import json

import orders
from client import ClientCase
from ordered import DrainCase, OrderCase

GROUPS = ["239.1.1.1%lo:5000 name=one -> 239.2.2.2%lo:6000",
          "239.1.1.3%lo:5003 name=three -> 127.0.0.1:6003"]
ADDED = "239.1.1.7%lo:5007 name=seven -> 239.2.2.7%lo:6007, 127.0.0.1:6008"
TEXT = "".join(f"rule {rule}\n" for rule in GROUPS)
OTHER = f"{TEXT}rule {ADDED}\n"
RULES = [word for rule in GROUPS for word in ("--rule", rule)]
THREE = {"names": ["three"]}
SEVEN = {"rules": [ADDED]}
BATCH = f"""\
add '{ADDED}'
log-level debug  # and one that changes no rule
disable three
remove one
"""


def client(name, *argv, beyond=(), words=()):
    """words: of the daemon's, beside the usual ones."""
    def make(build, work):
        return ClientCase(name, build, argv, work, ["--shards", "1", *words, *RULES])
    make.beyond = beyond
    return name, make


def order(name, reset, *steps, argv, file="", text=""):
    """argv: where it says FILE that is `file' with the text."""
    def make(build, work):
        path = f"{work}/{file}"
        if file:
            orders.write(path, text)
        daemon = ["--shards", "1", *RULES]
        return OrderCase(name, build, [path if word == "FILE" else word for word in argv], work,
                         daemon, reset, steps)
    return name, make


def undo(*requests):
    """These one after the other; some may have nothing to undo."""
    def reset(case):
        for request, members in requests:
            case.client.ask(request, **members)
    return reset


def stand_by(case):
    """Marks of now, in the file."""
    case.client.ask("active", **THREE)
    marks = case.client.ask("standby", marks=True, **THREE)["result"]
    orders.write(f"{case.work}/marks", json.dumps(marks))


def reload(build, work):
    """Before each order the file becomes another one."""
    path = f"{work}/numacastd.conf"
    orders.write(path, TEXT)

    def reset(case):
        orders.write(path, TEXT)
        case.client.ask("reload")
        orders.write(path, OTHER)

    return OrderCase("client-reload", build, ["reload"], work,
                     ["--shards", "1", "--config", path], reset, [("reload", {})])


def drain(build, work):
    return DrainCase("client-drain", build, work, ["--shards", "1", *RULES])


ALL_BACK = undo(("log-level", {"level": "info"}), ("enable", THREE), ("replace", {"text": TEXT}))

CASES = (
    client("client-show", "show", "flows"),
    client("client-top", "top", "--interval", "0.1", "--count", "1"),
    client("client-top-json", "top", "--json", "--interval", "0.1", "--count", "1",
           beyond=("client-show", "client-top")),
    client("client-json", "show", "rules", "--json", beyond=("client-show",)),
    client("client-stats", "stats", "--rates", "--watch", "0.1", "--count", "1",
           beyond=("client-show",)),
    client("client-health", "health", beyond=("client-show",)),
    client("client-version", "version", beyond=("client-show",)),
    client("client-rebalance", "rebalance", "--window", "0.1", beyond=("client-show",)),
    order("client-add", undo(("remove", {"names": ["seven"]})), ("add", SEVEN),
          argv=["add", ADDED]),
    order("client-remove", undo(("replace", {"text": TEXT})), ("remove", THREE),
          argv=["remove", "three"]),
    ("client-reload", reload),
    order("client-replace", ALL_BACK, ("replace", {"text": OTHER}), argv=["replace", "FILE"],
          file="rules", text=OTHER),
    order("client-disable", undo(("enable", THREE)), ("disable", THREE), argv=["disable", "three"]),
    order("client-enable", undo(("disable", THREE)), ("enable", THREE), argv=["enable", "three"]),
    order("client-standby", undo(("active", THREE)), ("standby", THREE),
          argv=["standby", "three", "--marks"]),
    order("client-active", stand_by, ("active", THREE), argv=["active", "three", "--after", "FILE"],
          file="marks"),
    client("client-hold", "hold", "three", "--for", "60000", beyond=("client-show", "client-add"),
           words=["--standby"]),
    order("client-level", undo(("log-level", {"level": "info"})),
          ("log-level", {"level": "debug"}), argv=["log-level", "debug"]),
    ("client-drain", drain),
    order("client-batch", ALL_BACK, ("add", SEVEN), ("log-level", {"level": "debug"}),
          ("disable", THREE), ("remove", {"names": ["one"]}), argv=["batch", "FILE"],
          file="orders", text=BATCH),
)
