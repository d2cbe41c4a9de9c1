"""The suite as pytest tests."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract_tests.bad_servers import page, serving, status
from tests.contract_tests.commands import ROOT
from tests.contract_tests.tiny_apps import Asked, Reply, running
from tests.server import Server


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`pytest …` in that folder, without the settings of our own tests."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_checks_are_tests(mock: Server, tmp_path: Path) -> None:
    done = run("--pyargs", "contract_tests", "--base-url", f"{mock.url}/v1", "-k", "models.",
               "--junit-xml", "junit.xml", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "models.model.created" in (tmp_path / "junit.xml").read_text()


def test_a_broken_must_fails_with_its_rule_and_source() -> None:
    models = b'{"object": "list", "data": [{"id": "m", "object": "model", "created": 1.5}]}'
    with serving(status(200, models)) as url:
        done = run("contract_tests", "--base-url", url, "-k", "models.model.created")
    assert done.returncode == 1
    assert "Every model has `created`" in done.stdout
    assert "Model/required" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(("flags", "status_"), [((), 0), (("--contract-strict",), 1)])
def test_a_broken_should_is_an_expected_failure(flags: tuple[str, ...], status_: int) -> None:
    with serving(status(200, b'{"object": "list", "data": []}')) as url:
        done = run(
            "contract_tests", "--base-url", url, "--model", "m", *flags,
            "-k", "models.list.nonempty",
        )  # fmt: skip
    assert done.returncode == status_, done.stdout


def test_a_server_that_is_late_is_not_accused() -> None:
    async def respond(asked: Asked) -> Reply:
        if b"messages" in asked.body:
            await asyncio.sleep(3)
        return Reply({"object": "list", "data": [{"id": "m"}]})

    with running(respond) as here:
        done = run("contract_tests", "--base-url", here.url, "--model", "m", "--timeout-s", "1",
                   "-k", "chat.object", "-rs")  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert "the server took too long: no answer within 1 s" in done.stdout


def test_a_server_that_goes_silent_ends_the_run_in_one_line() -> None:
    async def respond(asked: Asked) -> Reply:
        if b"messages" in asked.body:
            await asyncio.sleep(3)
        return Reply({"object": "list", "data": [{"id": "m"}]})

    with running(respond) as here:
        done = run("contract_tests", "--base-url", here.url, "--model", "m", "--timeout-s", "0.1",
                   "-k", "chat.created or chat.stream")  # fmt: skip
    assert done.returncode == 2, done.stdout
    assert "has stopped answering" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout


def test_nothing_that_a_server_says_is_obeyed() -> None:
    models = b'{"object": "list", "data": [{"id": "m", "created": "\\u001b[31m\\u0007"}]}'
    with serving(status(200, models)) as url:
        done = run("contract_tests", "--base-url", url, "-k", "models.model.created")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert "[31m" in done.stdout


def test_a_backend_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text((ROOT / "backends/echo.py").read_text())
    done = run("--pyargs", "contract_tests", "--backend", "mine:EchoBackend", "--profile",
               "minimal-chat", "-k", "models.list", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("flags", [(), ("--backend", "nonesuch"), ("--profile", "nonsense")])
def test_nothing_to_check(flags: tuple[str, ...]) -> None:
    done = run("contract_tests", *flags)
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr


def test_no_api() -> None:
    with serving(page) as url:
        done = run("contract_tests", "--base-url", url)
    assert done.returncode == 2
    assert "a web page, not an API" in done.stdout + done.stderr
