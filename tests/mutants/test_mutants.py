"""Every check can fail, and no check accuses the healthy server."""

from collections.abc import Callable, Iterator

import pytest

from contract_tests.checks import GROUPS, checks_of, every_check
from contract_tests.verdict import Verdict
from tests.mutants import every_mutant, mutants_of
from tests.mutants.mutant import Mutant
from tests.mutants.references import DOCUMENT
from tests.mutants.traceability import VERDICT
from tests.mutants.zoo import Zoo

CHECKS = {check.id: check for check in every_check()}
MUTANTS = every_mutant()
RED = {Verdict.FAIL, Verdict.WARN}


@pytest.fixture(scope="session")
def zoo() -> Iterator[Zoo]:
    with Zoo(MUTANTS) as zoo:
        yield zoo


@pytest.mark.parametrize("group", GROUPS)
def test_every_check_has_a_killer(group: str) -> None:
    killed = {check for mutant in mutants_of(group) for check in mutant.kills}
    assert killed == {check.id for check in checks_of(group)}


def test_ids_are_unique() -> None:
    assert len({mutant.id for mutant in MUTANTS}) == len(MUTANTS)
    assert len(CHECKS) == len(every_check())


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mutant_is_killed_by_each_check_that_names_it(
    zoo: Zoo, mutant: Mutant, record_property: Callable[[str, object], None]
) -> None:
    assert mutant.kills
    if mutant.kills[0].startswith("openapi.") and DOCUMENT is None:
        pytest.skip("OPENAI_OPENAPI_DOCUMENT names no document to judge by")
    results = zoo.judge(mutant.id, [CHECKS[name] for name in mutant.kills])
    record_property("mutant", mutant.id)
    for one in results:
        record_property(f"{VERDICT}{one.check.id}", one.verdict.value)
    survived = {
        one.check.id: f"{one.verdict}: {one.message}" for one in results if one.verdict not in RED
    }
    assert not survived


def planted() -> list[tuple[str, str]]:
    """Each group with the references in which its defects are planted, and with the open one."""
    pairs = {(group, one.reference) for group in GROUPS for one in mutants_of(group)}
    return sorted(pairs | {(group, "open") for group in GROUPS})


@pytest.mark.parametrize(("group", "reference"), planted())
def test_the_healthy_server_passes(zoo: Zoo, group: str, reference: str) -> None:
    """It is never accused; and it passes every check that is to see a defect planted in it."""
    proved = {name for one in MUTANTS if one.reference == reference for name in one.kills}
    absent = set() if DOCUMENT else {one.id for one in checks_of("openapi")}
    wrong = {
        one.check.id: f"{one.verdict}: {one.message}"
        for one in zoo.judge(reference, checks_of(group))
        if one.verdict in RED | {Verdict.ERROR}
        or (one.check.id in proved - absent and one.verdict is not Verdict.PASS)
    }
    assert not wrong
