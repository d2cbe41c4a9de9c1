"""Which backends the config names for a model, and why: no backend is needed to say so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from adapter.routing.config import ModelConfig, RouteConfig, RoutingConfig
from backends.protocol import Model
from backends.protocol.errors import ModelNotFound, NotFoundError

UNNAMED = "no model names the backend"


@dataclass(frozen=True, slots=True)
class Found:
    """The ways to answer for a model: those that share it, those behind them, and why these."""

    why: str
    ways: Sequence[RouteConfig]
    fallback: Sequence[RouteConfig] = ()
    balance: str = "weighted"


class Table:
    """A config, asked for models; `provider_of` tells that of a model on the dynamic list."""

    def __init__(
        self, config: RoutingConfig, provider_of: Callable[[str], str | None] = lambda _: None
    ) -> None:
        self._config = config
        self._provider_of = provider_of
        named = {way.backend for one in config.models.values() for way in one.ways()}
        self.unnamed = [
            name
            for name, backend in config.backends.items()
            if name not in named and not backend.claims
        ]

        self.routes = _routes(config)

    def models(self) -> list[Model]:
        """What the config names: ids, aliases and patterns.

        A backend in `unnamed`, which no model names and which claims nothing, is not among them:
        it serves its own list.
        """
        models = []
        for name, model in self._config.models.items():
            owner = model.ways()[0].backend
            models += [Model(one, owned_by=owner) for one in (name, *model.aliases)]
        for name, backend in self._config.backends.items():
            models += [Model(claim, owned_by=name) for claim in backend.claims]
        return models

    def find(self, model: str, provider: str | None = None) -> Found:
        """The ways for a model: by id, alias, pattern, provider, model list, or claim.

        Raises:
            NotFoundError: the provider is none of ours, or nobody answers for the model.
        """
        found = self._configured(model)
        if found is None and provider is not None:
            if provider not in self._config.backends:
                raise NotFoundError(
                    f"There is no provider '{provider[:100]}'.",
                    param="provider",
                    code="provider_not_found",
                )
            found = Found("provider", [RouteConfig(backend=provider, model=model)])
        found = found or self._listed(model) or self._claimed(model)
        if found is None:
            raise ModelNotFound(model)
        return found

    def _listed(self, model: str) -> Found | None:
        provider = self._provider_of(model)
        if provider not in self._config.backends:
            return None
        return Found("model list", [RouteConfig(backend=provider, model=model)])

    def _configured(self, model: str) -> Found | None:
        models = self._config.models
        if model in models:
            return _of("id", models[model], model)
        for name, config in models.items():
            if model in config.aliases:
                return _of(f"alias of {name}", config, name)
        for name, config in models.items():
            if "*" in name and fnmatchcase(model, name):
                return _of(f"pattern {name}", config, model)
        return None

    def _claimed(self, model: str) -> Found | None:
        for name, backend in self._config.backends.items():
            for claim in backend.claims:
                if fnmatchcase(model, claim):
                    way = RouteConfig(backend=name, model=model)
                    return Found(f"{name} claims {claim}", [way])
        own = [RouteConfig(backend=name, model=model) for name in self.unnamed]
        return Found(UNNAMED, own) if own else None


def _routes(config: RoutingConfig) -> list[tuple[str, str]]:
    """Each backend with what it calls a model, where the config says both."""
    routes: dict[tuple[str, str], None] = {}
    for name, model in config.models.items():
        for way in (*model.ways(), *model.fallback):
            called = way.model or name
            if "*" not in called:
                routes[way.backend, called] = None
    return list(routes)


def _of(why: str, config: ModelConfig, model: str) -> Found:
    ways, fallback = (
        [way if way.model else way.model_copy(update={"model": model}) for way in some]
        for some in (config.ways(), config.fallback)
    )
    return Found(why, ways, fallback, config.balance)
