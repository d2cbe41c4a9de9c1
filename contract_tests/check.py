"""A check: one rule, who says so, and the coroutine that finds out whether a server keeps it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from contract_tests.sources import Source

if TYPE_CHECKING:
    from contract_tests.server import Server

    Run = Callable[[Server], Awaitable[None]]


class Level(StrEnum):
    """How hard a rule is, in the words of RFC 2119."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


MUST, SHOULD, MAY = Level.MUST, Level.SHOULD, Level.MAY

Sources = Source | Iterable["Sources"]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of the contract.

    `needs` names the capabilities without which the check says nothing. `clients` tells whom a
    broken rule hurts, and how. `cooperative`: the model must play along, so the check is repeated.
    `alone`: nothing else may run beside it, because it measures time or load.
    """

    id: str
    level: Level
    rule: str
    sources: tuple[Source, ...]
    run: "Run" = field(repr=False, compare=False)
    needs: tuple[str, ...] = ()
    clients: str = ""
    cooperative: bool = False
    alone: bool = False

    @property
    def group(self) -> str:
        """The subject, which is the first part of the id: `chat` for `chat.stream.done`."""
        return self.id.partition(".")[0]


def check(
    id: str,  # noqa: A002 - as a check is called everywhere
    level: Level,
    rule: str,
    *sources: Sources,
    needs: str | tuple[str, ...] = (),
    clients: str = "",
    cooperative: bool = False,
    alone: bool = False,
) -> "Callable[[Run], Check]":
    """Makes a `Check` of the coroutine function below it."""

    def make(run: "Run") -> Check:
        needed = (needs,) if isinstance(needs, str) else needs
        return Check(
            id, level, rule, tuple(_flat(sources)), run, needed, clients, cooperative, alone
        )

    return make


def _flat(sources: Iterable[Sources]) -> Iterable[Source]:
    for one in sources:
        if isinstance(one, Source):
            yield one
        else:
            yield from _flat(one)
