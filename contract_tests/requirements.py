"""Which set of rules a report was judged by."""

import hashlib
from collections.abc import Iterable

from contract_tests.check import Check

# Raised by whoever changes a rule, a level or a need, so that two reports can be compared.
REQUIREMENT_SET = "2026.11"


def digest(checks: Iterable[Check]) -> str:
    """Twelve hex digits that change with any rule, its level or its needs."""
    lines = sorted(f"{one.id}|{one.level}|{one.rule}|{','.join(one.needs)}" for one in checks)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
