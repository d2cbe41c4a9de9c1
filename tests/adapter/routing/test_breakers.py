"""The circuits of the routes: who opens one, who closes it, and how many are kept."""

import pytest

from adapter.routing.breakers import FAILURES, MOST, Breakers
from backends.protocol.errors import BackendUnavailable


async def fail(breakers: Breakers, model: str, times: int = FAILURES) -> None:
    for _ in range(times):
        with pytest.raises(ZeroDivisionError):
            async with breakers.guarded(("up", model)):
                raise ZeroDivisionError


async def test_a_circuit_is_its_own() -> None:
    breakers = Breakers([])
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
    breakers = Breakers([])
    for _ in range(3):
        await fail(breakers, "a", FAILURES - 1)
        async with breakers.guarded(("up", "a")):
            pass
    assert breakers.failing() == []


async def test_the_circuits_that_were_asked_for_last_are_kept() -> None:
    breakers = Breakers([])
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
