"""control.py - a client of a relay's control socket, for the fault sweep."""
import json
import socket

PATIENCE_S = 30
SHOWN = (("rules", "rules", ("rule", "name", "duty")), ("rules", "disabled", ("rule",)),
         ("flows", "flows", ("ingress", "state")),
         ("outputs", "outputs", ("ingress", "to", "egress", "state")))


class Client:
    """One connection. A request that nobody answers, since the connection has ended, is None."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.socket.settimeout(PATIENCE_S)
        try:
            self.socket.connect(path)
        except ConnectionRefusedError:
            pass  # nobody is there any more, and nobody answers
        self.rest = b""

    def ask(self, command, **members):
        request = json.dumps({"version": 1, "command": command, **members}) + "\n"
        try:
            self.socket.sendall(request.encode())
            while b"\n" not in self.rest:
                more = self.socket.recv(1 << 20)
                if not more:
                    return None
                self.rest += more
        except OSError:
            return None
        line, _, self.rest = self.rest.partition(b"\n")
        try:
            return json.loads(line)
        except ValueError as error:
            return {"ok": False, "error": {"text": f"no JSON: {error}: {line.decode()}"}}

    def close(self):
        self.socket.close()


def state_of(client):
    """Rules, flows and outputs, and how they are."""
    found = []
    for what, rows, names in SHOWN:
        answer = client.ask("show", what=what)
        for row in answer["result"][rows] if answer else ():
            found.append((rows, *(str(row.get(name)) for name in names)))
    return sorted(found)
