"""An upstream that answers as it is told: its list of models, and each model's chats."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}
NO_MODEL = {"error": {"message": "no such model here", "type": "x", "code": "no_such_model"}}


@dataclass
class Answer:
    """A status, a body (as JSON unless it is bytes), headers, and a wait before."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0


@dataclass
class Scripted:
    """What it answers on `/v1/models`, and to the chats of each model; `*` for all others."""

    models: Answer = field(default_factory=lambda: Answer({"data": [{"id": "m"}]}))
    chats: dict[str, Answer] = field(default_factory=lambda: {"*": Answer(CHAT)})
    asked: list[str] = field(default_factory=list)  # paths, and models of chats
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def lists(self) -> int:
        """How often the list was asked for."""
        return self.asked.count("/v1/models")


@contextmanager
def scripted() -> Iterator[Scripted]:
    """One on a port of its own."""
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            script.asked.append(self.path.partition("?")[0])
            self._answer(script.models)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            script.asked.append(body["model"])
            self._answer(script.chats.get(body["model"]) or script.chats["*"])

        def _answer(self, answer: Answer) -> None:
            time.sleep(answer.wait_s)
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body)
            body = body.encode() if isinstance(body, str) else body
            self.send_response(answer.status)
            for name, value in ({"content-type": "application/json"} | answer.headers).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                return  # the other side gave up waiting

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    script.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield script
    server.shutdown()
    server.server_close()
