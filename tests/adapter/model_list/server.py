"""A server of model lists that behaves as a test tells it, in a thread of its own."""

import gzip
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

SONNET = {
    "model_version": "claude-sonnet",
    "model_family": "claude",
    "handle": "/anthropic/v1/messages",
    "prompt_price_1k": 0.003,
    "completion_price_1k": 0.015,
}
GPT = {
    "model_version": "gpt-4o",
    "model_family": "gpt",
    "handle": "/openai/v1/chat/completions",
    "prompt_price_1k": 0.0025,
    "completion_price_1k": 0.01,
}
GOOD = [GPT, SONNET]


@dataclass
class Answer:
    """What the server answers: after `delay_s`, in pieces with `pause_s` after each."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0
    pause_s: float = 0
    length: int | None = None


def listing(models: object = None, **headers: str) -> Answer:
    """A list as JSON; a header's name has underscores for its dashes."""
    body = json.dumps(GOOD if models is None else models).encode()
    return Answer(body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def zipped(body: bytes) -> Answer:
    return Answer(gzip.compress(body), headers={"Content-Encoding": "gzip"})


class ListServer:
    """Answers every GET with `answer`, or with what `answers` has for its path."""

    def __init__(self) -> None:
        self.answer = listing()
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._port = 0
        self._http: ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/models.json"

    @property
    def headers(self) -> dict[str, str]:
        """The last request's headers, by their names in small letters."""
        return self.asked[-1][1]

    def start(self) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        self._http.daemon_threads = True
        self._port = self._http.server_address[1]
        Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None


@contextmanager
def list_server() -> Iterator[ListServer]:
    server = ListServer()
    yield server
    server.stop()


def _handler(server: ListServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            answer = server.answers.get(self.path, server.answer)
            time.sleep(answer.delay_s)
            try:
                self._send(answer)
            except ConnectionError:
                self.close_connection = True

        def _send(self, answer: Answer) -> None:
            asked, headers = self.headers, answer.headers
            known = ("ETag" in headers and asked["If-None-Match"] == headers["ETag"]) or (
                "Last-Modified" in headers
                and asked["If-Modified-Since"] == headers["Last-Modified"]
            )
            if known:
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(answer.status)
            for name, value in headers.items():
                self.send_header(name, value)
            length = len(answer.body) if answer.length is None else answer.length
            self.send_header("Content-Length", str(length))
            self.end_headers()
            pieces: list[Any] = [answer.body]
            if answer.pause_s:
                pieces = [answer.body[i : i + 1] for i in range(len(answer.body))]
            for piece in pieces:
                self.wfile.write(piece)
                time.sleep(answer.pause_s)
            self.close_connection = answer.length is not None

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """Nothing: the test reads `asked`."""

    return Handler
