"""The report as one HTML page that needs nothing else."""

from contract_tests.report.model import Report
from contract_tests.report.rendering import render
from contract_tests.verdict import Verdict


def page(report: Report) -> str:
    """The page: search, filters, and for each failure its rule, source, request and answer."""
    return render("page.html.j2", report=report, verdicts=list(Verdict))
