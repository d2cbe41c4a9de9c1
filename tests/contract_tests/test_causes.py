"""Which broken rules are told as one."""

from typing import Any

import pytest

from contract_tests.report.causes import causes
from contract_tests.report.model import Outcome, Report, Request
from contract_tests.verdict import Verdict

LEVELS = {Verdict.FAIL: "MUST", Verdict.WARN: "SHOULD", Verdict.ERROR: "MUST"}


def outcome(
    name: str,
    expected: str = "",
    seen: str = "",
    answer: tuple[int, str] | None = None,
    verdict: Verdict = Verdict.FAIL,
    **values: Any,
) -> Outcome:
    """A broken rule: what was expected and seen, and the answer that shows it."""
    requests = []
    if answer:
        text = f"date: today\n\n{answer[1]}"
        requests = [Request(curl="curl", status=answer[0], answer=text, duration_s=0)]
    given: dict[str, Any] = {
        "group": "chat",
        "level": LEVELS.get(verdict, "MUST"),
        "rule": "A rule.",
        "sources": [],
        "needs": [],
        "clients": "",
        "message": f"expected {expected}; seen: {seen}",
        "baseline": None,
        "duration_s": 0,
        "attempts": 1,
    }
    return Outcome(
        id=name,
        verdict=verdict,
        expected=expected,
        seen=seen,
        requests=requests,
        **{**given, **values},
    )


def found(*outcomes: Outcome, strict: bool = False) -> list[list[str]]:
    """The ids of the rules that have one cause."""
    report = Report(
        requirement_set="2026.1",
        requirement_digest="0",
        suite_version="0",
        server="s",
        url="u",
        models={},
        profile="",
        strict=strict,
        started_at="",
        duration_s=0,
        failed=True,
        stale=[],
        outcomes=list(outcomes),
    )
    return [[one.id for one in cause.outcomes] for cause in causes(report)]


def test_rules_that_expect_and_see_the_same_have_one_cause() -> None:
    lacking = ("a chunk with the usage", "none")
    assert found(outcome("a", *lacking), outcome("b", "[DONE]", "none"), outcome("c", *lacking)) \
        == [["a", "c"], ["b"]]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("{'id': 'chatcmpl-1a2b', 'n': 1}", "{'id': 'chatcmpl-3c4d', 'n': 22}", True),
        ('400 {"detail":[{"loc":["body","n"]}]}', '400 {"detail":[{"loc":["body","stop"]}]}', True),
        ('400 {"error":{"message":"no n"}}', '400 {"error":{"message":"no seed"}}', False),
        ('500 {"error":{"message":"at 12.5"}}', '500 {"error":{"message":"at 13.1"}}', True),
        ('400 {"detail":"no"}', '500 {"detail":"no"}', False),
        ("the role assistant", "the role user", False),
    ],
)
def test_what_changes_from_answer_to_answer_makes_no_other_cause(
    one: str, other: str, alike: bool
) -> None:
    assert len(found(outcome("a", "200", one), outcome("b", "200", other))) == (1 if alike else 2)


def test_one_answer_that_is_no_success_is_one_cause_whatever_was_expected() -> None:
    gone = (502, "<html>Bad Gateway</html>")
    assert found(
        outcome("a", "200", "502 <html>Bad Gateway</html>", gone),
        outcome("b", "a JSON body", "Expecting value: <html>", gone),
        outcome("c", "200", "502 <html>Bad Gateway</html>", gone),
    ) == [["a", "c", "b"]]


def test_one_good_answer_may_break_rules_for_several_causes() -> None:
    good = (200, '{"object":"x"}')
    assert len(found(outcome("a", "`id`", "{}", good), outcome("b", "`model`", "{}", good))) == 2


def test_what_is_linked_by_a_third_is_one_cause() -> None:
    assert found(
        outcome("a", "200", "no", (500, "x")),
        outcome("b", "204", "none", (500, "y")),
        outcome("c", "200", "no", (500, "y")),
        outcome("d", "204", "none"),
    ) == [["a", "b", "c", "d"]]


def test_what_fails_the_run_comes_first_and_what_is_known_not_at_all() -> None:
    broken = [
        outcome("may", "a", "1", verdict=Verdict.WARN, level="MAY"),
        outcome("should", "b", "2", verdict=Verdict.WARN),
        outcome("error", "c", "3", verdict=Verdict.ERROR),
        outcome("must", "d", "4"),
        outcome("known", "e", "5", baseline="#1"),
        outcome("fine", verdict=Verdict.PASS),
    ]
    assert found(*broken) == [["must"], ["error"], ["should"], ["may"]]
    assert found(*broken, strict=True) == [["must"], ["should"], ["error"], ["may"]]
