"""What is measured from outside the server: load by wrk, and the import of the app."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import exchange
from process import ENVIRONMENT
from servers import FOLDER, REPOSITORY

GRACE_S = 15
ANSWER_LIMIT_S = 10
UNWANTED = ("torch", "transformers", "openai")

IMPORT = f"""
import json, sys, time
start_s = time.perf_counter()
import adapter.app
import_s = time.perf_counter() - start_s
print(json.dumps([import_s, [name for name in {UNWANTED!r} if name in sys.modules]]))
"""


@dataclass(frozen=True)
class Load:
    """One run of wrk."""

    requests: int
    duration_us: int
    non_2xx: int
    socket_errors: int
    p50_us: float
    p99_us: float

    @property
    def requests_per_s(self) -> float:
        """Answers of any status, per second."""
        return self.requests / self.duration_us * 1e6

    @property
    def failure(self) -> str | None:
        """What makes the run void, in words."""
        if self.requests and not self.non_2xx and not self.socket_errors:
            return None
        return f"{self.non_2xx} non-2xx, {self.socket_errors} socket errors of {self.requests}"


def wrk(
    port: int,
    request: Path,
    connections: int,
    seconds: int,
    headers: Mapping[str, str] | None = None,
) -> Load:
    """Load with the request in the file, over connections that stay open."""
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--timeout", f"{ANSWER_LIMIT_S}s"]
    command += ["--duration", f"{seconds}s", "--script", str(FOLDER / "chat.lua")]
    for name, value in {**exchange.HEADERS, **(headers or {})}.items():
        command += ["--header", f"{name}: {value}"]
    command += [f"http://{exchange.HOST}:{port}{exchange.PATH}", "--", str(request)]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + GRACE_S, check=True
    )
    return Load(**json.loads(result.stdout.splitlines()[-1]))


def import_app(core: int, folder: Path) -> tuple[float, list[str]]:
    """Seconds that `import adapter.app` takes, and the unwanted modules that it loads."""
    result = subprocess.run(
        ["taskset", "--cpu-list", str(core), sys.executable, "-c", IMPORT],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=GRACE_S,
        check=True,
    )
    seconds, unwanted = json.loads(result.stdout)
    return seconds, unwanted
