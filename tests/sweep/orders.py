"""orders.py - orders to a running relay that are more than one request, for the fault sweep.

Each takes a case (live.py) and returns its answer, as the control socket has it, or None when the
connection has ended.
"""
import signal

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
