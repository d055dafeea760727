#!/usr/bin/env python3
"""browser.py DIRECTORY QUESTIONS [ARGUMENT]...: drives a Chromium without a display, whose files
stay below DIRECTORY, by the lines of the file or pipe QUESTIONS; each is answered by one line.

open URL            loads a page
size WIDTH HEIGHT   of the page, in CSS pixels
scheme light|dark   what the page is told that its reader likes
eval EXPRESSION     of JavaScript; a promise is waited for. Answers with its value as JSON
until EXPRESSION    evaluated until it is truthy; answers true, or false when patience ended first
shot FILE           the whole page as PNG
complaints          what the browser's console got since the last question: a JSON array of errors,
                    warnings and exceptions

Any other answer than a value is `ok', or begins with `failed'. Ends with QUESTIONS. It speaks
the browser's DevTools protocol over a pair of pipes, so it needs no port.
"""
import base64
import json
import os
import select
import signal
import subprocess
import sys
import time

PATIENCE_S = 60  # for one answer of the browser; it may have no processor for a while
LOOK_S = 0.1
ARGUMENTS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
    "--no-default-browser-check --disable-background-networking --disable-component-update "
    "--disable-extensions --disable-sync --disable-domain-reliability --mute-audio "
    "--disable-breakpad --disable-features=Translate,MediaRouter,OptimizationHints "
    "--password-store=basic --use-mock-keychain --remote-debugging-pipe about:blank").split()


class Browser:
    """One browser with one page."""

    def __init__(self, directory, arguments):
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        home = os.path.join(directory, "home")
        os.makedirs(home, exist_ok=True)

        def take_pipes():
            # The browser reads 3 and writes 4; the copies keep dup2 from closing one of them.
            spare_in, spare_out = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(spare_in, 3)
            os.dup2(spare_out, 4)

        environment = dict(os.environ, HOME=home, XDG_RUNTIME_DIR=home, TMPDIR=directory)
        environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        with open(os.path.join(directory, "chromium.out"), "wb") as log:
            self.process = subprocess.Popen(
                ["chromium", f"--user-data-dir={directory}/profile", *arguments, *ARGUMENTS],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                preexec_fn=take_pipes, close_fds=False, start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self.read_fd, self.write_fd = ours_in, ours_out
        self.number, self.rest, self.complaints, self.session = 0, b"", [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(domain + ".enable")

    def ask(self, method, **parameters):
        """One command; what the browser answers. What it tells meanwhile is looked at."""
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write_fd, json.dumps(request).encode() + b"\0")
        while True:
            message = self.next_message()
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error'].get('message')}")
                return message["result"]
            self.note(message)

    def next_message(self):
        end = time.monotonic() + PATIENCE_S
        while b"\0" not in self.rest:
            if not select.select([self.read_fd], [], [], max(0, end - time.monotonic()))[0]:
                raise RuntimeError("the browser does not answer")
            part = os.read(self.read_fd, 1 << 20)
            if not part:
                raise RuntimeError("the browser has ended")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def note(self, message):
        method, what = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = what["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description")
                                   or details["text"])
        elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            self.complaints.append(what["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning"):
            self.complaints.append(str([a.get("value") for a in what["args"]]))

    def evaluate(self, expression):
        result = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True,
                          returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    def until(self, expression):
        end = time.monotonic() + PATIENCE_S
        while not self.evaluate(f"!!({expression})"):
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_S)
        return True

    def do(self, line):
        """One question; its answer."""
        verb, _, rest = line.partition(" ")
        if verb == "open":
            self.ask("Page.navigate", url=rest)
        elif verb == "size":
            width, height = map(int, rest.split())
            self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=width < 500)
        elif verb == "scheme":
            self.ask("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": rest}])
        elif verb == "eval":
            return json.dumps(self.evaluate(rest))
        elif verb == "until":
            return json.dumps(self.until(rest))
        elif verb == "shot":
            picture = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
            with open(rest, "wb") as file:
                file.write(base64.b64decode(picture["data"]))
        elif verb == "complaints":
            told, self.complaints = self.complaints, []
            return json.dumps(told)
        else:
            return f"failed: there is no {verb}"
        return "ok"

    def close(self):
        """The browser and all processes it started."""
        try:
            self.session = None
            self.ask("Browser.close")
            self.process.wait(timeout=10)
        except (RuntimeError, OSError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def main():
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    browser = Browser(sys.argv[1], sys.argv[3:])
    try:
        with open(sys.argv[2], encoding="utf-8") as questions:
            for line in questions:
                try:
                    answer = browser.do(line.rstrip("\n"))
                except RuntimeError as error:
                    answer = "failed: " + " ".join(str(error).split())
                print(answer, flush=True)
    finally:
        browser.close()


main()
