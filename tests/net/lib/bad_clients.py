"""bad_clients.py PATH: clients that the control socket at PATH must bear: one that sends half a
request, one that never reads, a thousand, and such as send what is wrong, deep or long. Prints a
word for each and the code of its refusal."""
import json
import socket
import sys


def connect():
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(sys.argv[1])
    sock.settimeout(60)
    return sock


def ask(sock, line):
    """The code of the answer; "ok" when it is none of a refusal."""
    try:
        sock.sendall(line)
    except (BrokenPipeError, ConnectionResetError):
        pass
    try:
        answer = sock.makefile("rb").readline()
    except ConnectionResetError:
        return "reset"
    return json.loads(answer).get("error", {}).get("code", "ok") if answer else "end"


VERSION = b'{"version":1,"command":"version"}\n'
half = connect()
half.sendall(VERSION[:10])
deaf = connect()
deaf.setblocking(False)
try:
    while True:
        deaf.send(VERSION * 100)
except BlockingIOError:
    pass
good = connect()
print("good", ask(good, VERSION))
print("nonsense", ask(connect(), b"nonsense\n"))
print("deep", ask(connect(), b"[" * 60000 + b"\n"))
print("unknown", ask(connect(), b'{"version":1,"command":"explode"}\n'))
print("type", ask(connect(), b'{"version":1,"command":"show","what":1}\n'))
print("long", ask(connect(), b"x" * 10000000 + b"\n"))
many = [connect() for i in range(1000)]
print("many", {ask(sock, VERSION) for sock in many[-100:]} <= {"busy", "reset"})
print("good", ask(good, VERSION))
