"""rows.py - what a failing call may do without a word, for the fault sweep: rows of known.tsv.

A row has tabs between CASE, CALL, WHAT, BY, VERDICT and WHY. The first four are regular
expressions: CASE and CALL match the whole name, WHAT and BY anywhere in the path and in the chain
of callers; "-" matches all. The verdict is one of

    spare        not tried: the kernel cannot refuse this
    quiet        the relay goes on without a word, or ends as if nothing had been
    says WORDS   the relay says that, in place of the error's own text
    library      a library ends the process, or its reader says nothing; nothing may be left behind

and WHY is for people. Whoever adds a call that may fail in silence adds a row with the reason; a
row that nothing needs any more is stale, and a whole sweep fails for it, unless its WHY begins with
"at times: ": it is for what only some runs come to.
"""
import re


class Row:
    def __init__(self, line, number):
        parts = line.rstrip("\n").split("\t")
        if len(parts) != 6 or not parts[5]:
            raise SystemExit(f"known.tsv:{number}: expected six columns with tabs between them")
        self.number, self.line, self.used = number, line, False
        self.at_times = parts[5].startswith("at times: ")
        self.case, self.call = (re.compile("" if p == "-" else p) for p in parts[:2])
        self.any = [p == "-" for p in parts[:2]]
        self.what, self.by = (re.compile("" if p == "-" else p) for p in parts[2:4])
        self.verdict, _, self.words = parts[4].partition(" ")
        if self.verdict not in ("spare", "quiet", "says", "library"):
            raise SystemExit(f"known.tsv:{number}: no such verdict: {self.verdict}")

    def matches(self, case, call, what, by):
        return ((self.any[0] or self.case.fullmatch(case))
                and (self.any[1] or self.call.fullmatch(call))
                and self.what.search(what) and self.by.search(by))


class Rows:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.rows = [Row(line, i + 1) for i, line in enumerate(file)
                         if line.strip() and not line.startswith("#")]

    def find(self, verdict, case, call, what, by):
        """The first row of that verdict that fits, which is used from then on; or None."""
        for row in self.rows:
            if row.verdict == verdict and row.matches(case, call, what, by):
                row.used = True
                return row
        return None

    def says(self, said, case, call, what, by):
        """Whether a row allows other words than the error's, and they were said."""
        for row in self.rows:
            if (row.verdict == "says" and row.matches(case, call, what, by)
                    and re.search(row.words, said)):
                row.used = True
                return True
        return False

    def stale(self):
        return [row for row in self.rows if not row.used]
