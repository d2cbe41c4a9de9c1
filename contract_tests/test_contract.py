"""Every check of the contract as a test of its own."""

from collections.abc import Callable

import pytest

from contract_tests.check import Check, Level
from contract_tests.checks import every_check
from contract_tests.report.model import Outcome
from contract_tests.verdict import Verdict


@pytest.mark.parametrize("check", every_check(), ids=lambda check: check.id)
def test_rule(
    check: Check, judged: Callable[[Check], Outcome], pytestconfig: pytest.Config
) -> None:
    """A broken MUST fails, a broken SHOULD or MAY is an expected failure, the rest is skipped."""
    result = judged(check)
    strict = pytestconfig.getoption("--contract-strict") and check.level is Level.SHOULD
    text = f"{check.level}: {check.rule}\n{result.message}\n" + "\n".join(map(str, check.sources))
    if result.requests:
        text += f"\n{result.requests[-1].curl}"
    match result.verdict:
        case Verdict.PASS:
            return
        case Verdict.WARN if not strict:
            pytest.xfail(f"{check.level}: {result.message}")
        case Verdict.UNSUPPORTED | Verdict.INCONCLUSIVE:
            pytest.skip(f"{result.verdict}: {result.message}")
        case _:
            pytest.fail(text, pytrace=False)
