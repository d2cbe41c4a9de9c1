"""The reports as files of one folder."""

from collections.abc import Callable
from pathlib import Path

from contract_tests.report.badge import badge
from contract_tests.report.junit import junit
from contract_tests.report.model import Report
from contract_tests.report.page import page
from contract_tests.report.summary import summary

FILES: dict[str, Callable[[Report], str]] = {
    "report.json": lambda report: report.model_dump_json(indent=1),
    "junit.xml": junit,
    "report.html": page,
    "summary.md": summary,
    "badge.svg": badge,
}


def write_reports(report: Report, folder: Path) -> None:
    """Every form of the report, in that folder, which is made where it is missing.

    Raises:
        ValueError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, render in FILES.items():
            (folder / name).write_text(render(report), encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{folder}: {error.strerror}") from error
