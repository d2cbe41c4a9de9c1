"""From what the operator names to a decoder: our own forward, transformers, or a factory."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.torch.decoder import Shape
from backends.torch.models.device import device_of, dtype_of
from backends.torch.models.llama import Llama
from backends.torch.models.memory import require, weight_bytes
from backends.torch.models.portable import PortableOps
from backends.torch.models.trial import compare, run
from backends.torch.models.weights import Checkpoint, check
from backends.torch.weights.failure import said

if TYPE_CHECKING:
    import torch

    from backends.torch.decoder import Decoder
    from backends.torch.models.ops import Ops
    from backends.torch.models.weights import LoadProgress


def load(
    model: Path | str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    ops: Ops | None = None,
    int8: bool = False,
    context_tokens: int | None = None,
    progress: LoadProgress | None = None,
) -> Decoder:
    """The decoder of a folder in Hugging Face layout, or what `module:factory` makes.

    `ops` is the tier that runs the architectures we know, the portable one unless given; `int8`
    says that it packs their weights so. Positions beyond `context_tokens` are not made ready.

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
        need_bytes = (
            checkpoint.elements * number.itemsize
            if isinstance(config, str)
            else weight_bytes(config, number, int8=int8)
        )
        try:
            require(need_bytes, where)
        except ValueError as error:
            raise ValueError(f"{folder}: {error}") from None
        if not isinstance(config, str):
            window = min(config.context_tokens, context_tokens or config.context_tokens)
            config = replace(config, context_tokens=window)
            return Llama(config, checkpoint, ops or PortableOps())
    return _by_transformers(folder, where, number, progress)


def _by_transformers(
    folder: Path, device: torch.device, dtype: torch.dtype, progress: LoadProgress | None
) -> Decoder:
    from backends.torch.models.causal_lm import load_causal_lm  # noqa: PLC0415 - on demand

    decoder = load_causal_lm(folder, device, dtype, progress)
    try:
        compare(decoder)
    except Exception as error:  # transformers' models raise what they like
        raise ValueError(f"{folder}: {said(error)}") from error
    return decoder


def _made(name: str, device: torch.device, dtype: torch.dtype) -> Decoder:
    """What a factory makes; it is told the device and the number format if it asks for them."""
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ValueError(f"{name}: is neither a folder nor module:factory")
    try:
        factory = getattr(import_module(module), attribute)
        asked = signature(factory).parameters
    except (Exception, SystemExit) as error:  # it is the operator's code
        raise ValueError(f"{name}: cannot be imported: {said(error)}") from error
    known: dict[str, Any] = {"device": device, "dtype": dtype}
    try:
        decoder: Decoder = factory(**{key: known[key] for key in known if key in asked})
    except (Exception, SystemExit) as error:
        raise ValueError(f"{name}: made no decoder: {said(error)}") from error
    if not isinstance(getattr(decoder, "shape", None), Shape) or not hasattr(decoder, "forward"):
        raise ValueError(f"{name}: made no decoder: it has no `shape` or no `forward`")
    try:
        run(decoder)
    except Exception as error:  # likewise
        raise ValueError(f"{name}: cannot be run: {said(error)}") from error
    return decoder
