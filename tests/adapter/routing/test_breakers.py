"""The circuits of the routes: who opens one, who closes it, and how many are kept."""

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

from adapter.exchange import ClientGone
from adapter.routing.breakers import FAILURES, MOST, Breakers
from backends.protocol.errors import BackendUnavailable


async def fail(breakers: Breakers, model: str, times: int = FAILURES) -> None:
    for _ in range(times):
        with pytest.raises(ZeroDivisionError):
            async with breakers.guarded(("up", model)):
                raise ZeroDivisionError


async def test_a_circuit_is_its_own() -> None:
    breakers = Breakers(lambda _: True)
    await fail(breakers, "a")
    with pytest.raises(BackendUnavailable) as refused:
        async with breakers.guarded(("up", "a")):
            pass
    assert refused.value.code == "circuit_open"
    async with breakers.guarded(("up", "b")), breakers.guarded(("other", "a")):
        pass
    assert breakers.failing() == [("up", "a")]
    assert breakers.state(("up", "a")) == "open"
    assert breakers.state(("up", "never asked")) == "closed"


async def test_an_answer_in_between_starts_the_count_again() -> None:
    breakers = Breakers(lambda _: True)
    for _ in range(3):
        await fail(breakers, "a", FAILURES - 1)
        async with breakers.guarded(("up", "a")):
            pass
    assert breakers.failing() == []


async def test_a_client_that_leaves_says_nothing() -> None:
    breakers = Breakers(lambda _: True)
    for gone in (ClientGone(), asyncio.CancelledError()):
        await fail(breakers, "a", FAILURES - 1)
        with suppress(ClientGone, asyncio.CancelledError):
            async with breakers.guarded(("up", "a")):
                raise gone
        await fail(breakers, "a", 1)
        assert breakers.state(("up", "a")) == "open"
        async with breakers.guarded(("up", "a"), last=True):
            pass
        assert breakers.state(("up", "a")) == "closed"


async def test_a_failure_that_is_not_raised_counts_and_a_refusal_does_not() -> None:
    breakers = Breakers(lambda error: not isinstance(error, ZeroDivisionError))
    for _ in range(FAILURES - 1):
        async with breakers.guarded(("up", "a")) as trial:
            trial.failed = True
    await fail(breakers, "a", 1)
    assert breakers.failing() == []
    for _ in range(FAILURES):
        async with breakers.guarded(("up", "a")) as trial:
            trial.failed = True
    assert breakers.failing() == [("up", "a")]


async def test_a_half_open_circuit_lets_one_through() -> None:
    breakers = Breakers(lambda _: True, open_s=0)
    await fail(breakers, "a")
    assert breakers.state(("up", "a")) == "half-open"
    async with AsyncExitStack() as trial:
        await trial.enter_async_context(breakers.guarded(("up", "a")))
        with pytest.raises(BackendUnavailable):
            async with breakers.guarded(("up", "a")):
                pass
    async with breakers.guarded(("up", "a")), breakers.guarded(("up", "a")):
        pass
    assert breakers.failing() == []


async def test_the_circuits_that_were_asked_for_last_are_kept() -> None:
    breakers = Breakers(lambda _: True)
    await fail(breakers, "a")
    await fail(breakers, "line\nbreak")
    for number in range(MOST - 1):
        async with breakers.guarded(("up", f"m{number}")):
            pass
    assert breakers.failing() == [("up", "line\nbreak")]
    for number in range(MOST):
        async with breakers.guarded(("up", f"n{number}")):
            pass
    assert breakers.failing() == []
