"""cases.py - the setups and actions that the fault sweep tries: name, then what makes it."""
import signal

from live import LiveCase
from start import StartCase
from wire import Wire

GROUPS = ["--rule", "239.1.1.1%lo:5000 name=one -> 239.2.2.2%lo:6000",
          "--rule", "239.1.1.3%lo:5003 name=three -> 127.0.0.1:6003"]
STRICT = ["--strict", "--shards", "1", "--control", "off"]
ADDED = "239.1.1.7%lo:5007 name=seven -> 239.2.2.7%lo:6007, 127.0.0.1:6008"
OTHER = "rule 239.1.1.1%lo:5000 name=one -> 239.2.2.2%lo:6000\n" f"rule {ADDED}\n"
FILE = OTHER.replace(ADDED, GROUPS[3])


def group_wire():
    return Wire(("239.1.1.1", 5000), ("239.2.2.2", 6000))


def start(name, *argv):
    def make(build, work):
        return StartCase(name, build, [*argv, *STRICT, *GROUPS], group_wire(), work)
    return name, make


def live(name, do, undo, *argv):
    """An order and its contrary by the control socket: its name and members."""
    def make(build, work):
        return LiveCase(name, build, ["--shards", "1", *argv, *GROUPS], group_wire(), work,
                        lambda case: case.client.ask(do[0], **do[1]),
                        lambda case: undo and case.client.ask(undo[0], **undo[1]))
    return name, make


def reload_by_signal(build, work):
    """SIGHUP after the file has become another one, and after it is the old one again."""
    path = f"{work}/numacastd.conf"

    def read(text):
        def do(case):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return case.answer_of_log(lambda: case.program.signal(signal.SIGHUP), "reload: ")
        return do

    with open(path, "w", encoding="utf-8") as file:
        file.write(FILE)
    return LiveCase("live-reload", build, ["--shards", "1", "--config", path], group_wire(), work,
                    read(OTHER), read(FILE))


CASES = dict((
    start("start-uring", "--engine", "uring"),
    start("start-mmsg", "--engine", "mmsg"),
    ("live-reload", reload_by_signal),
    live("live-add", ("add", {"rules": [ADDED]}), ("remove", {"names": ["seven"]})),
    live("live-replace", ("replace", {"text": OTHER}), ("replace", {"text": FILE})),
    live("live-disable", ("disable", {"names": ["three"]}), ("enable", {"names": ["three"]})),
    live("live-standby", ("standby", {"names": ["three"]}), ("active", {"names": ["three"]})),
    live("live-show", ("show", {"what": "flows"}), None),
))
