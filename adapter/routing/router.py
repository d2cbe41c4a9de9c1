"""The services around several backends: who is asked first, who stands in, and who rests."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from adapter.exchange import ClientGone
from adapter.routing.config import BackendConfig, RouteConfig, RoutingConfig
from adapter.routing.table import Found, Table
from adapter.service import Service
from backends.protocol import Closes, Measure, Measures, Model, Ready, Starts
from backends.protocol.errors import APIError, BackendUnavailable

FAILURES = 5  # in a row, after which a backend rests
REST_S = 30.0
GRACE_S = 60.0  # for the exchanges of a backend that the config no longer has
FALLS_BACK = frozenset({408, 429, 500, 502, 503, 504})
Services = dict[str, tuple[BackendConfig, Service]]


@dataclass(frozen=True, slots=True)
class Route:
    """One way to answer: the service around a backend."""

    backend: str
    service: Service


class Router:
    """Models over several backends; itself a list of models, as the catalog asks for one.

    `make` makes the service around a backend, `provider_of` tells the provider of a model on the
    dynamic list. The router is empty until `load`.
    """

    def __init__(
        self,
        make: Callable[[BackendConfig], Service],
        provider_of: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._make = make
        self._provider_of = provider_of
        self._random = Random()  # noqa: S311 - shares of traffic, not secrets
        self._services: Services = {}
        self._busy: Counter[str] = Counter()
        self._closing: set[asyncio.Task[None]] = set()
        self._breakers = AsyncCircuitBreakerFactory(
            default_threshold=FAILURES,
            default_ttl=REST_S,
            exclude=[
                ClientGone,
                asyncio.CancelledError,
                (APIError, lambda error: not falls_back(error)),
            ],
        )
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
                services[name] = same or (backend, self._make(backend))
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
        """What the config names, and the own lists of the backends that it does not name."""
        models = self._table.models()
        for name in self._table.unnamed:
            models += await self._services[name][1].backend.models()
        return models

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
        """Each backend by name: ready, not ready, or resting after failures."""
        states = {}
        for name, (_, service) in self._services.items():
            backend = service.backend
            breaker = await self._breakers.get_breaker(name)
            if isinstance(backend, Ready) and not await backend.ready():
                states[name] = "not ready"
            else:
                states[name] = "resting" if breaker.context.state == "opened" else "ready"
        return states

    def routes(self, model: str, provider: str | None = None) -> list[Route]:
        """Who answers for a model, in the order in which they are asked.

        Raises:
            NotFoundError: nobody, or there is no such provider.
        """
        found = self._table.find(model, provider)
        return [
            Route(way.backend, self._services[way.backend][1].renaming(way.model or model))
            for way in (*self._ordered(found), *found.fallback)
        ]

    @asynccontextmanager
    async def guarded(self, route: Route) -> AsyncIterator[None]:
        """While entered, the backend is busy, and its failures count towards its rest.

        Raises:
            BackendUnavailable: it rests.
        """
        breaker = await self._breakers.get_breaker(route.backend)
        self._busy[route.backend] += 1
        try:
            async with breaker:
                yield
        except OpenedState as error:
            raise BackendUnavailable(
                f"The backend '{route.backend}' rests after several failures."
            ) from error
        finally:
            self._busy[route.backend] -= 1

    async def aclose(self) -> None:
        """Closes every backend."""
        for _, service in self._services.values():
            if isinstance(service.backend, Closes):
                await service.backend.aclose()

    def _ordered(self, found: Found) -> Sequence[RouteConfig]:
        if len(found.ways) == 1:
            return found.ways
        if found.balance == "least_busy":
            return sorted(found.ways, key=lambda way: self._busy[way.backend] / way.weight)
        # Each is first as often as its weight says; behind it the others, likewise.
        rest, order = list(found.ways), []
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
