"""Things at a URL that are no API: each a TCP server of a few lines."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import parse_headers
from io import BufferedReader
from typing import cast

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
Speak = Callable[[socket.socket], None]


def page(connection: socket.socket) -> None:
    """A web page, whatever is asked."""
    body = b"<!doctype html><title>Welcome</title>"
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    connection.sendall(HEAD % b"text/html" + length + body)


def closes(_: socket.socket) -> None:
    """The connection closes before an answer."""


def hangs(_: socket.socket) -> None:
    """No answer ever comes."""
    time.sleep(20)


def garbage(connection: socket.socket) -> None:
    """An event stream without an end."""
    connection.sendall(HEAD % b"text/event-stream" + b"\r\n")
    while True:
        connection.sendall(b"data: {}\n\n" * 20_000)


def dribbles(connection: socket.socket) -> None:
    """An answer of one byte now and then."""
    connection.sendall(HEAD % b"application/json" + b"\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.1)


def status(code: int, body: bytes = b"") -> Speak:
    """The same status for everything."""

    def speak(connection: socket.socket) -> None:
        head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % (code, len(body)) + body)

    return speak


def not_http(connection: socket.socket) -> None:
    """Another protocol."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def read_request(stream: BufferedReader) -> None:
    """One request, whole: to close on an unread body resets the connection under the answer."""
    if not stream.peek(1)[:1].isalpha():  # a greeting in TLS has no lines
        return
    stream.readline()
    head = parse_headers(stream)
    stream.read(int(head["content-length"] or 0))


@contextmanager
def serving(speak: Speak) -> Iterator[str]:
    """The base URL at which it speaks."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                read_request(cast("BufferedReader", self.rfile))
                speak(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
