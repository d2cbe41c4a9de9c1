"""A circuit breaker for each route: a backend, and what it calls the model."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import time
from typing import Literal

from purgatory.domain.model import Context, HalfOpenedState

from adapter.exchange import ClientGone
from backends.protocol.errors import BackendUnavailable

FAILURES = 5  # in a row, after which a circuit opens
OPEN_S = 30.0
MOST = 1000  # of model names, some are any client's to make
Circuit = tuple[str, str]
State = Literal["closed", "open", "half-open"]


@dataclass(slots=True)
class Trial:
    """One use of a route; `failed` is set by its user where nothing is raised."""

    failed: bool = False


class Breakers:
    """The circuits of the routes, at most `MOST`: those that were asked last.

    `is_failure` tells failures of the route from refusals, which are answers. A client that leaves
    says nothing about the route.
    """

    def __init__(
        self, is_failure: Callable[[BaseException], bool], *, open_s: float = OPEN_S
    ) -> None:
        self._is_failure = is_failure
        self._open_s = open_s
        self._contexts: OrderedDict[Circuit, Context] = OrderedDict()
        self._tried: set[Circuit] = set()  # half-open, and being asked

    @asynccontextmanager
    async def guarded(self, circuit: Circuit, *, last: bool = False) -> AsyncIterator[Trial]:
        """While entered, a failure counts towards opening the circuit.

        Half-open, it lets one through. Whoever has no other route is `last`, and always enters.

        Raises:
            BackendUnavailable: it is open; code `circuit_open`.
        """
        context = self._context(circuit)
        tries = self._enter(circuit, context, last=last)
        trial = Trial()
        try:
            yield trial
        except (ClientGone, asyncio.CancelledError):
            raise
        except BaseException as error:
            _leave(context, failed=self._is_failure(error))
            raise
        else:
            _leave(context, failed=trial.failed)
        finally:
            if tries:
                self._tried.discard(circuit)

    def state(self, circuit: Circuit) -> State:
        """How a circuit stands."""
        context = self._contexts.get(circuit)
        return _state(context) if context is not None else "closed"

    def failing(self) -> list[Circuit]:
        """The circuits that are not closed."""
        return [one for one, context in self._contexts.items() if _state(context) != "closed"]

    def _context(self, circuit: Circuit) -> Context:
        if circuit not in self._contexts:
            self._contexts[circuit] = Context("\n".join(circuit), FAILURES, self._open_s)
            if len(self._contexts) > MOST:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(circuit)
        return self._contexts[circuit]

    def _enter(self, circuit: Circuit, context: Context, *, last: bool) -> bool:
        """Whether this is the one that tries a half-open circuit."""
        state = _state(context)
        if state == "closed":
            return False
        if not last and (state == "open" or circuit in self._tried):
            wait_s = max(1, round((context.opened_at or 0) + self._open_s - time()))
            raise BackendUnavailable(
                f"'{circuit[0]}' failed {FAILURES} times in a row for this model: its circuit is "
                f"open for {wait_s} s.",
                code="circuit_open",
                retry_after_s=wait_s,
            )
        context.set_state(HalfOpenedState())
        self._tried.add(circuit)
        return True


def _leave(context: Context, *, failed: bool) -> None:
    if failed:
        context.handle_exception(BackendUnavailable(""))
    else:
        context.handle_end_request()
    context.messages.clear()  # for listeners, of which there are none


def _state(context: Context) -> State:
    if context.state == "opened":
        over = context.opened_at is not None and time() > context.opened_at + context.ttl
        return "half-open" if over else "open"
    return "half-open" if context.state == "half-opened" else "closed"
