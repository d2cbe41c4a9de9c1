"""Which checks a run takes."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from contract_tests.check import Check


def select(checks: Sequence[Check], only: Sequence[str]) -> tuple[Check, ...]:
    """The checks that a pattern names: an id, a group as `chat.stream`, or with `*`; all if none.

    Raises:
        ValueError: a pattern names nothing.
    """
    for pattern in only:
        if not any(_named(check, pattern) for check in checks):
            raise ValueError(f"no check is called {pattern}; see --list")
    return tuple(check for check in checks if not only or any(_named(check, one) for one in only))


def _named(check: Check, pattern: str) -> bool:
    return (
        check.id == pattern
        or check.id.startswith(pattern.rstrip(".") + ".")
        or fnmatchcase(check.id, pattern)
    )
