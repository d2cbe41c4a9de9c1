"""The adapter around a backend of one's own, started to be checked."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from contract_tests.verdict import Unreachable

START_S = 60.0
BANNER = re.compile(rb"on (http://\S+/v1)")


@contextmanager
def served(backend: str) -> Iterator[str]:
    """The base URL of `adapter serve --backend …` on a free port, stopped in the end.

    Raises:
        Unreachable: it did not start; the message is what it said.
    """
    command = [sys.executable, "-m", "adapter", "serve", "--backend", backend, "--port", "0"]
    environment = {**os.environ, "LOG_LEVEL": "error", "PYTHONUNBUFFERED": "1"}
    with TemporaryFile() as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)  # noqa: S603 - our own command
        try:
            yield _url(process, said.fileno(), backend)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _url(process: "subprocess.Popen[bytes]", said: int, backend: str) -> str:
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s:
        text = os.pread(said, 100_000, 0)
        banner = BANNER.search(text)
        if banner and _listens(url := banner.group(1).decode()):
            return url
        if process.poll() is not None:
            raise Unreachable(text.decode(errors="replace").strip())
        time.sleep(0.02)
    raise Unreachable(f"the adapter around {backend} did not start within {START_S:g} s")


def _listens(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port), timeout=1).close()
    except OSError:
        return False
    return True
