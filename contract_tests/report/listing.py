"""Every check in a table: in the terminal, and as `docs/contract.md`."""

from collections.abc import Iterable

from rich.table import Table

from contract_tests.capabilities import CAPABILITIES, PROFILES
from contract_tests.check import Check
from contract_tests.report.rendering import render
from contract_tests.requirements import REQUIREMENT_SET, digest


def listing(checks: Iterable[Check]) -> Table:
    """The checks for a terminal."""
    table = Table(box=None, header_style="dim")
    for name in ("check", "level", "rule", "needs", "source"):
        table.add_column(name, overflow="fold")
    for check in checks:
        sources = "; ".join(map(str, check.sources))
        table.add_row(check.id, check.level, check.rule, " ".join(check.needs), sources)
    return table


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
