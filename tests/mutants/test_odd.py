"""No check accuses a server that is odd but right."""

import asyncio
from collections.abc import Iterator

import pytest

from contract_tests.check import Check
from contract_tests.checks import every_check
from contract_tests.result import Result
from contract_tests.runner import run
from contract_tests.verdict import Verdict
from tests.mutants.odd import ODD, Odd
from tests.mutants.zoo import Zoo

# What measures time says nothing of an answer that was held back to be edited.
CHECKS = [check for check in every_check() if not check.alone]


@pytest.fixture(scope="module")
def zoo() -> Iterator[Zoo]:
    with Zoo(ODD) as zoo:
        yield zoo


def _touched(odd: Odd) -> list[Check]:
    if not odd.touches:
        return CHECKS
    return [check for check in CHECKS if any(part in check.id for part in odd.touches)]


async def _judged(zoo: Zoo, odd: Odd) -> list[Result]:
    async with zoo.target(odd.id) as target:
        if odd.modest:
            target.declared = frozenset()
        return await run(target, _touched(odd))


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.id)
def test_an_odd_server_is_not_accused(zoo: Zoo, odd: Odd) -> None:
    results = asyncio.run(_judged(zoo, odd))
    red = {
        one.check.id: f"{one.verdict}: {one.message}"
        for one in results
        if one.verdict in {Verdict.FAIL, Verdict.ERROR}
        or (one.verdict is Verdict.WARN and one.check.id not in odd.warns)
    }
    assert not red


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd.warns], ids=lambda odd: odd.id)
def test_a_listed_warning_is_given(zoo: Zoo, odd: Odd) -> None:
    warned = {one.check.id for one in asyncio.run(_judged(zoo, odd)) if one.verdict is Verdict.WARN}
    assert set(odd.warns) <= warned
