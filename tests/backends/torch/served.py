"""The engine behind the whole server, ready."""

import time
from pathlib import Path

from tests.server import Server, start

READY_S = 240.0


def served(folder: Path, model: Path, **environment: str) -> Server:
    """A server of the model, once it is ready."""
    flags = ("--backend", "torch", "--model-path", str(model))
    server = start(folder, *flags, **environment)
    deadline = time.monotonic() + READY_S
    with server.http() as http:
        while http.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline, server.log
            time.sleep(0.05)
    return server
