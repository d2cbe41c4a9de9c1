"""A mutant: the healthy server with one planted defect, and the checks that must see it."""

from dataclasses import dataclass

from tests.mutants.layer import Layer


@dataclass(frozen=True)
class Mutant:
    """`kills` names each check that must turn red: fail for a MUST, warn for the others.

    `reference` names the healthy server it is planted in; see `references.py`.
    """

    id: str
    defect: str
    layer: Layer
    kills: tuple[str, ...]
    reference: str = "open"
