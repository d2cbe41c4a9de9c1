"""Every check: a line each for a terminal, and as `docs/contract.md`."""

from collections.abc import Iterable

from contract_tests.capabilities import CAPABILITIES, PROFILES
from contract_tests.check import Check
from contract_tests.report.rendering import render
from contract_tests.requirements import REQUIREMENT_SET, digest


def listing(checks: Iterable[Check], *, verbose: bool = False) -> str:
    """A line a check: its id, level and rule; if `verbose`, what it needs and its sources too."""
    every = list(checks)
    width = max((len(check.id) for check in every), default=0)
    return "".join(
        f"{check.id:<{width}}  {check.level:<6}  {check.rule}{_origin(check) if verbose else ''}\n"
        for check in every
    )


def _origin(check: Check) -> str:
    needs = f" Needs {', '.join(check.needs)}." if check.needs else ""
    return f"{needs} Source: {'; '.join(map(str, check.sources))}."


def document(checks: Iterable[Check]) -> str:
    """The checks as the Markdown of `docs/contract.md`."""
    every = list(checks)
    groups: dict[str, list[Check]] = {}
    for check in every:
        groups.setdefault(check.group, []).append(check)
    return render(
        "contract.md.j2",
        groups=groups,
        count=len(every),
        requirement_set=REQUIREMENT_SET,
        digest=digest(every),
        capabilities=CAPABILITIES,
        profiles=PROFILES,
    )


if __name__ == "__main__":
    from contract_tests.checks import every_check

    print(document(every_check()), end="")  # noqa: T201 - a document for a pipe
