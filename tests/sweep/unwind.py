"""unwind.py - who waits for a system call, by what its stack holds, for the fault sweep.

A stack still holds return addresses of functions that have returned. Which belong to those that
have not follows from how large each function's frame is, as the program and its libraries tell
debuggers (DWARF call frame information, by readelf). Where a function's frame cannot be told from
the stack pointer alone, its caller is guessed: the next address above that has a caller itself.
"""
import bisect
import os
import re
import subprocess

WORD_BYTES = 8
ROW = re.compile(r"([0-9a-f]{16}) (\w+)(?:\+(\d+))?\s")
FDE = re.compile(r".* FDE .* pc=([0-9a-f]{16})\.\.([0-9a-f]{16})")


class Frames:
    """Of one program or library: how far above the stack pointer a function's frame ends."""

    def __init__(self, path):
        # It also fails for what it does not understand of other sections.
        text = subprocess.run(["readelf", "--debug-dump=frames-interp", path], text=True,
                              capture_output=True, check=False, errors="replace").stdout
        rows, within = {}, False
        for line in text.splitlines():
            head = FDE.match(line)
            row = ROW.match(line) if within and not head else None
            if head:
                within = True
                start, end = (int(word, 16) for word in head.groups())
                rows.setdefault(start, WORD_BYTES)  # what it begins with
                rows.setdefault(end, None)
            elif row:
                far = int(row[3] or 0) if row[2] == "rsp" else None
                rows[int(row[1], 16)] = far
            elif " CIE " in line:
                within = False
        self.starts = sorted(rows)
        self.ends = [rows[start] for start in self.starts]

    def end_of(self, address):
        """Bytes above the stack pointer; None: not known."""
        i = bisect.bisect(self.starts, address) - 1
        return self.ends[i] if i >= 0 else None


class Unwinder:
    def __init__(self):
        self.maps, self.starts, self.frames = [], [], {}

    def learn_maps(self, lines):
        """Lines of /proc/PID/maps with instructions."""
        maps = []
        for line in lines:
            parts = line.split()
            start, end = (int(word, 16) for word in parts[0].split("-"))
            if len(parts) > 5 and os.path.isfile(parts[5]):
                maps.append((start, end, start - int(parts[2], 16), parts[5]))
        self.maps = sorted(maps)
        self.starts = [row[0] for row in self.maps]

    def callers(self, words):
        """Return addresses, the innermost first, of what fault has said of a call. The first word
        is where it was made."""
        if not words:
            return []
        at, stack = words[0][0], {slot: at for at, slot in words[1:]}
        slot, far, found = 0, self.end_of(at), []
        while slot is not None:
            if far is not None and slot + far - WORD_BYTES in stack:
                slot += far - WORD_BYTES
            else:
                slot = self.likely(stack, slot)
            if slot is not None:
                found.append(stack[slot])
                far = self.end_of(stack[slot] - 1)
                slot += WORD_BYTES
        return found

    def likely(self, stack, least):
        """The first place above behind whose address another one follows as it should; or None."""
        for slot in stack:  # in order
            far = self.end_of(stack[slot] - 1) if slot >= least else None
            if far is not None and slot + far in stack:
                return slot
        return None

    def end_of(self, address):
        i = bisect.bisect(self.starts, address) - 1
        if i < 0 or address >= self.maps[i][1]:
            return None
        _, _, base, path = self.maps[i]
        if path not in self.frames:
            self.frames[path] = Frames(path)
        return self.frames[path].end_of(address - base)
