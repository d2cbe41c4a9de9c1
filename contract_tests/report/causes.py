"""What is wrong by cause: the rules that one fault of the server breaks, told once."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from contract_tests.report.model import RED, Outcome, Report
from contract_tests.verdict import Verdict

LIKENESS_CHARS = 120  # of two texts that are compared
STATUS = re.compile(r"\d{3}(?= |$)")
STRING = r'"(?:[^"\\]|\\.)*(?:"|$)'
MEMBER = re.compile(rf"(?P<name>{STRING}\s*:\s*)(?:{STRING})?|{STRING}")
CHANGING = re.compile(r"[^\W_]*\d\w*(?:[-.]\w+)*")  # ids, times, counts


@dataclass(frozen=True)
class Cause:
    """The broken rules that have it, the worst first."""

    outcomes: list[Outcome]

    @property
    def lead(self) -> Outcome:
        """The one that stands for all."""
        return self.outcomes[0]


def causes(report: Report) -> list[Cause]:
    """What is wrong and not known, the worst first.

    Two rules have one cause where the same was expected and seen, or where the same answer, which
    is no success, was given to both. What changes from answer to answer makes no difference.
    """
    red = [one for one in report.outcomes if one.verdict in RED and one.baseline is None]
    ranked = sorted(red, key=lambda one: severity(one, strict=report.strict))
    found = [Cause(_typical_first(outcomes, report)) for outcomes in _joined(ranked)]
    return sorted(found, key=lambda one: severity(one.lead, strict=report.strict))


def _typical_first(outcomes: list[Outcome], report: Report) -> list[Outcome]:
    """The outcomes, the worst first, and of those the ones that expect what most of them do."""
    ranks = {one.id: severity(one, strict=report.strict) for one in outcomes}
    worst = min(ranks.values())
    expected = Counter(likeness(one.expected) for one in outcomes if ranks[one.id] == worst)
    return sorted(outcomes, key=lambda one: (ranks[one.id], -expected[likeness(one.expected)]))


def severity(outcome: Outcome, *, strict: bool) -> int:
    """Where it stands: what makes the run fail first, then SHOULD, then MAY."""
    if outcome.verdict in {Verdict.FAIL, Verdict.ERROR}:
        return 0 if outcome.verdict is Verdict.FAIL else 2
    if outcome.level == "SHOULD":
        return 1 if strict else 3
    return 4


def _joined(outcomes: Iterable[Outcome]) -> Iterable[list[Outcome]]:
    """The outcomes in groups, each of which is linked by what its members have alike."""
    groups: list[list[Outcome]] = []
    place: dict[tuple[str, ...], int] = {}
    for outcome in outcomes:
        likenesses = list(_likenesses(outcome))
        places = sorted({place[one] for one in likenesses if one in place})
        if not places:
            places = [len(groups)]
            groups.append([])
        first, *others = places
        for other in others:
            groups[first] += groups[other]
            groups[other] = []
        groups[first].append(outcome)
        place |= {one: first for one, at in place.items() if at in others}
        place |= dict.fromkeys(likenesses, first)
    return [group for group in groups if group]


def _likenesses(outcome: Outcome) -> Iterable[tuple[str, ...]]:
    yield "seen", likeness(outcome.expected), likeness(outcome.seen or outcome.message)
    last = outcome.requests[-1] if outcome.requests else None
    if last and not 200 <= last.status < 300:
        _, _, body = last.answer.partition("\n\n")
        yield "answer", str(last.status), likeness(body)


def likeness(text: str) -> str:
    """The text without what changes from answer to answer: values of JSON, ids, numbers.

    The message of an error stays, for another message is another cause; so does a status.
    """
    status = STATUS.match(text)
    rest = text[status.end() :] if status else text
    is_error = '"error"' in rest

    def without_value(member: re.Match[str]) -> str:
        name = member["name"] or ""
        return member[0] if is_error and name.startswith('"message"') else name

    rest = MEMBER.sub(without_value, rest)
    alike = CHANGING.sub("#", " ".join(rest.split()))
    return f"{status[0] if status else ''}{alike[:LIKENESS_CHARS]}"
