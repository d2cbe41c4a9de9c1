"""The library's functions and structures, as ctypes. What they mean stands in native/."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_float, c_int, c_long, c_void_p
from typing import TYPE_CHECKING, Any, ClassVar

from backends.torch.kernels.build import NoKernelsError

if TYPE_CHECKING:
    from pathlib import Path


class Weight(Structure):
    """A linear's weight: native/linear.h."""

    _fields_: ClassVar = [
        ("blocks", c_void_p),
        ("bias", c_void_p),
        ("scales", c_void_p),
        ("sums", c_void_p),
        ("outs", c_long),
        ("steps", c_long),
    ]


class StepView(Structure):
    """What is the same for all layers of a step: native/cache.h."""

    _fields_: ClassVar = [
        ("positions", c_void_p),
        ("tables", c_void_p),
        ("starts", c_void_p),
        ("cos", c_void_p),
        ("sin", c_void_p),
        ("decoding", c_long),
        ("sequences", c_long),
        ("blocks", c_long),
        ("heads", c_long),
        ("kv_heads", c_long),
        ("size", c_long),
        ("block_tokens", c_long),
        ("longest", c_long),
        ("scale", c_float),
        ("shared", c_int),
    ]


class LayerView(Structure):
    """One layer's weights, and its share of the cache: native/layers.c."""

    _fields_: ClassVar = [
        *[(name, Weight) for name in ("qkv", "output", "gate_up", "down")],
        ("attention_norm", c_void_p),
        ("mlp_norm", c_void_p),
        ("head_norm", c_void_p),
        ("keys", c_void_p),
        ("values", c_void_p),
    ]


class StackView(Structure):
    """What is the same for all layers, and room for what is between them: native/layers.c."""

    _fields_: ClassVar = [
        ("step", POINTER(StepView)),
        *[(name, c_long) for name in ("count", "hidden", "heads", "kv_heads", "size", "inner")],
        ("eps", c_float),
        *[(name, c_int) for name in ("tiles", "int8", "threads")],
        *[(name, c_void_p) for name in ("normed", "qkv", "seen", "gate_up", "gated")],
        *[(name, c_void_p) for name in ("halves", "scales", "room")],
    ]


_LINEAR_INT8 = [POINTER(Weight), *[c_void_p] * 4, c_long, c_int]
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "permit_tiles": (c_int, []),
    "add_rms_norm": (None, [*[c_void_p] * 4, c_long, c_long, c_float, c_int]),
    "silu_mul": (None, [c_void_p, c_void_p, c_long, c_long, c_int]),
    "linear_tiled": (None, [POINTER(Weight), c_void_p, c_void_p, c_long, c_int]),
    "linear_vector": (None, [POINTER(Weight), c_void_p, c_void_p, c_long, c_int]),
    "split": (None, [*[c_void_p] * 4, c_long, c_long, c_int]),
    "linear_int8_tiled": (None, _LINEAR_INT8),
    "linear_int8_vector": (None, _LINEAR_INT8),
    "rotate_rows": (None, [POINTER(StepView), c_void_p, c_long, c_long, c_int]),
    "attend_room": (c_long, [POINTER(StepView)]),
    "layers": (None, [POINTER(StackView), POINTER(LayerView), c_void_p, c_void_p, c_long]),
    "attend": (None, [POINTER(StepView), *[c_void_p] * 5, c_int]),
}


def bind(path: Path) -> ctypes.CDLL:
    """The library with the types of its functions told. Raises NoKernelsError if it is broken."""
    try:
        library = ctypes.CDLL(str(path))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise NoKernelsError(f"{path} cannot be loaded: {error}") from error
    return library
