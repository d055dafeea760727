"""cases.py - the setups and actions that the fault sweep tries: name, then what makes it."""
from start import StartCase
from wire import Wire

GROUPS = ["--rule", "239.1.1.1%lo:5000 -> 239.2.2.2%lo:6000",
          "--rule", "239.1.1.3%lo:5003 -> 127.0.0.1:6003"]
STRICT = ["--strict", "--shards", "1", "--control", "off"]


def start_uring(build, work):
    return StartCase("start-uring", build, ["--engine", "uring", *STRICT, *GROUPS], group_wire(),
                     work)


def start_mmsg(build, work):
    return StartCase("start-mmsg", build, ["--engine", "mmsg", *STRICT, *GROUPS], group_wire(),
                     work)


def group_wire():
    return Wire(("239.1.1.1", 5000), ("239.2.2.2", 6000))


CASES = {"start-uring": start_uring, "start-mmsg": start_mmsg}
