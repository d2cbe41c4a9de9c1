"""A server that is late is not accused; one that does not end, or that gets stuck, is."""

import asyncio
from collections.abc import Iterator

import pytest

from contract_tests.capabilities import PROFILES
from contract_tests.check import Check
from contract_tests.checks import checks_of, every_check
from contract_tests.result import Result
from contract_tests.runner import run
from contract_tests.target import Target
from contract_tests.verdict import Verdict
from contract_tests.wire.client import LEFT_OPEN, LINGER_S
from tests.contract_tests.slow_servers import (
    dribbles,
    holds_up,
    never_begins,
    official,
    posts,
    stops_midway,
)
from tests.mutants.layer import Layer
from tests.mutants.mutant import Mutant
from tests.mutants.references import MODELS
from tests.mutants.zoo import Zoo

DONE = b"data: [DONE]\n\n"
LATE: dict[str, Layer] = {
    "before-the-answer": never_begins(),
    "after-the-head": stops_midway(lambda _: b""),
    "midway": stops_midway(lambda body: body[: len(body) // 3]),
    "for-ever": dribbles(),
    "sdk-before": never_begins(official),
    "sdk-midway": stops_midway(lambda body: body[: len(body) // 3], official),
    "probes": never_begins(lambda scope: scope["method"] == "OPTIONS" or posts(scope)),
}
STUCK: dict[str, Layer] = {
    "no-done": stops_midway(lambda body: body.removesuffix(DONE)),
    "comments": stops_midway(lambda body: body, more=b": still here\n\n"),
    "no-end-of-json": stops_midway(lambda body: body),
    "large": holds_up(minimum_bytes=1_000),
    "left": holds_up(after=b"Count from"),
}
CHECKS = {check.id: check for check in every_check()}
SDK = ("chat.stream.sdk", "models.list.sdk", "embeddings.sdk", "structured.schema.sdk")


@pytest.fixture(scope="module")
def zoo() -> Iterator[Zoo]:
    with Zoo([Mutant(name, "", layer, ()) for name, layer in (LATE | STUCK).items()]) as zoo:
        yield zoo


def judged(zoo: Zoo, name: str, checks: list[Check], timeout_s: float = 0.3) -> list[Result]:
    """What those checks say of that server, all of them at once."""
    url = f"http://127.0.0.1:{zoo.port}/{name}/v1"

    async def judging() -> list[Result]:
        target = Target(
            url,
            models=dict(MODELS),
            declared=PROFILES["full"],
            timeout_s=timeout_s,
            pauses_s=(),
            attempts=1,
            concurrency=1_000,
        )
        async with target:
            return await run(target, checks)

    return asyncio.run(judging())


def verdicts(results: list[Result]) -> dict[str, Verdict]:
    return {one.check.id: one.verdict for one in results}


def of(*names: str) -> list[Check]:
    return [CHECKS[name] for name in names]


@pytest.mark.parametrize("name", ["before-the-answer", "after-the-head", "midway", "for-ever"])
def test_a_late_answer_breaks_no_rule(zoo: Zoo, name: str) -> None:
    late = [one for one in CHECKS.values() if "chat" in one.needs and not one.alone]
    results = judged(zoo, name, late)
    asked = [one for one in results if any(sent.method == "POST" for sent in one.exchanges)]
    assert len(asked) > len(late) * 0.9
    for one in asked:
        assert one.verdict is Verdict.INCONCLUSIVE, f"{one.check.id}: {one.verdict} {one.message}"
        assert "--timeout-s" in one.message
        assert "--concurrency" in one.message


@pytest.mark.parametrize("group", ["stream", "sse", "stream_usage", "http_stream", "tools_stream"])
def test_a_stream_that_stops_midway_breaks_no_rule(zoo: Zoo, group: str) -> None:
    late = [one for one in checks_of(group) if not one.alone]
    assert set(verdicts(judged(zoo, "midway", late)).values()) == {Verdict.INCONCLUSIVE}


@pytest.mark.parametrize("name", ["sdk-before", "sdk-midway"])
def test_an_answer_that_is_late_for_the_official_client_breaks_no_rule(zoo: Zoo, name: str) -> None:
    # Its first use takes a second to import.
    found = verdicts(judged(zoo, name, of(*SDK), timeout_s=3))
    late = set(SDK) if name == "sdk-before" else set(SDK) - {"models.list.sdk"}
    assert {found[one] for one in late} == {Verdict.INCONCLUSIVE}


def test_what_is_not_found_out_in_time_is_not_called_unsupported(zoo: Zoo) -> None:
    late = of("cors.preflight.status", "auth.refuses.wrong", "load.cache.same")
    assert set(verdicts(judged(zoo, "probes", late)).values()) == {Verdict.INCONCLUSIVE}


@pytest.mark.parametrize("name", ["chat.stream.done", "completions.stream.done"])
def test_a_stream_that_is_over_and_never_says_done_breaks_the_rule(zoo: Zoo, name: str) -> None:
    (result,) = judged(zoo, "no-done", of(name))
    assert result.verdict is Verdict.FAIL, result.message


@pytest.mark.parametrize(
    ("name", "verdict"), [("no-done", Verdict.WARN), ("midway", Verdict.INCONCLUSIVE)]
)
def test_a_client_of_http_1_0_tells_a_late_stream_from_one_without_end(
    zoo: Zoo, name: str, verdict: Verdict
) -> None:
    (result,) = judged(zoo, name, of("http.http_1_0.stream"), timeout_s=1)
    assert result.verdict is verdict, result.message


def test_an_answer_that_is_whole_and_does_not_end_breaks_the_rule(zoo: Zoo) -> None:
    (result,) = judged(zoo, "no-end-of-json", of("http.plain.json"), timeout_s=2)
    assert result.verdict is Verdict.FAIL
    assert "no more of the answer within" in result.seen


def test_comments_after_done_do_not_keep_an_answer_going(zoo: Zoo) -> None:
    (result,) = judged(zoo, "comments", of("http.stream.closes"), timeout_s=LINGER_S * 2)
    assert result.verdict is Verdict.FAIL
    assert result.exchanges[-1].fault == LEFT_OPEN
    assert result.exchanges[-1].duration_s < LINGER_S * 2


@pytest.mark.parametrize("name", ["load.body.nested", "load.body.messages", "load.body.schema"])
def test_a_request_that_stops_a_quick_server_breaks_the_rule(zoo: Zoo, name: str) -> None:
    (result,) = judged(zoo, "large", of(name), timeout_s=1)
    assert result.verdict is Verdict.WARN, result.message
    (result,) = judged(zoo, "before-the-answer", of(name))
    assert result.verdict is Verdict.INCONCLUSIVE, result.message


def test_a_server_that_a_client_leaves_stuck_breaks_the_rule(zoo: Zoo) -> None:
    (result,) = judged(zoo, "left", of("load.disconnect.stream"), timeout_s=2)
    assert result.verdict is Verdict.WARN, result.message


def test_a_shared_request_that_was_late_is_asked_again(zoo: Zoo) -> None:
    results = judged(zoo, "before-the-answer", of("chat.object", "chat.created.integer"))
    assert len({id(one.exchanges[-1]) for one in results}) == 1
    url = f"http://127.0.0.1:{zoo.port}/before-the-answer/v1"

    async def asked_twice() -> list[bool]:
        async with Target(url, timeout_s=0.1, pauses_s=()) as target:
            for _ in range(2):
                await target.ask(target.exchange("POST", "/chat/completions", b"{}"))
            return [one.timed_out for one in target.exchanges]

    assert asyncio.run(asked_twice()) == [True, True]
