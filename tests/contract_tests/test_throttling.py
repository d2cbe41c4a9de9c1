"""A server that throttles is given time, and asked again."""

from collections.abc import Awaitable, Callable

import pytest

from contract_tests.verdict import Verdict
from tests.contract_tests.made_up import CHAT, judged, rule
from tests.contract_tests.tiny_apps import Asked, Reply, refusal, running


def throttles(times: int, **headers: str) -> Callable[[Asked], Awaitable[Reply]]:
    """429 as often as that, then an answer."""
    left = iter(range(times))

    async def respond(_: Asked) -> Reply:
        return Reply(CHAT) if next(left, None) is None else refusal(429, **headers)

    return respond


async def test_a_throttled_request_waits_as_long_as_the_server_says() -> None:
    with running(throttles(2, **{"retry-after": "0.1"})) as here:
        result = await judged(here.url, rule(), pauses_s=(60, 60, 60))
    assert result.verdict is Verdict.PASS
    assert len(here.asked) == 3
    assert 0.2 <= result.duration_s < 1.5
    assert here.asked[0].body == here.asked[2].body


@pytest.mark.parametrize(
    "headers", [{}, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, {"retry-after": "nan"}]
)
async def test_without_a_number_of_seconds_the_pause_is_our_own(headers: dict[str, str]) -> None:
    with running(throttles(2, **headers)) as here:
        result = await judged(here.url, rule(), pauses_s=(0.01, 0.01))
    assert (result.verdict, len(here.asked)) == (Verdict.PASS, 3)


async def test_a_server_that_throttles_for_ever_is_inconclusive() -> None:
    with running(throttles(100, **{"retry-after": "0"})) as here:
        result = await judged(here.url, rule(), pauses_s=(0.01, 0.01))
    assert (result.verdict, len(here.asked)) == (Verdict.INCONCLUSIVE, 3)
    assert "the server throttles" in result.message
