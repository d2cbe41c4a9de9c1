"""The backends by name. Adding one is adding a line here, or naming it as `module:Class`."""

from importlib import import_module
from typing import Any

from pydantic import ValidationError

from backends.protocol import Backend
from backends.protocol.wrong_settings import faults_of

BACKENDS = {
    "echo": "backends.echo:EchoBackend",
    "anthropic": "backends.anthropic:AnthropicBackend",
    "folder": "backends.folder:FolderBackend",
    "mock": "backends.mock:MockBackend",
    "openai": "backends.openai:OpenAIBackend",
    "torch": "backends.torch.backend:TorchBackend",
}

# The extra of the package that brings what a backend imports, and the backends that load a model.
EXTRAS = {"torch": "torch"}
LOADS_A_MODEL = "torch"


def load(name: str, **options: Any) -> Backend:  # noqa: ANN401 - a backend's options are its own
    """A new backend by its name in the table or by `package.module:Class`, made with `options`.

    Raises:
        ValueError: the name is in no table and of no importable class, or the class refuses the
            options; the message is one line for the operator.
    """
    given = ", ".join(option.upper() for option in options)
    target = BACKENDS.get(name, name)
    module, _, attribute = target.partition(":")
    if not attribute:
        raise ValueError(f"no backend {name!r}: use {', '.join(BACKENDS)} or package.module:Class")
    try:
        factory = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"cannot load backend {name!r}: {error}{_install(name, error)}") from error
    try:
        backend: Backend = factory(**options)
    except ValidationError as error:
        raise ValueError("; ".join(faults_of(error))) from error
    except TypeError as error:
        advice = f"; --backend {LOADS_A_MODEL} loads a model" if name in BACKENDS else ""
        raise ValueError(f"{given}: the backend {name!r} takes none: {error}{advice}") from error
    return backend


def _install(name: str, error: Exception) -> str:
    """How to install what a backend imports, where it is missing and an extra brings it."""
    extra = EXTRAS.get(name)
    if extra is None or not isinstance(error, ModuleNotFoundError):
        return ""
    return (
        f"; install it by pip install -e '.[{extra}]' in a clone of the kit,"
        f" or pip install 'openai-server-kit[{extra}]'"
    )
