"""The reports of a run against a server that breaks rules."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from contract_tests.report.model import Report
from tests.contract_tests.bad_servers import serving, status
from tests.contract_tests.commands import adapter
from tests.server import Server

MODELS = b'{"object": "list", "data": [{"id": "m<b>", "object": "model", "created": 1.5}]}'
KEY = "sk-very-secret-4711"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports on a server that answers every request with a list of one wrong model."""
    folder = tmp_path_factory.mktemp("reports")
    with serving(status(200, MODELS.replace(b"m<b>", KEY.encode()))) as url:
        run = adapter(
            "check", url, "--only", "models", "--api-key", KEY, "--report-dir", str(folder),
            "--name", "a <script> server",
        )  # fmt: skip
    assert run.returncode == 1, run.stderr
    (folder / "terminal.txt").write_text(run.stdout)
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return Report.model_validate_json((folder / "report.json").read_bytes())


def test_the_json_says_what_is_broken_and_who_says_so(report: Report) -> None:
    created = next(one for one in report.outcomes if one.id == "models.model.created")
    assert report.failed
    assert report.schema_version == 1
    assert created.verdict == "fail"
    assert "integer" in created.expected
    assert created.seen == "1.5"
    assert any(source.url for source in created.sources)
    assert created.requests[-1].status == 200
    assert re.match(r"[0-9]{4}\.[0-9]+$", report.requirement_set)


def test_a_curl_line_sends_the_request_again(report: Report) -> None:
    request = report.outcomes[0].requests or next(o for o in report.outcomes if o.requests).requests
    assert request[-1].curl.startswith("curl ")
    assert "$OPENAI_API_KEY" in request[-1].curl


def test_no_report_holds_the_key(folder: Path) -> None:
    for file in folder.iterdir():
        assert KEY not in file.read_text(), file.name
    assert "[key]" in (folder / "report.json").read_text()


def test_the_junit_file_counts_its_failures(folder: Path, report: Report) -> None:
    root = ET.fromstring((folder / "junit.xml").read_text())  # noqa: S314 - our own file
    failures = root.findall(".//failure")
    assert len(failures) == sum(one.verdict == "fail" for one in report.outcomes)
    assert sum(int(suite.get("failures", "")) for suite in root) == len(failures)
    assert len(root.findall(".//testcase")) == len(report.outcomes)
    assert "Model/required" in (failures[0].text or "")


def test_the_page_needs_nothing_else(folder: Path, report: Report) -> None:
    html = (folder / "report.html").read_text()
    assert not re.search(r'(src|href)="(?!https://github\.com|#)', html)
    assert "<script> server" not in html
    assert "a &lt;script&gt; server" in html
    assert all(f'id="{one.id}"' in html for one in report.outcomes)


def test_the_summary_is_a_table(folder: Path) -> None:
    lines = (folder / "summary.md").read_text().splitlines()
    assert any(line.startswith("| group |") for line in lines)
    assert any("`models.model.created`" in line and line.count("|") == 7 for line in lines)


def test_the_badge_tells_how_many_rules_are_broken(folder: Path, report: Report) -> None:
    badge = ET.fromstring((folder / "badge.svg").read_text())  # noqa: S314 - our own file
    broken = sum(one.verdict == "fail" for one in report.outcomes)
    assert badge.get("aria-label") == f"OpenAI contract: {broken} broken"


def test_the_terminal_shows_rule_expected_seen_and_source(folder: Path) -> None:
    text = (folder / "terminal.txt").read_text()
    for part in (
        "models.model.created",
        "rule",
        "expected",
        "seen 1.5",
        "source",
        "Model/required",
    ):
        assert part in re.sub(r" +", " ", text), part


def test_a_matrix_joins_reports(folder: Path, mock: Server, tmp_path: Path) -> None:
    adapter("check", f"{mock.url}/v1", "--only", "models", "--report-dir", str(tmp_path))
    page = tmp_path / "matrix.html"
    files = [str(folder / "report.json"), str(tmp_path / "report.json")]
    run = adapter("matrix", *files, "--output", str(page))
    assert run.returncode == 0, run.stderr
    html = page.read_text()
    assert "a &lt;script&gt; server" in html
    row = re.search(r"<b>models\.model\.created</b>.*?</tr>", html, re.DOTALL)
    assert row
    assert re.findall(r'<button class="(\w+)"', row.group(0)) == ["fail", "pass"]


@pytest.mark.parametrize("text", ["{}", "not JSON", '{"schema_version": 2}'])
def test_a_matrix_of_something_else(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(text)
    run = adapter("matrix", str(tmp_path / "r.json"))
    assert run.returncode == 2
    assert "is no report" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_baseline_excuses_a_failure_and_turns_stale(folder: Path, mock: Server) -> None:
    report = json.loads((folder / "report.json").read_text())
    known = folder / "known.yaml"
    broken = [one["id"] for one in report["outcomes"] if one["verdict"] in {"fail", "warn"}]
    known.write_text("".join(f'{name}: "#1: known"\n' for name in broken))
    with serving(status(200, MODELS)) as url:
        run = adapter("check", url, "--only", "models", "--baseline", str(known))
    assert run.returncode == 0, run.stdout
    assert "#1: known" in run.stdout
    run = adapter("check", f"{mock.url}/v1", "--only", "models", "--baseline", str(known))
    assert run.returncode == 1
    assert "stale in the baseline: models.model.created passes now" in run.stdout


def test_strict_fails_a_broken_should(tmp_path: Path) -> None:
    models = b'{"object": "list", "data": []}'
    with serving(status(200, models)) as url:
        arguments = ("check", url, "--only", "models.list.nonempty", "--model", "m")
        assert adapter(*arguments).returncode == 0
        assert adapter(*arguments, "--strict").returncode == 1
