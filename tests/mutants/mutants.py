"""The kept mutations: how the lists are read, and how one is applied to a text.

A list has one entry after another, with blank lines in between and # for remarks:

    mutant train-one-byte-too-long
    file shard/egress.c
    breaks a train carries one byte more than its path takes
    killed-by unit/shard/check_egress_edges net/trains:uring
    - t->bytes + p->bytes <= o->train_bytes_max
    + t->bytes + p->bytes <= o->train_bytes_max + 1

The lines with - are the text before, those with + what stands in its place; none of these takes the
text out. The text before is found whatever the blanks and line ends between its words are, so that
a change of form alone leaves an entry valid; it stands in the file exactly once. Tests are named
from tests/ on: unit/ROOM/PROGRAM, cli/SCRIPT, topologies/run, fuzz/replay, or net/STORY:ENGINE; or
`build', where the compiler refuses. The first that fails has killed the mutant. In the place of
killed-by an entry may say

    equivalent WHY      nothing that anybody can see becomes different
    survives WHY        no test catches it, and why that is left so
"""
import glob
import os
import re

KEYS = ("mutant", "file", "breaks", "killed-by", "equivalent", "survives")
ENGINES = ("uring", "mmsg")


class Mutant:
    """One entry of a list, and the line where it begins."""

    def __init__(self, where):
        self.where = where
        self.said = {}
        self.before = []
        self.after = []

    def __getattr__(self, name):
        return self.said.get(name.replace("_", "-"), "")

    @property
    def tests(self):
        """The tests that kill it, the quickest first, as the list has them."""
        return self.killed_by.split()

    @property
    def answer(self):
        """Why it is not killed, or nothing."""
        for key in ("equivalent", "survives"):
            if key in self.said:
                return f"{key}: {self.said[key]}"
        return ""

    def found(self, text):
        """Where the text before stands in a file's text: its matches."""
        words = " ".join(self.before).split()
        return list(re.finditer(r"\s+".join(map(re.escape, words)), text)) if words else []

    def apply(self, text):
        """The file's text with the mutation in it."""
        place, = self.found(text)
        return text[:place.start()] + "\n".join(self.after) + text[place.end():]


def read(top):
    """All entries of tests/mutants/*.list, and what is wrong with the form of the lists."""
    mutants, wrong = [], []
    for name in sorted(glob.glob(os.path.join(top, "tests/mutants/*.list"))):
        with open(name, encoding="utf-8") as file:
            read_list(os.path.relpath(name, top), file.read().split("\n"), mutants, wrong)
    return mutants, wrong


def read_list(name, lines, mutants, wrong):
    """The entries of one list."""
    entry = None
    for number, line in enumerate(lines, 1):
        key, _, value = line.partition(" ")
        where = f"{name}:{number}"
        if line == "":
            entry = None
        elif key == "#":
            continue
        elif key == "mutant":
            entry = Mutant(where)
            entry.said[key] = value
            mutants.append(entry)
        elif entry is None:
            wrong.append(f"{where}: expected an entry that begins with `mutant NAME'")
        elif key in "-+":
            (entry.before if key == "-" else entry.after).append(value)
        elif key in KEYS and key not in entry.said and value:
            entry.said[key] = value
        else:
            wrong.append(f"{where}: expected one of {', '.join(KEYS)}, once, and its words")


def faults(top, mutants):
    """What is wrong with the entries, measured by the tree: one line each."""
    names = set()
    for mutant in mutants:
        if mutant.mutant in names:
            yield f"{mutant.where}: there is another mutant {mutant.mutant}"
        names.add(mutant.mutant)
        for what in faults_of(top, mutant):
            yield f"{mutant.where}: {mutant.mutant}: {what}"


def faults_of(top, mutant):
    """What is wrong with one entry."""
    if not re.fullmatch(r"[a-z0-9-]+", mutant.mutant):
        yield "expected a name of small letters, digits and -"
    if not mutant.breaks:
        yield "does not say what it breaks"
    if len([key for key in KEYS[3:] if key in mutant.said]) != 1:
        yield "expected one of killed-by, equivalent and survives"
    for test in mutant.tests:
        if not test_exists(top, test):
            yield f"there is no test {test}"
    path = os.path.join(top, mutant.file)
    if not os.path.isfile(path):
        yield f"there is no file {mutant.file}"
        return
    with open(path, encoding="utf-8") as file:
        count = len(mutant.found(file.read()))
    if count != 1:
        yield f"its text before stands {count} times in {mutant.file}, expected once"
    if mutant.before == mutant.after:
        yield "changes nothing"


def test_exists(top, test):
    """Whether a named test is one of the tree's."""
    kind, _, name = test.partition("/")
    if test == "build":
        return True
    if kind == "net":
        name, _, engine = name.partition(":")
        return engine in ENGINES and os.path.isfile(os.path.join(top, "tests/net", name + ".sh"))
    if kind == "unit":
        return test in unit_tests(top, name.partition("/")[0])
    return os.path.isfile(os.path.join(top, "tests", test + ".sh"))


def unit_tests(top, room):
    """The unit tests of a room: the programs, not all of their sources."""
    path = os.path.join(top, "tests/unit", room, "automake.mk")
    if not os.path.isfile(path):
        return []
    with open(path, encoding="utf-8") as file:
        lines = re.findall(r"^UNIT_TESTS \+=(.*)$", file.read(), re.M)
    return re.findall(r"tests/(unit/\S+)", " ".join(lines))
