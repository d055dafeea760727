"""judge.py - what may come of a failing call, for the fault sweep."""
from point import Outcome, names_cause


class Judge:
    """Of one case: its rows, and the names of callers."""

    def __init__(self, case, rows, symbols):
        self.case, self.rows, self.symbols = case, rows, symbols

    def settle(self, point, program):
        """Makes the point what has failed in fact, since calls of several threads take turns. False
        when that is not to be judged: nothing has, or what the kernel cannot refuse."""
        if program.failed is None:
            return False
        call = program.failed
        if call.name == "alloc":
            call.frames = program.sites.get(call.nth, ())
        self.symbols.learn([call])
        if call.frames:
            point.by = self.symbols.chain(call.frames)
        point.call = call
        return not self.row("spare", point)

    def row(self, verdict, point):
        return self.rows.find(verdict, self.case, point.call.name, point.call.what, point.by)

    def names(self, point, lines):
        """Whether one of the lines says what is missing, or what a row has in its place."""
        return names_cause(lines, point.error) or self.rows.says(
            " / ".join(lines), self.case, point.call.name, point.call.what, point.by)

    def goes_on(self, point, lines, word):
        """It relays: as it should be when it says so, or need not."""
        text = " / ".join(lines)
        if self.names(point, lines):
            return Outcome("said" if word == "quiet" else word, True, text)
        return Outcome(word, self.row("quiet", point) is not None, text)
