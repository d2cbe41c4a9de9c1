"""The report as a badge for a README."""

from contract_tests.report.model import Report
from contract_tests.report.rendering import render
from contract_tests.verdict import Verdict

LABEL = "OpenAI contract"
CHARACTER = 6.6  # pixels of an average character at 11 px
PADDING = 12
COLOURS = {"good": "#2da44e", "known": "#bf8700", "bad": "#cf222e"}


def badge(report: Report) -> str:
    """How many checks passed, and in red how many MUSTs are broken."""
    broken = report.count(Verdict.FAIL)
    known = sum(one.baseline is not None for one in report.outcomes)
    passed = report.count(Verdict.PASS)
    text = f"{broken} broken" if broken else f"{passed} passed"
    colour = COLOURS["bad" if report.failed else "known" if known else "good"]
    left, right = (round(len(part) * CHARACTER) + PADDING for part in (LABEL, text))
    return render(
        "badge.svg.j2", label=LABEL, text=text, colour=colour, left=left, width=left + right
    )
