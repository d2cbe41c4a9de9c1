"""The `adapter` command as a process."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx


def environment(**settings: str) -> dict[str, str]:
    """What a server needs of ours, and the settings."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **settings}


def adapter(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`python -m adapter` with those words, to its end."""
    command = [sys.executable, "-m", "adapter", *words]
    return subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd=folder,
        env=environment(**settings),
        text=True,
        timeout=15,
    )


def answers(url: str) -> bool:
    """Whether a server is there, within a while."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            return httpx.get(url).status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
    return False
