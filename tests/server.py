"""The real server as a process, and real clients for it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import httpx
import openai

ROOT = Path(__file__).parent.parent
START_S = 60.0
FIRST_PORT, WORKER_PORTS = 10_000, 1_000
KEY = "sk-test-key"


@dataclass
class Server:
    """A running server: where it is, and what it has written to standard error."""

    process: subprocess.Popen[bytes]
    port: int
    log_file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def http(self, **options: object) -> httpx.Client:
        """A plain client, relative to the server's root."""
        return httpx.Client(base_url=self.url, timeout=30, **options)  # type: ignore[arg-type]

    def client(self, key: str = KEY) -> openai.OpenAI:
        """The official client, which does not retry here."""
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0)

    def async_client(self, key: str = KEY) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0)

    def connect(self) -> socket.socket:
        """A raw connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


Serve = Callable[..., Server]


def free_port() -> int:
    """A port that is free, and that nobody else takes before it is used.

    Each test worker has ports of its own, below those that the system gives out by itself.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST_PORT + worker * WORKER_PORTS
    while True:
        port = first + SystemRandom().randrange(WORKER_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def start(folder: Path, *flags: str, **environment: str) -> Server:
    """A server with those flags and settings, ready for requests."""
    port = free_port()
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    log_file = folder / f"server-{port}.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "adapter", "serve", "--port", str(port), *flags],
            env={**inherited, "PYTHONPATH": str(ROOT), **environment},
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    server = Server(process, port, log_file)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {server.log}")
        try:
            httpx.get(f"{server.url}/health", timeout=5)
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return server
    server.stop()
    raise RuntimeError(f"the server did not start: {server.log}")
