"""The numbers of one run: collected, drawn as one table, and written as JSON."""

import json
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

PACKAGES = ("openai-server-kit", "uvicorn", "uvloop", "httptools", "fastapi", "pydantic", "orjson")
RATIOS = (("ours", "aimock"), ("ours", "raw"))
THREE_DIGITS = 100


class Report:
    """Samples by measure and server, in the order in which they first came."""

    def __init__(self) -> None:
        self.samples: dict[str, dict[str, list[float]]] = {}
        self.failures: dict[tuple[str, str], str] = {}

    def add(self, measure: str, server: str, value: float) -> None:
        """One more sample."""
        self.samples.setdefault(measure, {}).setdefault(server, []).append(value)

    def fail(self, measure: str, server: str, reason: str) -> None:
        """Marks one cell of the table as failed, for good."""
        self.samples.setdefault(measure, {}).setdefault(server, [])
        self.failures[measure, server] = reason

    def table(self) -> str:
        """Median (min-max) by measure and server, the ratios of the medians, and what failed."""
        servers = list(dict.fromkeys(name for row in self.samples.values() for name in row))
        rows = [["median (min-max)", *servers, *("/".join(pair) for pair in RATIOS)]]
        for measure in self.samples:
            cells = [self._cell(measure, name) for name in servers]
            rows.append([measure, *cells, *(self._ratio(measure, *pair) for pair in RATIOS)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in rows
        ]
        lines += [f"FAILED {at[1]}, {at[0]}: {reason}" for at, reason in self.failures.items()]
        return "\n".join(lines) + "\n"

    def write(self, path: Path, options: dict[str, int], aimock_version: str | None) -> None:
        """All samples with what they were measured on."""
        about = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "cpu": _cpu(),
            "kernel": platform.release(),
            "versions": _versions() | {"aimock": aimock_version},
            "options": options,
        }
        failures = [[*at, reason] for at, reason in self.failures.items()]
        content = {**about, "samples": self.samples, "failures": failures}
        path.write_text(json.dumps(content, indent=2) + "\n")

    def _cell(self, measure: str, server: str) -> str:
        if (measure, server) in self.failures:
            return "FAILED"
        values = self.samples[measure].get(server)
        if values is None:
            return "-"
        low, middle, high = min(values), median(values), max(values)
        whole = high >= THREE_DIGITS or all(value == int(value) for value in values)
        digits = 0 if whole else 2
        spread = f" ({low:,.{digits}f}-{high:,.{digits}f})" if len(values) > 1 else ""
        return f"{middle:,.{digits}f}{spread}"

    def _ratio(self, measure: str, ours: str, other: str) -> str:
        row = self.samples[measure]
        failed = {(measure, ours), (measure, other)} & self.failures.keys()
        if failed or not {ours, other} <= row.keys():
            return "-"
        return f"{median(row[ours]) / median(row[other]):.2f}"


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    for program, option in (("node", "--version"), ("wrk", "--version")):
        try:
            result = subprocess.run([program, option], capture_output=True, text=True, check=False)
            found[program] = result.stdout.splitlines()[0]
        except (OSError, IndexError):
            found[program] = None
    return found


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
