"""The report as Markdown, for a pull request or a job's summary."""

import re

from contract_tests.report.model import Report
from contract_tests.report.rendering import render
from contract_tests.verdict import Verdict


def summary(report: Report) -> str:
    """Counts by group, then what is wrong."""
    return render("summary.md.j2", report=report, verdicts=list(Verdict), cell=_cell, quote=_quote)


def _cell(text: str) -> str:
    """A text of ours, which cannot break out of its table cell."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _quote(text: str) -> str:
    """What a server said, as code: no link, picture or name in it means anything."""
    line = " ".join(text.replace("|", "\\|").split())
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    return f"{fence} {line} {fence}" if line else ""
