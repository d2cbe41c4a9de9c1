"""The services around several backends: who is asked first, and who stands in."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from time import perf_counter

from adapter.exchange import Attempt, ClientGone, Exchange
from adapter.metrics import OTHER
from adapter.routing.breakers import Breakers, State
from adapter.routing.config import BackendConfig, RouteConfig, RoutingConfig
from adapter.routing.own_lists import OwnLists
from adapter.routing.table import UNNAMED, Table
from adapter.service import Service
from backends.protocol import Backend, Closes, Measure, Measures, Model, Ready, Starts
from backends.protocol.errors import APIError, NotFoundError

GRACE_S = 60.0  # for the exchanges of a backend that the config no longer has
FALLS_BACK = frozenset({408, 429, *range(500, 600)})
Services = dict[str, tuple[BackendConfig, Service]]


@dataclass(frozen=True, slots=True)
class Route:
    """One way to answer: a backend, what it calls the model, and the service around it."""

    backend: str
    model: str
    service: Service


class Router:
    """Models over several backends; itself a list of models, as the catalog asks for one.

    `make` makes the service around a backend of that name, `provider_of` tells the provider of a
    model on the dynamic list, `report` takes each attempt and how its circuit stands then. The
    router is empty until `load`.
    """

    def __init__(
        self,
        make: Callable[[str, BackendConfig], Service],
        provider_of: Callable[[str], str | None],
        report: Callable[[Exchange, Attempt, State], None],
    ) -> None:
        self._make = make
        self._provider_of = provider_of
        self._report = report
        self._random = Random()  # noqa: S311 - shares of traffic, not secrets
        self._services: Services = {}
        self._busy: Counter[str] = Counter()
        self._closing: set[asyncio.Task[None]] = set()
        self._own_lists = OwnLists()
        self._breakers = Breakers(is_failure)
        self.load(RoutingConfig(backends={}))

    def made(self, config: RoutingConfig) -> Services:
        """The services of a config; those whose backend is configured as before are the same.

        Raises:
            ValueError: a backend cannot be made.
        """
        services: Services = {}
        for name, backend in config.backends.items():
            known = self._services.get(name)
            same = known if known is not None and known[0] == backend else None
            try:
                services[name] = same or (backend, self._make(name, backend))
            except ValueError as error:
                raise ValueError(f"CONFIG: backends.{name}: {error}") from error
        return services

    def load(self, config: RoutingConfig, services: Services | None = None) -> None:
        """Take a new config; a backend that it dropped ends its exchanges in peace."""
        services = self.made(config) if services is None else services
        kept = {id(service) for _, service in services.values()}
        gone = [one for _, one in self._services.values() if id(one) not in kept]
        self._table, self._services = Table(config, self._provider_of), services
        for service in gone:
            self._close_later(service)

    def first(self) -> Service:
        """The service around the first backend."""
        return next(service for _, service in self._services.values())

    async def models(self) -> Sequence[Model]:
        """What the config names, and the own lists of the backends that it does not name.

        Raises:
            APIError: the config names none, and no list can be read.
        """
        models = self._table.models()
        try:
            models += await self._own_lists.read(self._unnamed())
        except APIError:
            if not models:
                raise
        return models

    def takes_unlisted(self, model: str) -> bool:
        """Whether the config says who answers for it, or one backend alone may know it."""
        try:
            found = self._table.find(model)
        except NotFoundError:
            return False
        if found.why != UNNAMED:
            return True
        return self._own_lists.takes_unlisted(model, self._unnamed())

    async def start(self) -> None:
        """Starts every backend that takes time to."""
        for _, service in self._services.values():
            if isinstance(service.backend, Starts):
                await service.backend.start()

    def measures(self) -> Sequence[Measure]:
        """The numbers of all backends, each labelled with its backend's name."""
        return [
            replace(one, labels={**one.labels, "backend": name})
            for name, (_, service) in self._services.items()
            if isinstance(service.backend, Measures)
            for one in service.backend.measures()
        ]

    async def ready(self) -> bool:
        """Whether every backend that can say so is ready."""
        states = (await self.states()).values()
        return "not ready" not in states

    async def states(self) -> dict[str, str]:
        """Each backend by name: ready, not ready, or degraded where one of its circuits is open."""
        failing = {backend for backend, _ in self._breakers.failing()}
        states = {}
        for name, (_, service) in self._services.items():
            backend = service.backend
            if isinstance(backend, Ready) and not await backend.ready():
                states[name] = "not ready"
            else:
                states[name] = "degraded" if name in failing else "ready"
        return states

    def circuits(self) -> list[dict[str, str]]:
        """The circuit of each route that the config names, and of the others that are not closed.

        Of the others the model's name may be a client's own, so it is not told.
        """
        named = self._table.routes
        others = [one for one in self._breakers.failing() if one not in named]
        states = {one: self._breakers.state(one) for one in named}
        states |= {(one[0], OTHER): self._breakers.state(one) for one in others}
        return [
            {"backend": backend, "model": model, "circuit": state}
            for (backend, model), state in states.items()
        ]

    def routes(self, model: str, provider: str | None = None) -> list[Route]:
        """Who answers for a model, in the order in which they are asked.

        Raises:
            NotFoundError: nobody, or there is no such provider.
        """
        found = self._table.find(model, provider)
        ways = found.ways
        if found.why == UNNAMED and len(ways) > 1:
            takers = self._own_lists.takers(model, self._unnamed())
            ways = [way for way in ways if way.backend in takers] or ways
        return [
            self._route(way, model)
            for way in (*self._ordered(ways, found.balance), *found.fallback)
        ]

    @asynccontextmanager
    async def guarded(
        self, route: Route, exchange: Exchange, *, last: bool = False
    ) -> AsyncIterator[None]:
        """One attempt: while entered, the backend is busy, and a failure counts for the circuit.

        Raises:
            BackendUnavailable: the circuit is open, and this is not the `last` route.
        """
        circuit = (route.backend, route.model)
        attempt, since_s = Attempt(*circuit), perf_counter()
        self._busy[route.backend] += 1
        try:
            async with self._breakers.guarded(circuit, last=last) as trial:
                exchange.begin(route.backend)
                yield
                attempt.failed = trial.failed = exchange.status in FALLS_BACK
            attempt.reason = exchange.reason
        except BaseException as error:
            attempt.fail(error)
            attempt.failed = is_failure(error)
            raise
        finally:
            self._busy[route.backend] -= 1
            attempt.status = attempt.status or exchange.status
            attempt.seconds = perf_counter() - since_s
            self._report(exchange, attempt, self._breakers.state(circuit))

    async def aclose(self) -> None:
        """Closes every backend."""
        for _, service in self._services.values():
            if isinstance(service.backend, Closes):
                await service.backend.aclose()

    def _route(self, way: RouteConfig, model: str) -> Route:
        name = way.model or model
        return Route(way.backend, name, self._services[way.backend][1].renaming(name))

    def _unnamed(self) -> dict[str, Backend]:
        return {name: self._services[name][1].backend for name in self._table.unnamed}

    def _ordered(self, ways: Sequence[RouteConfig], balance: str) -> Sequence[RouteConfig]:
        if len(ways) == 1:
            return ways
        if balance == "least_busy":
            return sorted(ways, key=lambda way: self._busy[way.backend] / way.weight)
        # Each is first as often as its weight says; behind it the others, likewise.
        rest, order = list(ways), []
        while rest:
            weights = [way.weight for way in rest]
            order.append(rest.pop(self._random.choices(range(len(rest)), weights)[0]))
        return order

    def _close_later(self, service: Service) -> None:
        async def close() -> None:
            await asyncio.sleep(GRACE_S)
            if isinstance(service.backend, Closes):
                await service.backend.aclose()

        task = asyncio.ensure_future(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def falls_back(error: BaseException) -> bool:
    """Whether another route may do better."""
    return isinstance(error, APIError) and error.status in FALLS_BACK


def is_failure(error: BaseException) -> bool:
    """Whether it counts against a route: no refusal, and not the client's own leaving."""
    if isinstance(error, ClientGone | asyncio.CancelledError):
        return False
    return not isinstance(error, APIError) or falls_back(error)
