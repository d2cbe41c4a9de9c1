"""Rotary positions: how fast each pair of dimensions turns, and the tables made of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from backends.torch.models.ops import Rotary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def rotary(
    rope: Mapping[str, Any], head_size: int, context_tokens: int, device: torch.device
) -> Rotary:
    """The tables up to a context, from `rope_parameters` of type default, linear or llama3.

    Raises ValueError where a parameter that the type needs is missing or makes no sense.
    """
    places = torch.arange(context_tokens, dtype=torch.float32)
    angles = torch.outer(places, turns(rope, head_size))
    return Rotary(cos=angles.cos().to(device), sin=angles.sin().to(device))


def turns(rope: Mapping[str, Any], head_size: int) -> Tensor:
    """By how much each pair turns from one position to the next, [D/2] float32.

    Raises ValueError where a parameter that the type needs is missing or makes no sense.
    """
    exponents = torch.arange(0, head_size, 2, dtype=torch.float32) / head_size
    found: Tensor = 1.0 / (_number(rope, "rope_theta") ** exponents)
    if rope["rope_type"] == "linear":
        found /= _number(rope, "factor")
    elif rope["rope_type"] == "llama3":
        found = _llama3(found, rope)
    return found


def _llama3(found: Tensor, rope: Mapping[str, Any]) -> Tensor:
    """Slow turns slowed by `factor`, quick ones kept, those between mixed.

    Source: the Llama 3.1 release, `apply_scaling`.
    """
    trained, slower = _number(rope, "original_max_position_embeddings"), _number(rope, "factor")
    low, high = _number(rope, "low_freq_factor"), _number(rope, "high_freq_factor")
    if low >= high:
        raise ValueError(f"rope scaling llama3 has a low_freq_factor of {low} and a high of {high}")
    rounds = trained * found / (2 * math.pi)  # [D/2] full turns within the trained context
    kept = ((rounds - low) / (high - low)).clamp(0.0, 1.0)
    return found * (kept + (1.0 - kept) / slower)


def _number(rope: Mapping[str, Any], name: str) -> float:
    """A parameter above zero."""
    if name not in rope:
        raise ValueError(f"rope scaling {rope['rope_type']} lacks '{name}'")
    value = rope[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"'{name}' of its rope scaling is {value!r:.40}, not a number above 0")
    return float(value)
