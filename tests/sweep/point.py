"""point.py - one call of a case that is to fail, and what came of it, for the fault sweep."""
import os
import re
from errno import ENOMEM

NO_MEMORY = r"\w.*out of memory|out of memory while |no memory (for|to) "


class Point:
    """Which call: its name, which one of that name, and the errno. `what' and `by' are what was
    recorded when nothing failed."""

    def __init__(self, call, error, by):
        self.call, self.error, self.by = call, error, by

    @property
    def kind(self):
        """Points of one kind are the same call at the same place of the program."""
        return self.call.name, self.by, self.error

    def command(self):
        return f"fail {self.call.name} {self.call.nth} {self.error}"


class Outcome:
    """`verdict' is one word for the table, `good' whether it may be so, `said' what the relay said
    that it does not say else."""

    def __init__(self, verdict, good, said=""):
        self.verdict, self.good, self.said = verdict, good, said


def new_lines(said, usual):
    """What was said beside the usual lines, numbers aside."""
    return [line for line in said if blank(line) not in usual]


def blank(line):
    return re.sub(r"\d+", "N", line)


def names_cause(lines, error):
    """Whether one of the lines tells the error, and of what: something stands before it."""
    text = os.strerror(error)
    for line in lines:
        if line.find(text) > 0:
            return True
        if error == ENOMEM and re.search(NO_MEMORY, line):
            return True
    return False
