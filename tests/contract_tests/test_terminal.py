"""What the terminal shows: a page by cause, lines to be pasted, a list to be searched."""

import asyncio
import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from contract_tests.checks import every_check
from contract_tests.report.model import Report
from tests.contract_tests.commands import ROOT, WIDE, adapter
from tests.contract_tests.tiny_apps import Asked, Reply, running, says
from tests.mutants.families import CHAT, ignores
from tests.mutants.layer import Answer, Call, around
from tests.mutants.mutant import Mutant
from tests.mutants.zoo import Zoo

PAGE_LINES = 60
WIDTHS = [{"COLUMNS": "40"}, {"COLUMNS": "80"}, {}]
GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body></body></html>"
NASTY = (
    "\x1b[31mred\x1b[0m \x07\r\x9b2J \u202e[bold]x[/bold] :smile: "
    "</script><script>alert(1)</script>"
)


def _bad_gateway(call: Call) -> Answer | None:
    valid = call.method == "POST" and call.param("messages") is not None
    return Answer(502, [(b"content-type", b"text/html")], GATEWAY) if valid else None


def _nasty(call: Call, answer: Answer) -> None:
    if call.path == CHAT and answer.status == 200 and not answer.is_stream:
        answer.body = b'{"object": "%s"}' % (NASTY * 10_000).encode("unicode-escape")


BROKEN = {
    "gateway": around(before=_bad_gateway),
    "usage": ignores("stream_options", path=CHAT),
    "nasty": around(after=_nasty),
}


@pytest.fixture(scope="module")
def zoo() -> Iterator[Zoo]:
    with Zoo([Mutant(name, "", layer, ()) for name, layer in BROKEN.items()]) as zoo:
        yield zoo


def checked(
    zoo: Zoo, name: str, *options: str, environment: Mapping[str, str] = WIDE
) -> subprocess.CompletedProcess[str]:
    """The command's end, at a server with that defect."""
    url = f"http://127.0.0.1:{zoo.port}/{name}/v1"
    run = adapter("check", url, "--model", "gpt-4o", *options, environment=environment)
    assert run.returncode == 1, run.stdout + run.stderr
    return run


# --- a page ---


def test_a_failing_server_is_told_on_a_page(zoo: Zoo, tmp_path: Path) -> None:
    run = checked(zoo, "gateway", "--profile", "chat", "--report-dir", str(tmp_path))
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    assert len(report.broken()) > 100
    assert len(run.stdout.splitlines()) < PAGE_LINES, run.stdout
    assert len(run.stderr.splitlines()) < 5, run.stderr
    assert "502 <html>" in run.stdout
    assert re.search(r"and \d+ MUST, \d+ SHOULD", run.stdout)
    verdicts = re.findall(r"^(FAIL|WARN|ERROR) ", run.stdout, re.MULTILINE)
    assert verdicts == sorted(verdicts, key=["FAIL", "ERROR", "WARN"].index)


def test_one_cause_is_told_once_with_all_that_it_breaks(zoo: Zoo) -> None:
    run = checked(zoo, "usage", "--only", "chat.stream.usage")
    assert run.stdout.count("a chunk with the usage") == 1
    assert run.stdout.count("curl -sS") == 2
    for name in ("given", "last", "choices", "elsewhere", "identity", "counts", "total", "same"):
        assert f"chat.stream.usage.{name}" in run.stdout, name


def test_every_broken_rule_is_told_if_asked(zoo: Zoo) -> None:
    run = checked(zoo, "usage", "--only", "chat.stream.usage", "--verbose")
    assert run.stdout.count("a chunk with the usage") > 7
    assert run.stdout.count("curl -sS") > 7
    assert re.search(r"^ *group +pass +fail", run.stdout, re.MULTILINE)


# --- lines that can be pasted ---


def pasted(text: str) -> list[str]:
    """The curl lines, each typed into a shell as it stands; what each was answered."""
    lines = [line for line in text.splitlines() if re.match(r"curl |printf ", line)]
    assert lines
    answers = []
    for line in lines:
        done = subprocess.run(
            ["sh", "-c", line], capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        answers.append(done.stdout)
    return answers


@pytest.mark.parametrize("environment", WIDTHS, ids=str)
def test_a_curl_line_can_be_pasted_at_any_width(zoo: Zoo, environment: dict[str, str]) -> None:
    run = checked(zoo, "usage", "--only", "chat.stream.usage", environment=environment)
    for answer in pasted(run.stdout):
        assert "data: [DONE]" in answer


def test_a_curl_line_can_be_pasted_from_a_terminal(zoo: Zoo) -> None:
    url = f"http://127.0.0.1:{zoo.port}/usage/v1"
    run = in_a_terminal("check", url, "--model", "gpt-4o", "--only", "chat.stream.usage")
    assert "\x1b[" in run
    for answer in pasted(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", run)):
        assert "data: [DONE]" in answer


def in_a_terminal(*arguments: str) -> str:
    """What a terminal of 40 columns is sent."""
    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "adapter", *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "TERM": "xterm"},
        stdout=terminal,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    os.close(terminal)
    said = b""
    with suppress(OSError):  # how Linux tells that the other end is closed
        while piece := os.read(controller, 65_536):
            said += piece
    os.close(controller)
    process.wait(60)
    return said.decode()


# --- a list that can be searched ---


@pytest.mark.parametrize("environment", WIDTHS, ids=str)
def test_the_list_has_a_line_a_check(environment: dict[str, str]) -> None:
    lines = adapter("check", "--list", environment=environment).stdout.splitlines()
    assert [line.split()[0] for line in lines] == [check.id for check in every_check()]
    (done,) = [line for line in lines if line.startswith("chat.stream.done ")]
    assert done.split(maxsplit=2)[1:] == ["MUST", "The last event of a stream is `[DONE]`."]


def test_the_list_can_be_narrowed_and_tell_more() -> None:
    lines = adapter("check", "--list", "--verbose", "--only", "chat.stream.done").stdout
    assert lines.count("\n") == 1
    assert "Needs chat.stream." in lines
    assert "Source: " in lines


# --- what a server says ---


@pytest.mark.parametrize("options", [(), ("--verbose",)], ids=str)
def test_nothing_that_a_server_says_is_obeyed(
    zoo: Zoo, tmp_path: Path, options: tuple[str, ...]
) -> None:
    run = checked(
        zoo, "nasty", "--only", "chat.object", "--only", "chat.choice", *options,
        "--report-dir", str(tmp_path), environment={"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", run.stdout)
    assert "[bold]x[/bold] :smile:" in run.stdout
    assert len(run.stdout) < 20_000
    for file in tmp_path.iterdir():
        text = file.read_text("utf-8")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), file.name
        if file.suffix == ".md":  # as code, where no tag means anything
            text = re.sub(r"(`+) .*? \1(?= \|)", "", text)
        assert "<script>alert" not in text or file.suffix == ".json", file.name
        assert len(text) < 400_000, file.name


@pytest.mark.parametrize("width", ["40", "200"])
def test_a_model_with_an_odd_name_breaks_no_report(tmp_path: Path, width: str) -> None:
    name = f"m{NASTY}" * 100

    async def respond(asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply({"object": "list", "data": [{"id": name, "object": "model"}]})
        return Reply({"error": {"message": "No.", "type": "x", "param": None, "code": None}}, 400)

    with running(respond) as here:
        run = adapter("check", here.url, "--only", "models", "--report-dir", str(tmp_path),
                      environment={"COLUMNS": width})  # fmt: skip
    assert run.returncode == 1, run.stderr
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", run.stdout + run.stderr)


def test_a_refusal_at_the_door_is_one_line() -> None:
    with running(says(Reply(content=f"<{NASTY}>".encode() * 5))) as here:
        run = adapter("check", here.url)
    assert run.returncode == 2
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", run.stderr)
    assert run.stderr.count("\n") == 1


def test_a_server_that_is_late_is_told_what_to_do(tmp_path: Path) -> None:
    async def respond(asked: Asked) -> Reply:
        if asked.method == "POST" and b"messages" in asked.body:
            await asyncio.sleep(2)
        return Reply({"object": "list", "data": [{"id": "m"}]})

    with running(respond) as here:
        run = adapter("check", here.url, "--only", "chat.object", "--timeout-s", "0.5",
                      "--model", "m", "--report-dir", str(tmp_path))  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"^inconclusive for 1 rule: the server took too long: no answer", run.stdout,
                     re.MULTILINE)  # fmt: skip
    assert "--timeout-s" in run.stdout
    assert "--concurrency" in run.stdout
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    assert [one.verdict for one in report.outcomes] == ["inconclusive"]
    assert "skipped" in (tmp_path / "junit.xml").read_text()
