"""One engine in a process of its own: started, asked, looked at, and stopped on any exit."""

import json
import select
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from engine_measure import Plan
from engine_table import Engine, script
from process import peak_rss_mb, stop

LIMIT_S = 400
END_S = 2  # between the end of its output and its own
TAIL_LINES = 3


class WorkerError(Exception):
    """An engine that could not be asked; carries the end of its log."""


@dataclass(frozen=True)
class Found:
    """What an engine's process said, and the most memory that it took."""

    samples: dict[str, list[float]]
    sample: list[int]
    peak_rss_mb: float


def ask(engine: Engine, plan: Plan, folder: Path) -> Found:
    """What a plan finds; the process waits with its memory until it has been looked at.

    Raises: WorkerError.
    """
    path = folder / f"{engine.name}-worker.log"
    with (
        path.open("wb") as log,
        subprocess.Popen(
            [engine.python, script(engine), json.dumps(asdict(plan))],
            cwd=folder,
            env=dict(engine.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            line = _line(process)
            if not line:
                lines = path.read_text(errors="replace").strip().splitlines()
                raise WorkerError(" | ".join([_end(process), *lines[-TAIL_LINES:]]))
            return Found(**json.loads(line), peak_rss_mb=peak_rss_mb(process.pid))
        finally:
            stop(process)


def _end(process: "subprocess.Popen[bytes]") -> str:
    try:
        return f"ended with {process.wait(END_S)}"
    except subprocess.TimeoutExpired:
        return f"no answer in {LIMIT_S} s"


def _line(process: "subprocess.Popen[bytes]") -> bytes:
    """The one line of its answer; nothing if it ended without, or took too long."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    ready, _, _ = select.select([process.stdout], [], [], LIMIT_S)
    return process.stdout.readline() if ready else b""
