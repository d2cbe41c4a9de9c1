"""What checks raise becomes verdicts; how many run at once, and what ends a run."""

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from contract_tests.check import MAY, MUST, SHOULD, Check, Level
from contract_tests.run import Options, check_server
from contract_tests.runner import SILENCES, run
from contract_tests.server import Server
from contract_tests.verdict import Broken, Uncooperative, Unreachable, Unsupported, Verdict
from tests.contract_tests.bad_servers import hangs, serving
from tests.contract_tests.made_up import CHAT, Did, asks, judged, rule, target
from tests.contract_tests.tiny_apps import Asked, Reply, Running, refusal, running, says

if TYPE_CHECKING:
    from contract_tests.result import Result


def raises(*errors: Exception | None) -> Did:
    """A check that comes to one of those on each attempt; None passes."""

    async def did(server: Server) -> None:
        await server.get("/models")
        if error := errors[server.attempt - 1]:
            raise error

    return did


@pytest.fixture(scope="module")
def here() -> Iterator[Running]:
    """A server that accepts everything."""
    with running(says(Reply(CHAT))) as server:
        yield server


# --- verdicts ---


async def test_a_check_that_raises_nothing_passes(here: Running) -> None:
    result = await judged(here.url, rule(raises(None)))
    assert (result.verdict, result.message, result.attempts) == (Verdict.PASS, "", 1)
    assert [exchange.url for exchange in result.exchanges] == [f"{here.url}/models"]
    assert result.duration_s > 0


@pytest.mark.parametrize(
    ("level", "verdict"), [(MUST, Verdict.FAIL), (SHOULD, Verdict.WARN), (MAY, Verdict.WARN)]
)
async def test_broken_fails_a_must_and_warns_of_the_others(
    here: Running, level: Level, verdict: Verdict
) -> None:
    result = await judged(here.url, rule(raises(Broken("this", "that")), level=level))
    assert (result.verdict, result.expected, result.seen) == (verdict, "this", "that")
    assert result.message == "expected this; seen: that"


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (Unsupported("it cannot"), Verdict.UNSUPPORTED),
        (Uncooperative("it cannot"), Verdict.INCONCLUSIVE),
    ],
)
async def test_what_cannot_be_judged_is_no_failure(
    here: Running, error: Exception, verdict: Verdict
) -> None:
    result = await judged(here.url, rule(raises(error)))
    assert (result.verdict, result.message) == (verdict, "it cannot")


@pytest.mark.parametrize(
    "error", [KeyError("choices"), ZeroDivisionError("x"), AssertionError("x"), RecursionError("x")]
)
async def test_a_fault_of_the_suite_is_an_error_with_its_place(
    here: Running, error: Exception
) -> None:
    result = await judged(here.url, rule(raises(error)))
    assert result.verdict is Verdict.ERROR
    assert result.message.startswith(f"the suite itself failed: {type(error).__name__}: ")
    assert "(test_runner.py:" in result.message
    assert "\n" not in result.message
    assert "Traceback" not in result.message


async def test_a_check_without_end_is_an_error(here: Running) -> None:
    async def waits(_: Server) -> None:
        await asyncio.sleep(60)

    result = await judged(here.url, rule(waits), timeout_s=0.02)
    assert result.verdict is Verdict.ERROR
    assert "did not come to an end" in result.message


# --- prerequisites ---


async def test_an_absent_need_is_unsupported_and_the_check_does_not_run() -> None:
    with running(says(refusal(404))) as here:
        result = await judged(here.url, rule(needs="embeddings"))
    assert (result.verdict, result.attempts, result.exchanges) == (Verdict.UNSUPPORTED, 0, [])
    assert "embeddings" in result.message


async def test_a_property_of_the_model_that_does_not_show_is_inconclusive() -> None:
    texts = iter(range(100))

    async def another_each_time(_: Asked) -> Reply:
        return Reply({"choices": [{"index": 0, "message": {"content": str(next(texts))}}]})

    with running(another_each_time) as here:
        result = await judged(here.url, rule(needs="chat.deterministic"))
    assert (result.verdict, result.attempts) == (Verdict.INCONCLUSIVE, 0)
    assert "the same text each time" in result.message


async def test_a_need_that_is_declared_but_refused_lets_the_check_run() -> None:
    async def embeds(server: Server) -> None:
        await server.embed()

    with running(says(refusal(404))) as here:
        declared = frozenset({"embeddings"})
        result = await judged(here.url, rule(embeds, needs="embeddings"), declared=declared)
    assert result.verdict is Verdict.FAIL
    assert result.seen.startswith("404")


# --- attempts ---

NO = Uncooperative("it would not")


@pytest.mark.parametrize(
    ("errors", "verdict", "attempts"),
    [
        ((None,), Verdict.PASS, 1),
        ((NO, None), Verdict.PASS, 2),
        ((NO, NO, None), Verdict.PASS, 3),
        ((NO, NO, NO, None), Verdict.INCONCLUSIVE, 3),
        ((NO, Broken("a", "b"), None), Verdict.FAIL, 2),
        ((Broken("a", "b"), None), Verdict.FAIL, 1),
    ],
)
async def test_a_cooperative_check_is_tried_again(
    here: Running, errors: tuple[Exception | None, ...], verdict: Verdict, attempts: int
) -> None:
    result = await judged(here.url, rule(raises(*errors), cooperative=True), attempts=3)
    assert (result.verdict, result.attempts) == (verdict, attempts)


async def test_another_check_is_tried_once(here: Running) -> None:
    result = await judged(here.url, rule(raises(NO, None)), attempts=3)
    assert (result.verdict, result.attempts) == (Verdict.INCONCLUSIVE, 1)


async def test_another_attempt_asks_anew(here: Running) -> None:
    async def never(server: Server) -> None:
        await server.chat()
        raise Uncooperative("no")

    here.asked.clear()
    await judged(here.url, rule(never, cooperative=True), attempts=3)
    assert len(here.asked) == 3


# --- a run ---


class Beside:
    """Checks that tell which others were running beside them."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.seen: dict[str, set[str]] = {}
        self.most = 0

    def rule(self, name: str, **options: Any) -> Check:
        async def asks_a_while(server: Server) -> None:
            self.running.add(name)
            self.most = max(self.most, len(self.running))
            for _ in range(3):
                await server.get("/models", fresh=True)
                for one in self.running:
                    self.seen.setdefault(one, set()).update(self.running - {one})
            self.running.remove(name)

        return rule(asks_a_while, name, **options)


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_no_more_checks_run_at_once_than_allowed_and_some_run_alone(
    here: Running, concurrency: int
) -> None:
    beside = Beside()
    checks = [beside.rule(f"a.n{n}", alone=n % 4 == 0) for n in range(12)]
    heard: list[Result] = []
    async with target(here.url, concurrency=concurrency) as server:
        results = await run(server, checks, heard.append)
    assert [result.check for result in results] == checks
    assert all(result.verdict is Verdict.PASS for result in results)
    assert beside.most == concurrency
    assert not any(beside.seen[one.id] for one in checks if one.alone)
    assert {id(result) for result in heard} == {id(result) for result in results}
    assert [result.check.alone for result in heard] == [False] * 9 + [True] * 3


async def test_a_shared_request_is_sent_once_in_a_run(here: Running) -> None:
    async def shares(server: Server) -> None:
        assert await server.chat() is await server.chat()

    here.asked.clear()
    async with target(here.url) as server:
        results = await run(server, [rule(shares, f"a.n{n}") for n in range(6)])
        assert len(here.asked) == 1
        await run(server, [rule(asks, f"b.n{n}") for n in range(3)])
    assert len(here.asked) == 4
    assert [result.verdict for result in results] == [Verdict.PASS] * 6
    assert all(result.exchanges for result in results)


async def test_a_server_that_goes_silent_ends_the_run() -> None:
    began_s = time.monotonic()
    with serving(hangs) as url, pytest.raises(Unreachable, match="has stopped answering"):
        async with target(url, timeout_s=0.1) as server:
            await run(server, [rule(asks, f"a.n{n}") for n in range(40)])
    assert time.monotonic() - began_s < 1.5


async def test_a_server_that_goes_silent_ends_the_checks_that_run_alone_too() -> None:
    checks = [rule(asks, f"a.n{n}", alone=True) for n in range(SILENCES + 1)]
    with serving(hangs) as url, pytest.raises(Unreachable, match="has stopped answering"):
        async with target(url, timeout_s=0.05, concurrency=1) as server:
            await run(server, checks)


async def test_a_server_that_is_gone_in_the_middle_ends_the_run() -> None:
    with running(says(Reply(CHAT))) as here:
        options = Options([rule(asks, f"a.n{n}") for n in range(3)], {"chat": "m"}, timeout_s=1)
        assert not (await check_server(here.url, options)).failed
    with pytest.raises(Unreachable, match="nothing answers at"):
        async with target(here.url) as server:
            await run(server, options.checks)
