"""What one check came to."""

from dataclasses import dataclass, field

from contract_tests.check import Check, Level
from contract_tests.verdict import Verdict
from contract_tests.wire.exchange import Exchange


@dataclass(slots=True)
class Result:
    """A check's verdict, with the requests that led to it; the last one shows a failure."""

    check: Check
    verdict: Verdict
    message: str = ""
    expected: str = ""
    seen: str = ""
    duration_s: float = 0.0
    attempts: int = 1
    exchanges: list[Exchange] = field(default_factory=list)
    baseline: str | None = None  # why this failure is a known one

    def blocks(self, *, strict: bool) -> bool:
        """Whether it makes the run fail: a MUST, or if `strict` a SHOULD, that is not known."""
        if self.baseline is not None:
            return False
        levels = {Level.MUST, Level.SHOULD} if strict else {Level.MUST}
        broken = self.verdict in {Verdict.FAIL, Verdict.WARN} and self.check.level in levels
        return broken or self.verdict is Verdict.ERROR
