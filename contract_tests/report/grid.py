"""Several reports as one HTML page: servers across, checks down."""

from collections.abc import Sequence
from dataclasses import dataclass

from contract_tests.report.model import WORST_FIRST, Outcome, Report
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

    @property
    def worst(self) -> Verdict:
        """The worst of its verdicts."""
        return min((one.verdict for one in self.outcomes if one), key=WORST_FIRST.index)


def grid(reports: Sequence[Report]) -> str:
    """The page, what failed anywhere first. A click on a cell shows what was expected and seen.

    The address `#id` shows what the check of that id came to on every server.
    """
    return render(
        "matrix.html.j2",
        reports=reports,
        sections=sections(rows(reports)),
        signs=SIGNS,
        verdicts=list(Verdict),
    )


def rows(reports: Sequence[Report]) -> list[Row]:
    """The checks, in the order in which the reports have them."""
    known: dict[str, Outcome] = {}
    for report in reports:
        for outcome in report.outcomes:
            known.setdefault(outcome.id, outcome)
    by_server = [{outcome.id: outcome for outcome in report.outcomes} for report in reports]
    return [
        Row(check, [outcomes.get(name) for outcomes in by_server]) for name, check in known.items()
    ]


def sections(every: Sequence[Row]) -> dict[Verdict, list[Row]]:
    """The rows by the worst verdict that any server has in them."""
    found = {verdict: [row for row in every if row.worst is verdict] for verdict in WORST_FIRST}
    return {verdict: some for verdict, some in found.items() if some}
