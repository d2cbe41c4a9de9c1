"""`pytest --pyargs contract_tests --base-url URL`: the checks as ordinary tests."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from contract_tests.check import Check
from contract_tests.reach import reach
from contract_tests.report.model import Outcome, blot, outcome_of
from contract_tests.result import Result
from contract_tests.run import Options, declared_by, target_of
from contract_tests.runner import judge, prepare
from contract_tests.schema.official import Document
from contract_tests.served import served
from contract_tests.target import Target
from contract_tests.verdict import Unreachable


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `adapter check` that make sense here; `-k`, `-x` and `-n` are pytest's own."""
    group = parser.getgroup("contract", "the server under test")
    options = {
        "--base-url": "base URL of the server, as http://127.0.0.1:8000/v1",
        "--backend": "start the adapter around this backend (name or package.module:Class)",
        "--model": "model to chat with",
        "--api-key": "key to send; OPENAI_API_KEY by default",
        "--profile": "what must be there, as minimal-chat, tools, full",
        "--openapi": "OpenAPI document to judge by too",
        "--timeout-s": "longest silence to bear; 30 by default",
    }
    for name, text in options.items():
        try:
            group.addoption(name, help=text)
        except ValueError:  # pytest-base-url has an option of the same name and meaning
            continue
    group.addoption("--contract-strict", action="store_true", help="a broken SHOULD fails too")


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Iterator[tuple[asyncio.Runner, Target]]:
    """The server under test, reached, with the loop that its connections belong to."""
    url, backend = pytestconfig.getoption("--base-url"), pytestconfig.getoption("--backend")
    if bool(url) == bool(backend):
        pytest.exit("give --base-url URL or --backend NAME", returncode=2)
    try:
        options = _options(pytestconfig)
        with served(backend) if backend else nullcontext(url) as where, asyncio.Runner() as loop:
            target = target_of(where, options)
            loop.run(reach(target))
            yield loop, target
            loop.run(target.client.aclose())
    except (Unreachable, ValueError) as error:
        pytest.exit(str(error), returncode=2)


def _options(config: pytest.Config) -> Options:
    openapi, model = config.getoption("--openapi"), config.getoption("--model")
    profile = config.getoption("--profile") or ""
    declared_by(profile)
    return Options(
        checks=(),
        models={"chat": model} if model else {},
        key=config.getoption("--api-key") or os.environ.get("OPENAI_API_KEY"),
        profile=profile,
        document=Document(Path(openapi)) if openapi else None,
        timeout_s=float(config.getoption("--timeout-s") or 30),
    )


@pytest.fixture
def judged(target: tuple[asyncio.Runner, Target]) -> Callable[[Check], Outcome]:
    """What a check says of the server, as a report shows it."""
    loop, server = target

    async def judging(check: Check) -> Result:
        await prepare(server, [check])
        return await judge(server, check)

    def conclude(check: Check) -> Outcome:
        try:
            return outcome_of(loop.run(judging(check)), server.key)
        except Unreachable as error:
            pytest.exit(blot(str(error), server.key), returncode=2)

    return conclude
