"""Several reports as one HTML page: servers across, checks down."""

from collections.abc import Sequence
from dataclasses import dataclass

from contract_tests.report.model import Outcome, Report
from contract_tests.report.rendering import render
from contract_tests.verdict import Verdict

SIGNS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.WARN: "!",
    Verdict.UNSUPPORTED: "·",
    Verdict.INCONCLUSIVE: "?",
    Verdict.ERROR: "E",
}


@dataclass(frozen=True)
class Row:
    """One check, and what it came to on each server; None where it was not run."""

    check: Outcome
    outcomes: list[Outcome | None]


def grid(reports: Sequence[Report]) -> str:
    """The page. A click on a cell shows what was expected and seen."""
    return render(
        "matrix.html.j2", reports=reports, groups=rows(reports), signs=SIGNS, verdicts=list(Verdict)
    )


def rows(reports: Sequence[Report]) -> dict[str, list[Row]]:
    """The checks by group, in the order in which the reports have them."""
    known: dict[str, Outcome] = {}
    for report in reports:
        for outcome in report.outcomes:
            known.setdefault(outcome.id, outcome)
    by_server = [{outcome.id: outcome for outcome in report.outcomes} for report in reports]
    groups: dict[str, list[Row]] = {}
    for name, check in known.items():
        row = Row(check, [outcomes.get(name) for outcomes in by_server])
        groups.setdefault(check.group, []).append(row)
    return groups
