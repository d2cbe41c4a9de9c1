"""A circuit breaker for each route: a backend, and what it calls the model."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time
from typing import Literal

from purgatory import AsyncCircuitBreakerFactory, AsyncInMemoryUnitOfWork
from purgatory.domain.model import Context, ExcludeType, OpenedState
from purgatory.service._async.repository import AsyncInMemoryRepository

from backends.protocol.errors import BackendUnavailable

FAILURES = 5  # in a row, after which a circuit opens
OPEN_S = 30.0
MOST = 1000  # of model names, some are any client's to make
Circuit = tuple[str, str]
State = Literal["closed", "open", "half-open"]


class Breakers:
    """The circuits of the routes, at most `MOST`: those that were asked last."""

    def __init__(self, exclude: ExcludeType) -> None:
        self._kept = _Latest()
        work = AsyncInMemoryUnitOfWork()
        work.contexts = self._kept
        self._factory = AsyncCircuitBreakerFactory(FAILURES, OPEN_S, exclude, work)

    @asynccontextmanager
    async def guarded(self, circuit: Circuit) -> AsyncIterator[None]:
        """While entered, a failure counts towards opening the circuit.

        Raises:
            BackendUnavailable: it is open; code `circuit_open`.
        """
        breaker = await self._factory.get_breaker("\n".join(circuit))
        try:
            async with breaker:
                yield
        except OpenedState as error:
            wait_s = max(1, round(error.opened_at + OPEN_S - time()))
            raise BackendUnavailable(
                f"'{circuit[0]}' failed {FAILURES} times in a row for this model: its circuit is "
                f"open for {wait_s} s.",
                code="circuit_open",
                retry_after_s=wait_s,
            ) from error

    def state(self, circuit: Circuit) -> State:
        """How a circuit stands."""
        context = self._kept.breakers.get("\n".join(circuit))
        return _state(context) if context is not None else "closed"

    def failing(self) -> list[Circuit]:
        """The circuits that are not closed."""
        return [
            (name.partition("\n")[0], name.partition("\n")[2])
            for name, context in self._kept.breakers.items()
            if _state(context) != "closed"
        ]


class _Latest(AsyncInMemoryRepository):
    """The contexts that were asked for last."""

    breakers: OrderedDict[str, Context]

    def __init__(self) -> None:
        super().__init__()
        self.breakers = OrderedDict()

    async def get(self, name: str) -> Context | None:
        if name in self.breakers:
            self.breakers.move_to_end(name)
        return self.breakers.get(name)

    async def register(self, context: Context) -> None:
        await super().register(context)
        if len(self.breakers) > MOST:
            self.breakers.popitem(last=False)


def _state(context: Context) -> State:
    if context.state == "opened":
        over = context.opened_at is not None and time() > context.opened_at + context.ttl
        return "half-open" if over else "open"
    return "half-open" if context.state == "half-opened" else "closed"
