"""The numbers of one run: collected, drawn as one table, and written as JSON."""

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

PACKAGES = (
    "openai-server-kit",
    "uvicorn",
    "uvloop",
    "httptools",
    "fastapi",
    "pydantic",
    "orjson",
    "torch",
)
THREE_DIGITS = 100


class Report:
    """Samples by measure and server, in the order in which they first came."""

    def __init__(self, ratios: Sequence[tuple[str, str]]) -> None:
        self.samples: dict[str, dict[str, list[float]]] = {}
        self.failures: dict[tuple[str, str], str] = {}
        self.skipped: dict[str, str] = {}
        self._ratios = ratios

    def add(self, measure: str, server: str, value: float) -> None:
        """One more sample."""
        self.samples.setdefault(measure, {}).setdefault(server, []).append(value)

    def fail(self, measure: str, server: str, reason: str) -> None:
        """Marks one cell of the table as failed, for good."""
        self.samples.setdefault(measure, {}).setdefault(server, [])
        self.failures[measure, server] = reason

    def skip(self, server: str, reason: str) -> None:
        """Says why a server has no column."""
        self.skipped[server] = reason

    def table(self) -> str:
        """Median (min-max) by measure and server, the ratios of the medians, and what failed."""
        rows = self._rows("median (min-max)")
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in rows
        ]
        return "\n".join(lines + self._remarks()) + "\n"

    def markdown(self) -> str:
        """The same as a Markdown table, with what it was measured on."""
        rows = self._rows("")
        lines = [f"| {' | '.join(row)} |" for row in rows]
        lines.insert(1, "|---" * len(rows[0]) + "|")
        about = f"{datetime.now(UTC):%Y-%m-%d}, {_cpu()}, Python {platform.python_version()}."
        remarks = [f"- {remark}" for remark in self._remarks()]
        return "\n".join([about, "", *lines, *([""] if remarks else []), *remarks]) + "\n"

    def middle(self, measure: str, server: str) -> float | None:
        """The median of a cell; None where it failed or there is none."""
        values = self.samples.get(measure, {}).get(server)
        return median(values) if values and (measure, server) not in self.failures else None

    def write(
        self, path: Path, options: Mapping[str, int], versions: Mapping[str, str | None]
    ) -> None:
        """All samples with what they were measured on."""
        about = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "cpu": _cpu(),
            "kernel": platform.release(),
            "versions": {**_versions(), **versions},
            "options": options,
        }
        content = {
            **about,
            "samples": self.samples,
            "failures": [[*at, reason] for at, reason in self.failures.items()],
            "skipped": self.skipped,
        }
        path.write_text(json.dumps(content, indent=2) + "\n")

    def _rows(self, corner: str) -> list[list[str]]:
        servers = list(dict.fromkeys(name for row in self.samples.values() for name in row))
        pairs = [pair for pair in self._ratios if set(pair) <= set(servers)]
        rows = [[corner, *servers, *("/".join(pair) for pair in pairs)]]
        for measure in self.samples:
            cells = [self._cell(measure, name) for name in servers]
            rows.append([measure, *cells, *(self._ratio(measure, *pair) for pair in pairs)])
        return rows

    def _remarks(self) -> list[str]:
        failed = [f"FAILED {at[1]}, {at[0]}: {reason}" for at, reason in self.failures.items()]
        return failed + [f"skipped {name}: {reason}" for name, reason in self.skipped.items()]

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
        above, below = median(row[ours]), median(row[other])
        return f"{above / below:.2f}" if above > 0 and below > 0 else "-"


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
