"""From what the operator names to a decoder: our own forward, transformers, or a factory."""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.torch.models.device import device_of, dtype_of
from backends.torch.models.llama import Llama
from backends.torch.models.memory import require
from backends.torch.models.portable import PortableOps
from backends.torch.models.weights import Checkpoint, check

if TYPE_CHECKING:
    import torch

    from backends.torch.decoder import Decoder
    from backends.torch.models.config import Config
    from backends.torch.models.ops import Ops
    from backends.torch.models.weights import LoadProgress


def load(
    model: Path | str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    ops: Ops | None = None,
    progress: LoadProgress | None = None,
) -> Decoder:
    """The decoder of a folder in Hugging Face layout, or what `module:factory` makes.

    `ops` is the tier that runs the architectures we know, the portable one unless given.

    Raises:
        ValueError: it cannot be had; one line says why, for the operator.
    """
    where = device_of(device)
    number = dtype_of(dtype, where)
    if isinstance(model, str) and not Path(model).is_dir():
        return _made(model, where, number)
    folder = Path(model)
    config = check(folder)
    with Checkpoint(folder, dtype=number, device=where, progress=progress) as checkpoint:
        try:
            require(_need_bytes(checkpoint, config, number), where)
        except ValueError as error:
            raise ValueError(f"{folder}: {error}") from None
        if not isinstance(config, str):
            return Llama(config, checkpoint, ops or PortableOps())
    return _by_transformers(folder, where, number, progress)


def _need_bytes(checkpoint: Checkpoint, config: Config | str, dtype: torch.dtype) -> int:
    """What the weights take once loaded; a tied head that is packed stands there a second time."""
    elements = checkpoint.elements
    if not isinstance(config, str) and config.tied:
        elements += config.vocabulary * config.hidden
    return elements * dtype.itemsize


def _by_transformers(
    folder: Path, device: torch.device, dtype: torch.dtype, progress: LoadProgress | None
) -> Decoder:
    from backends.torch.models.causal_lm import load_causal_lm  # noqa: PLC0415 - on demand
    from backends.torch.models.trial import try_out  # noqa: PLC0415 - on demand

    decoder = load_causal_lm(folder, device, dtype, progress)
    try:
        try_out(decoder)
    except (ValueError, RuntimeError, IndexError) as error:
        raise ValueError(f"{folder}: {error}") from error
    return decoder


def _made(name: str, device: torch.device, dtype: torch.dtype) -> Decoder:
    """What a factory makes; it is told the device and the number format if it asks for them."""
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ValueError(f"{name}: is neither a folder nor module:factory")
    try:
        factory = getattr(import_module(module), attribute)
        asked = signature(factory).parameters
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{name}: cannot be imported: {error}") from error
    known: dict[str, Any] = {"device": device, "dtype": dtype}
    decoder: Decoder = factory(**{key: known[key] for key in known if key in asked})
    if not (hasattr(decoder, "shape") and hasattr(decoder, "forward")):
        raise ValueError(f"{name}: made no decoder: it has no `shape` or no `forward`")
    return decoder
