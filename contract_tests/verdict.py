"""What a check can come to, and what it raises to say so.

AssertionError
└─ Broken           the server broke the rule: fail for a MUST, warn for the others
Exception
├─ Unsupported      the server refused cleanly: unsupported
├─ Uncooperative    the model did not do what the check needs: inconclusive after the retries
│  └─ TimedOut      the server did not answer in time, which no rule obliges it to: likewise
└─ Unreachable      there is no API to judge: the run ends
"""

from enum import StrEnum

TOO_SLOW = "the server took too long"
PATIENCE = "give it more time with --timeout-s, or less at once with --concurrency (pytest: -n)"


class Verdict(StrEnum):
    """The outcome of one check."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    UNSUPPORTED = "unsupported"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Broken(AssertionError):  # noqa: N818 - a verdict, not an error
    """The server broke the rule: what was expected, and what was seen instead."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen


class Unsupported(Exception):  # noqa: N818 - a verdict, not an error
    """The server refused cleanly what the check needs."""


class Uncooperative(Exception):  # noqa: N818 - a verdict, not an error
    """The model did not do what the check needs, which no rule obliges it to."""


class TimedOut(Uncooperative):
    """A wait ran out while the server may still have been at work: it is slow, or busy."""

    def __init__(self, waited: str) -> None:
        super().__init__(f"{TOO_SLOW}: {waited}; {PATIENCE}")


class Unreachable(Exception):  # noqa: N818 - a verdict, not an error
    """There is no API at the URL; the message is one line for the person who typed it."""
