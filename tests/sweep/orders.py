"""orders.py - orders to a running relay that are more than one request, for the fault sweep.

Each takes a case (live.py) and returns its answer, as the control socket has it, or None when the
connection has ended.
"""
import http.client
import os
import signal
import time

import dns
import net

METRICS_AT = "127.0.0.1", 9469
PAGES = ("/metrics", "/healthz", "/readyz", "/status.json", "/plan.svg", "/")
OLD_S = 0.26  # after which what was told is made anew
NAME = "host.example"
NAME_IS_KNOWN = f"{NAME}: {dns.ADDRESS}"
NAMED = f"239.1.1.8%lo:5008 name=named -> {NAME}:6011"
LATE = f"239.1.1.9%{net.LATE}:5009", f"239.2.2.9%{net.LATE}:6009"  # an ingress and an output
PATIENCE_S = 20
NOT_APPLIED = "reload: not applied: "
SUBJECTS = ("rules", "flows", "outputs", "legs", "shards", "pools", "topology", "plan", "changes")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def reload_as(case, path, text):
    write(path, text)
    return case.answer_of_log(lambda: case.program.signal(signal.SIGHUP), "reload: ")


def standby_with_marks(case):
    answer = case.client.ask("standby", names=["three"], marks=True)
    if answer and answer["ok"]:
        case.marks = {name: answer["result"][name] for name in ("marks", "since_ns")}
    return answer


def active(case):
    return case.client.ask("active", names=["three"])


def hold(case):
    """Of a rule that stands by: an active one holds nothing."""
    answer = case.client.ask("standby", names=["three"])
    if answer and answer["ok"]:
        answer = case.client.ask("hold", names=["three"], for_ms=60000)
        if answer and not answer["ok"]:
            active(case)
    return answer


def active_at_marks(case):
    marks = getattr(case, "marks", None)
    if marks is None:
        standby_with_marks(case)
        marks = case.marks
    return case.client.ask("active", names=["three"], **marks)


def ask_all(case):
    """Every question there is; the first refusal."""
    questions = [("show", {"what": what}) for what in SUBJECTS]
    for command, members in [*questions, ("stats", {}), ("health", {}), ("log-level", {}),
                             ("version", {})]:
        answer = case.client.ask(command, **members)
        if not answer or not answer["ok"]:
            return answer
    return answer


def scrape(_):
    """Every page; the first that is not as it should be."""
    time.sleep(OLD_S)
    for path in PAGES:
        client = http.client.HTTPConnection(*METRICS_AT, timeout=PATIENCE_S)
        try:
            client.request("GET", path)
            answer = client.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return None
        finally:
            client.close()
        if answer.status != 200:
            text = " ".join(text[:200].split())
            return {"ok": False, "error": {"text": f"{path}: {answer.status} {text}"}}
    return {"ok": True}


def await_log(case, lines, *words):
    """Until the log says all of it behind so many lines."""
    program = case.program
    missing = lambda: [text for text in words
                       if not any(text in line for line in program.said[lines:])]
    program.wait(lambda: not missing() or program.status is not None, PATIENCE_S)
    if not missing():
        return {"ok": True}
    return None if program.status is not None else {
        "ok": False, "error": {"text": f"partly applied: nobody says {missing()}"}}


def appear(case):
    """The interface of a rule that is pending."""
    lines = len(case.program.said)
    net.bring()
    return await_log(case, lines, *(f"{at}: live" for at in LATE))


def vanish(case):
    lines = len(case.program.said)
    net.take_away()
    return await_log(case, lines, *(f"{at}: pending: " for at in LATE))


def add_by_name(case):
    """Until DNS has answered, and the address is in force."""
    lines = len(case.program.said)
    answer = case.client.ask("add", rules=[NAMED])
    if not answer or not answer["ok"]:
        return answer
    return await_log(case, lines, NAME_IS_KNOWN)


def remove_by_name(case):
    return case.client.ask("remove", names=["named"])


def list_members(case, path, names, before):
    """Other machines share the flows from now on, or the list is what it was."""
    lines = len(case.program.said)
    replace(path, names)
    answer = await_log(case, lines, "reload: done")
    refusals = [line for line in case.program.said[lines:] if line.startswith(NOT_APPLIED)]
    if answer and not answer["ok"] and refusals:
        replace(path, before)
        return {"ok": False, "error": {"text": refusals[-1][len(NOT_APPLIED):]}}
    return answer


def replace(path, text):
    write(f"{path}.new", text)
    os.rename(f"{path}.new", path)
