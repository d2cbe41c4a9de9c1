"""One server process at a time: started on its own core, watched, and stopped on any exit."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import exchange
from servers import Server

START_LIMIT_S = 30
STOP_LIMIT_S = 5
POLL_S = 0.005
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath)}
LOG_TAIL_CHARS = 2000


class StartError(Exception):
    """A server that ended, or never answered; carries the end of its log."""


@dataclass(frozen=True)
class Running:
    """A server that has answered 200."""

    process_id: int
    port: int
    cold_start_s: float

    def rss_mb(self) -> float:
        """Resident memory of the whole process tree, in MB (10^6 bytes)."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(after_name[1]), []).append(int(entry.name))
        tree = [self.process_id]
        for process_id in tree:
            tree += parents.get(process_id, [])
        pages = 0
        for process_id in tree:
            with suppress(OSError):
                pages += int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def running(server: Server, core: int, folder: Path) -> Iterator[Running]:
    """The server, answering, with `folder` as its working folder and for its log.

    Raises: StartError.
    """
    port, log = _free_port(), folder / "server.log"
    command = [part.replace("{port}", str(port)) for part in server.command]
    with log.open("wb") as output:
        start_s = time.perf_counter()
        process = subprocess.Popen(
            ["taskset", "--cpu-list", str(core), *command],
            cwd=folder,
            env={**ENVIRONMENT, **server.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        if not _answers(process, port, server.health, start_s + START_LIMIT_S):
            tail = log.read_text(errors="replace")[-LOG_TAIL_CHARS:]
            raise StartError(f"{server.name} did not start: {' '.join(command)}\n{tail}")
        yield Running(process.pid, port, time.perf_counter() - start_s)
    finally:
        _stop(process)


def _answers(process: subprocess.Popen[bytes], port: int, path: str, limit_s: float) -> bool:
    while time.perf_counter() < limit_s and process.poll() is None:
        with suppress(OSError, http.client.HTTPException, exchange.AnswerError):
            exchange.fetch(port, "GET", path)
            return True
        time.sleep(POLL_S)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((exchange.HOST, 0))
        port: int = listener.getsockname()[1]
        return port
