"""The report as one HTML page that needs nothing else."""

from contract_tests.report.causes import causes, severity
from contract_tests.report.model import WORST_FIRST, Outcome, Report
from contract_tests.report.rendering import render
from contract_tests.verdict import Verdict


def page(report: Report) -> str:
    """The page: causes, search, filters, and for each check its rule, source, request and answer.

    What failed comes first. The address `#id` opens the check of that id.
    """
    return render(
        "page.html.j2",
        report=report,
        verdicts=list(Verdict),
        causes=causes(report),
        sections=_sections(report),
    )


def _sections(report: Report) -> dict[Verdict, list[Outcome]]:
    """The outcomes by verdict, a broken SHOULD before a broken MAY."""
    outcomes = sorted(report.outcomes, key=lambda one: severity(one, strict=report.strict))
    sections = {
        verdict: [one for one in outcomes if one.verdict is verdict] for verdict in WORST_FIRST
    }
    return {verdict: found for verdict, found in sections.items() if found}
