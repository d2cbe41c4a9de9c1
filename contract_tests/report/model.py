"""The report as JSON: what is written, and what `adapter matrix` reads back."""

from collections import Counter
from typing import Literal

from pydantic import BaseModel, ConfigDict

from contract_tests.expect import UNPRINTABLE, show
from contract_tests.result import Result
from contract_tests.verdict import Verdict
from contract_tests.wire.exchange import Exchange

EXCERPT = 1500  # characters of an answer that a report keeps
SHOWN = 3  # requests that a report keeps of one check: the last ones
RED = (Verdict.FAIL, Verdict.WARN, Verdict.ERROR)
WORST_FIRST = (
    *(Verdict.FAIL, Verdict.ERROR, Verdict.WARN),
    *(Verdict.INCONCLUSIVE, Verdict.UNSUPPORTED, Verdict.PASS),
)


class Closed(BaseModel):
    """No other keys than these."""

    model_config = ConfigDict(extra="forbid")


class SourceLine(Closed):
    """Who says so."""

    kind: str
    where: str
    url: str | None = None


class Request(Closed):
    """A request that led to a verdict, and how its answer began."""

    curl: str
    status: int
    answer: str
    duration_s: float


class Outcome(Closed):
    """One check: its rule and what came of it. Requests are kept where something is wrong."""

    id: str
    group: str
    level: Literal["MUST", "SHOULD", "MAY"]
    rule: str
    sources: list[SourceLine]
    needs: list[str]
    clients: str
    verdict: Verdict
    message: str
    expected: str
    seen: str
    baseline: str | None
    duration_s: float
    attempts: int
    requests: list[Request]


class Report(Closed):
    """One run against one server.

    `failed` tells whether the run fails: a MUST (with `strict`, also a SHOULD) is broken and not in
    the baseline, the suite itself failed, or a line of the baseline is stale.
    """

    schema_version: Literal[1] = 1
    requirement_set: str
    requirement_digest: str
    suite_version: str
    server: str
    url: str
    models: dict[str, str]
    profile: str
    strict: bool
    started_at: str
    duration_s: float
    failed: bool
    stale: list[str]
    outcomes: list[Outcome]

    def count(self, *verdicts: Verdict) -> int:
        """How many checks came to one of those."""
        counts = Counter(outcome.verdict for outcome in self.outcomes)
        return sum(counts[verdict] for verdict in verdicts)

    def groups(self) -> dict[str, list[Outcome]]:
        """The outcomes by group, in the order of the checks."""
        groups: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            groups.setdefault(outcome.group, []).append(outcome)
        return groups

    def broken(self) -> list[Outcome]:
        """What is wrong: failures first, then warnings, then faults of the suite."""
        red = [outcome for outcome in self.outcomes if outcome.verdict in RED]
        return sorted(red, key=lambda outcome: RED.index(outcome.verdict))


def blot(text: str, key: str | None) -> str:
    """The text without the key, and without what a file cannot hold or a terminal obeys.

    The ends of its lines are kept.
    """
    lines = text.replace("\r\n", "\n").expandtabs(4).split("\n")
    text = "\n".join(UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", line) for line in lines)
    return text.replace(key, "[key]") if key else text


def outcome_of(result: Result, key: str | None) -> Outcome:
    """The result as a report shows it; the key is blotted out wherever it stands."""
    check = result.check
    requests = result.exchanges[-SHOWN:] if result.verdict in RED else []

    def clean(text: str) -> str:
        return blot(show(text, EXCERPT), key)

    return Outcome(
        id=check.id,
        group=check.group,
        level=check.level.value,
        rule=check.rule,
        sources=[SourceLine(kind=s.kind, where=s.where, url=s.url) for s in check.sources],
        needs=list(check.needs),
        clients=check.clients,
        verdict=result.verdict,
        message=clean(result.message),
        expected=clean(result.expected),
        seen=clean(result.seen),
        baseline=result.baseline,
        duration_s=round(result.duration_s, 4),
        attempts=result.attempts,
        requests=[_request(exchange, key) for exchange in requests],
    )


def _request(exchange: Exchange, key: str | None) -> Request:
    headers = show("\n".join(f"{name}: {value}" for name, value in exchange.headers), EXCERPT)
    fault = f"\n\n[{show(exchange.fault)}]" if exchange.fault else ""
    answer = f"{headers}\n\n{show(exchange.text, EXCERPT)}{fault}"
    return Request(
        curl=blot(exchange.curl(), key),
        status=exchange.status,
        answer=blot(answer, key).strip(),
        duration_s=round(exchange.duration_s, 4),
    )
