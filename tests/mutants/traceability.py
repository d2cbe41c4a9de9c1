"""Which mutant turned which check red, as an artefact of the run."""

from collections import defaultdict
from pathlib import Path

import pytest

VERDICT = "verdict of "


class Traceability:
    """A pytest plugin: writes a table of every check with the mutants that it killed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._killers: dict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        mutant = dict(report.user_properties).get("mutant")
        if report.when != "call" or mutant is None:
            return
        for name, verdict in report.user_properties:
            if name.startswith(VERDICT):
                self._killers[name.removeprefix(VERDICT)].append(f"{mutant} ({verdict})")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput") or not self._killers:
            return  # the controller hears of every test, its workers of some
        lines = ["| check | killed |", "|---|---|"]
        for check, killers in sorted(self._killers.items()):
            lines.append(f"| `{check}` | {', '.join(sorted(killers))} |")
        self._file.parent.mkdir(exist_ok=True)
        self._file.write_text("\n".join(lines) + "\n")
