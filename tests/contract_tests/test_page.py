"""The pages for a browser: what failed comes first, and an address opens what it names."""

import base64
import hashlib
import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from contract_tests.report.model import Report
from tests.contract_tests.bad_servers import serving, status
from tests.contract_tests.commands import adapter

MODELS = b'{"object": "list", "data": [{"id": "m", "object": "model", "created": 1.5}]}'
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PAGES = ("report.html", "matrix.html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports on a server that breaks some rules and keeps others."""
    folder = tmp_path_factory.mktemp("pages")
    with serving(status(200, MODELS)) as url:
        run = adapter("check", url, "--only", "models", "--only", "chat.object", "--report-dir",
                      str(folder))  # fmt: skip
    assert run.returncode == 1, run.stderr
    file = str(folder / "report.json")
    adapter("matrix", file, file, "--output", str(folder / "matrix.html"))
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return Report.model_validate_json((folder / "report.json").read_bytes())


@pytest.mark.parametrize("name", PAGES)
def test_what_failed_comes_first(folder: Path, report: Report, name: str) -> None:
    text = (folder / name).read_text()
    verdicts = {one.id: one.verdict for one in report.outcomes}
    ids = [one for one in re.findall(r'<(?:details|tr)[^>]* id="([^"]+)"', text) if one in verdicts]
    assert sorted(ids) == sorted(verdicts)
    order = ["fail", "error", "warn", "inconclusive", "unsupported", "pass"]
    ranks = [order.index(verdicts[one]) for one in ids]
    assert ranks == sorted(ranks)
    assert {0, len(order) - 1} <= set(ranks)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_within_the_page_names_something(folder: Path, name: str) -> None:
    text = (folder / name).read_text()
    links = set(re.findall(r'href="#([^"]*)"', text))
    assert links
    assert links <= set(re.findall(r' id="([^"]+)"', text))


def test_the_causes_lead_to_what_is_broken(folder: Path, report: Report) -> None:
    causes, _, _ = (folder / "report.html").read_text().partition("<form>")
    assert set(re.findall(r'href="#([^"]+)"', causes)) == {one.id for one in report.broken()}


@pytest.mark.parametrize("name", PAGES)
def test_no_script_runs_but_the_page_s_own(folder: Path, name: str) -> None:
    text = (folder / name).read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.unescape(policy[1])
    assert "default-src 'none'" in html.unescape(policy[1])
    assert not re.search(r"<[^>]* on\w+=", text)


def in_a_browser(file: Path, fragment: str) -> str:
    """What the page has become in a browser that was sent to that fragment of it."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium to look with")
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000",
         f"--user-data-dir={file.parent / 'browser'}", "--dump-dom", f"{file.as_uri()}#{fragment}"],
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("verdict", ["fail", "pass"])
def test_an_address_opens_the_check_that_it_names(
    folder: Path, report: Report, verdict: str
) -> None:
    name = next(one.id for one in reversed(report.outcomes) if one.verdict == verdict)
    page = in_a_browser(folder / "report.html", name)
    row = re.search(rf'<details[^>]* id="{re.escape(name)}"[^>]*>', page)
    assert row
    assert 'open=""' in row[0]
    assert "hidden" not in row[0]
    passed = re.findall(r'<details[^>]*data-verdict="pass"[^>]*>', page)
    hidden = [one for one in passed if "hidden" in one]
    assert len(hidden) == len(passed) - (verdict == "pass")


def test_an_address_of_the_matrix_tells_of_the_check_that_it_names(folder: Path) -> None:
    page = in_a_browser(folder / "matrix.html", "models.model.created")
    dialog = re.search(r'<dialog open="">.*?</dialog>', page, re.DOTALL)
    assert dialog
    assert "models.model.created" in dialog[0]
    assert dialog[0].count("Seen: 1.5") == 2


@pytest.mark.parametrize("fragment", ["", "no.such.check", "%", "search", "%22%3E"])
def test_another_address_opens_nothing(folder: Path, fragment: str) -> None:
    page = in_a_browser(folder / "report.html", fragment)
    assert not re.search(r'<details[^>]*data-verdict="pass"[^>]*open=""', page)
