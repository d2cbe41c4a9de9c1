"""Folders of providers, and an upstream that answers what it is told to."""

import json
import shutil
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner, Result

from tests.server import ROOT, free_port

with warnings.catch_warnings():
    # tenacity's newest release deprecates what backends/upstream/retry.py passes to it.
    warnings.filterwarnings("ignore", "The 'initial' parameter", DeprecationWarning)
    from backends.folder.cli import providers

EXAMPLES = ROOT / "examples/providers"
KEYS = {"ACME_API_KEY": "acme-key", "BROOK_TOKEN": "brook-key", "BROOK_REGION": "west"}
Body = dict[str, Any]

HEADER = "POST /ask HTTP/1.1\nX-Key: ${TEST_KEY}\n"
PAYLOAD: Body = {"to": "{{model}}", "say": "{{messages}}"}
WHOLE: Body = {"json": {"text": "out.text", "finish": "out.end", "error": "error"}}
EVENTS: Body = {
    "events": {"delta": "d", "finish": "f", "error": "e"},
    "finish_reasons": {"cut": "length"},
}


def metadata(port: int | str = 9, **changes: Any) -> Body:
    """The metadata of a provider on this machine."""
    given: Body = {"host": "127.0.0.1", "scheme": "http", "port": port, "models": ["m"]}
    given |= {"answer": WHOLE} | changes
    return {name: value for name, value in given.items() if value is not None}


def write(
    folder: Path, about: Body | str, header: str = HEADER, payload: Body | str = PAYLOAD
) -> Path:
    """A provider's folder; JSON may be given as text to be wrong."""
    folder.mkdir(parents=True)
    for name, content in (("metadata.json", about), ("payload.json", payload)):
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        (folder / name).write_text(text)
    (folder / "header.txt").write_text(header, newline="")
    return folder


def settings(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a server for the providers of a folder."""
    return {
        "FOLDER_PROVIDERS_DIR": str(folder),
        "FOLDER_HOSTS": "127.0.0.1",
        "TEST_KEY": "sk-test",
    } | more


def check(folder: Path, **environment: str) -> Result:
    """`adapter providers check`."""
    given = settings(folder.parent) | environment
    return CliRunner().invoke(providers, ["check", str(folder)], env=given)


class Canned(ThreadingHTTPServer):
    """Answers each request with the same pieces, and keeps what it was asked."""

    daemon_threads = True
    content_type = "application/json"
    status = 200
    length: int | None = None
    stalls = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pieces: Sequence[str] = ()
        self.asked: list[tuple[str, dict[str, str], Body]] = []
        self.left = threading.Event()

    def answer(
        self, *pieces: str, kind: str, status: int, length: int | None, stalls: bool
    ) -> None:
        """Answer so from now on; what was asked before is forgotten.

        With `length`, that many bytes are promised; with `stalls`, there is no end of comments
        until the client has left.
        """
        self.pieces, self.content_type, self.status, self.asked = pieces, kind, status, []
        self.length, self.stalls = length, stalls
        self.left.clear()


class _Handler(BaseHTTPRequestHandler):
    server: Canned

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.path, headers, body))
        self.send_response(self.server.status)
        self.send_header("Content-Type", self.server.content_type)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("X-Should-Retry", "false")
        if self.server.length is not None:
            self.send_header("Content-Length", str(self.server.length))
        self.end_headers()
        for piece in self.server.pieces:
            self.wfile.write(piece.encode())
            self.wfile.flush()
        while self.server.stalls:
            try:
                self.wfile.write(b": wait\n\n")
            except OSError:
                self.server.left.set()
                return
            time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def canned() -> Iterator[Canned]:
    """An upstream that says what it is told to, and then closes the connection."""
    server = Canned()
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def example_upstream(copies: Path) -> Iterator[Path]:
    """The upstream of the examples, and copies of their folders that lead to it."""
    port = free_port()
    command = [sys.executable, str(EXAMPLES / "upstream.py"), str(port)]
    process = subprocess.Popen(command)
    try:
        for name in ("acme", "brook"):
            shutil.copytree(EXAMPLES / name, copies / name)
            about = copies / name / "metadata.json"
            about.write_text(about.read_text().replace("9009", str(port)))
        transport = httpx.HTTPTransport(retries=8)
        with httpx.Client(transport=transport) as client:
            client.post(f"http://127.0.0.1:{port}/", json={})
        yield copies
    finally:
        process.terminate()
        process.wait()
