"""bad_browsers.py PORT: clients that the HTTP server at the loopback's PORT must bear: half a
request, one that never reads, many that say nothing, and such as send garbage, a huge head or a
body. Prints a word for each and the status it got; 0 is an end without an answer."""
import socket
import sys
import time


def connect():
    sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    sock.settimeout(60)
    return sock


def status(sock):
    try:
        answer = sock.makefile("rb").readline().split()
    except ConnectionResetError:
        return 0
    return int(answer[1]) if len(answer) > 1 and answer[0].startswith(b"HTTP/") else 0


def ask(request):
    sock = connect()
    try:
        sock.sendall(request)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return status(sock)


GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
half = connect()
half.sendall(GET[:20])
deaf = [connect() for i in range(10)]
for sock in deaf:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    sock.sendall(GET)
print("good", ask(GET))
print("garbage", ask(bytes(range(128, 256)) * 1000 + b"\r\n\r\n") != 200)
print("head", ask(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 1000000 + b"\r\n\r\n") != 200)
print("path", ask(b"GET /" + b"x" * 1000000 + b" HTTP/1.1\r\n\r\n") != 200)
print("post", ask(b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\nx"))
print("delete", ask(b"DELETE /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"))
silent = [connect() for i in range(150)]
start = time.monotonic()
print("crowded", ask(GET))
print("waited", time.monotonic() - start < 30)
for sock in silent + deaf + [half]:
    sock.close()
print("good", ask(GET))
