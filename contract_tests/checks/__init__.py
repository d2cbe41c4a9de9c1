"""Every check, one file a subject."""

from importlib import import_module

from contract_tests.check import Check

# The order in which reports show them.
GROUPS = ("models",)


def checks_of(group: str) -> tuple[Check, ...]:
    """The checks of one file, in the order in which they stand there."""
    module = import_module(f"contract_tests.checks.{group}")
    return tuple(one for one in vars(module).values() if isinstance(one, Check))


def every_check() -> tuple[Check, ...]:
    """The checks of all files."""
    return tuple(check for group in GROUPS for check in checks_of(group))
