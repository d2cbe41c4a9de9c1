"""The report as Markdown, for a pull request or a job's summary."""

from contract_tests.report.model import Report
from contract_tests.report.rendering import render
from contract_tests.verdict import Verdict


def summary(report: Report) -> str:
    """Counts by group, then what is wrong."""
    return render("summary.md.j2", report=report, verdicts=list(Verdict), cell=_cell)


def _cell(text: str) -> str:
    """A text that cannot break out of its table cell."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
