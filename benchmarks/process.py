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

START_LIMIT_S = 60
STOP_LIMIT_S = 5
POLL_S = 0.005
SETTLE_S = 0.1
SETTLE_LIMIT_S = 2
SETTLED_CPU_S = 0.01
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath)}
LOG_TAIL_CHARS = 2000
TICKS = os.sysconf("SC_CLK_TCK")


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
        pages = 0
        for process_id in self._tree():
            with suppress(OSError):
                pages += int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def peak_rss_mb(self) -> float:
        """The most that each process of the tree has had resident, added up, in MB."""
        return peak_rss_mb(self.process_id)

    def cpu_s(self) -> float:
        """CPU time that the process tree has used, that of children that have ended included."""
        stats = _stats()
        return sum(sum(map(int, stats[one][11:15])) for one in self._tree() if one in stats) / TICKS

    def settle(self) -> None:
        """Waits until the server does next to nothing: what it was asked before may go on."""
        limit_s = time.perf_counter() + SETTLE_LIMIT_S
        before_s, now_s = -1.0, self.cpu_s()
        while now_s - before_s > SETTLED_CPU_S and time.perf_counter() < limit_s:
            time.sleep(SETTLE_S)
            before_s, now_s = now_s, self.cpu_s()

    def _tree(self) -> list[int]:
        return _tree(self.process_id)


@contextmanager
def running(
    server: Server,
    core: int | None,
    folder: Path,
    limit_s: float = START_LIMIT_S,
    poll_s: float = POLL_S,
) -> Iterator[Running]:
    """The server, answering, with `folder` as its working folder and for its log.

    It has one core, or with None all of them. Raises: StartError.
    """
    port, log = _free_port(), folder / f"{server.name}.log"
    command = [part.replace("{port}", str(port)) for part in server.command]
    for name, content in server.files.items():
        (folder / name).write_text(content.replace("{port}", str(port)))
    with log.open("wb") as output:
        start_s = time.perf_counter()
        process = subprocess.Popen(
            command if core is None else ["taskset", "--cpu-list", str(core), *command],
            cwd=folder,
            env={**ENVIRONMENT, **server.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        if not _answers(process, port, server.health, start_s + limit_s, poll_s):
            tail = log.read_text(errors="replace")[-LOG_TAIL_CHARS:]
            raise StartError(f"{server.name} did not start: {' '.join(command)}\n{tail}")
        yield Running(process.pid, port, time.perf_counter() - start_s)
    finally:
        stop(process)


def peak_rss_mb(root: int) -> float:
    """The most that each process of a tree has had resident, added up, in MB (10^6 bytes)."""
    kib = 0
    for process_id in _tree(root):
        with suppress(OSError):
            lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
            kib += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return kib * 1024 / 1e6


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that leads its session, and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _answers(
    process: subprocess.Popen[bytes], port: int, path: str, limit_s: float, poll_s: float
) -> bool:
    while time.perf_counter() < limit_s and process.poll() is None:
        with suppress(OSError, http.client.HTTPException, exchange.AnswerError):
            exchange.fetch(port, "GET", path)
            return True
        time.sleep(poll_s)
    return False


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for process_id, stat in _stats().items():
        children.setdefault(int(stat[1]), []).append(process_id)
    tree = [root]
    for process_id in tree:
        tree += children.get(process_id, [])
    return tree


def _stats() -> dict[int, list[str]]:
    """What follows its name in each process's stat, from the state on."""
    stats = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            stats[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
    return stats


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((exchange.HOST, 0))
        port: int = listener.getsockname()[1]
        return port
