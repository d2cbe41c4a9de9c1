"""Servers with one planted defect each: they prove that every check of the contract can fail."""

from importlib import import_module

from contract_tests.checks import GROUPS
from tests.mutants.mutant import Mutant


def mutants_of(group: str) -> tuple[Mutant, ...]:
    """The mutants that prove the checks of `contract_tests/checks/<group>.py`."""
    mutants: tuple[Mutant, ...] = import_module(f"tests.mutants.{group}").MUTANTS
    return mutants


def every_mutant() -> tuple[Mutant, ...]:
    """The mutants of all files."""
    return tuple(mutant for group in GROUPS for mutant in mutants_of(group))
