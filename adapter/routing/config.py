"""The `backends` and `models` of the config file: read, expanded, and checked by line."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from adapter.settings import SECTIONS
from backends.protocol.header_value import SECRET_NAME, header_value

VARIABLE = re.compile(r"\$\{(\w+)\}")


class Closed(BaseModel):
    """No other keys than these."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BackendConfig(BaseModel):
    """One backend: its name in the table or `package.module:Class`, and options of its own.

    `claims` are patterns of model names that are taken for its own where no model says otherwise.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    use: str
    claims: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """What the backend is made with."""
        return dict(self.model_extra or {})


class RouteConfig(Closed):
    """One way to answer: a backend, what it calls the model, and its share of the traffic."""

    backend: str
    model: str | None = None
    weight: int = Field(1, ge=1, le=1000)


def _named(value: object) -> object:
    return {"backend": value} if isinstance(value, str) else value


Fallback = Annotated[RouteConfig, BeforeValidator(_named)]


class ModelConfig(Closed):
    """One model: served by a `backend`, or by `routes` that share it, and then by `fallback`."""

    backend: str | None = None
    model: str | None = None
    aliases: tuple[str, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    fallback: tuple[Fallback, ...] = ()
    balance: Literal["weighted", "least_busy"] = "weighted"

    @model_validator(mode="after")
    def _one_way(self) -> "ModelConfig":
        if (self.backend is None) == (not self.routes):
            raise ValueError("give either 'backend' or 'routes'")
        if self.model is not None and self.backend is None:
            raise ValueError("'model' belongs to 'backend'; each of 'routes' has its own")
        return self

    def ways(self) -> tuple[RouteConfig, ...]:
        """The routes, one where only a backend is named."""
        if self.backend is None:
            return self.routes
        return (RouteConfig(backend=self.backend, model=self.model),)


class RoutingConfig(Closed):
    """What the config file says of backends and models."""

    backends: dict[str, BackendConfig]
    models: dict[str, ModelConfig] = {}

    @model_validator(mode="after")
    def _known(self) -> "RoutingConfig":
        taken: dict[str, str] = {}
        for name, model in self.models.items():
            for way in (*model.ways(), *model.fallback):
                if way.backend not in self.backends:
                    raise ValueError(f"models.{name}: there is no backend {way.backend!r}")
            for other in (name, *model.aliases):
                if taken.setdefault(other, name) != name:
                    raise ValueError(f"models.{name}: {other!r} is also {taken[other]}'s")
        return self


def read_routing(path: Path | None) -> RoutingConfig | None:
    """The routing of a config file; None where there is no file, or it names no backends.

    Raises:
        ValueError: it is wrong; the message names the file, the line and the key.
    """
    if path is None:
        return None
    try:
        text = path.read_text()
        root = yaml.compose(text)
        data = yaml.safe_load(text)
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"CONFIG: {path}: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict) or "backends" not in data:
        return None
    sections = {name: data[name] for name in SECTIONS if data.get(name) is not None}
    lines = _lines(root)
    try:
        return RoutingConfig.model_validate(_expanded(sections, (), lines, path))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(_told(path, first["loc"], first["msg"], lines)) from error


def require_routing(path: Path) -> RoutingConfig:
    """As `read_routing`, of a file that must name backends.

    Raises:
        ValueError: it is wrong, or names none.
    """
    config = read_routing(path)
    if config is None:
        raise ValueError(f"CONFIG: {path} names no backends")
    return config


def _expanded(value: Any, at: tuple[Any, ...], lines: Mapping[Any, int], path: Path) -> Any:  # noqa: ANN401 - YAML
    if isinstance(value, dict):
        return {key: _expanded(one, (*at, key), lines, path) for key, one in value.items()}
    if isinstance(value, list):
        return [_expanded(one, (*at, place), lines, path) for place, one in enumerate(value)]
    if not isinstance(value, str):
        return value
    missing = [name for name in VARIABLE.findall(value) if name not in os.environ]
    if missing:
        raise ValueError(_told(path, at, f"{missing[0]} is not in the environment", lines))
    # A variable that was read from a file often ends with a line break.
    value = VARIABLE.sub(lambda found: os.environ[found.group(1)].strip(), value)
    if not any(SECRET_NAME.search(str(key)) for key in at[2:]):
        return value
    try:
        return header_value(value)
    except ValueError as error:
        raise ValueError(_told(path, at, str(error), lines)) from error


def _lines(node: yaml.Node | None, at: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], int]:
    """The line of every place of a document."""
    if node is None:
        return {}
    lines = {at: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines |= _lines(value, (*at, key.value)) | {(*at, key.value): key.start_mark.line + 1}
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            lines |= _lines(value, (*at, place))
    return lines


def _told(path: Path, at: tuple[Any, ...], message: str, lines: Mapping[Any, int]) -> str:
    place = at
    while place and place not in lines:
        place = place[:-1]
    key = ".".join(map(str, at)) or "the file"
    reason = message.removeprefix("Value error, ")
    return f"CONFIG: {path}, line {lines.get(place, 1)}: {key}: {reason}"
