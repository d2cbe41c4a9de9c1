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

    Raises ValueError where a parameter that the type needs is missing.
    """
    turns = _turns(rope, head_size)  # [D/2]
    angles = torch.outer(torch.arange(context_tokens, dtype=torch.float32), turns)
    return Rotary(cos=angles.cos().to(device), sin=angles.sin().to(device))


def _turns(rope: Mapping[str, Any], head_size: int) -> Tensor:
    """By how much each pair turns from one position to the next, [D/2] float32."""
    exponents = torch.arange(0, head_size, 2, dtype=torch.float32) / head_size
    turns: Tensor = 1.0 / (float(rope["rope_theta"]) ** exponents)
    try:
        if rope["rope_type"] == "linear":
            return turns / float(rope["factor"])
        if rope["rope_type"] == "llama3":
            return _llama3(turns, rope)
    except KeyError as error:
        raise ValueError(f"rope scaling {rope['rope_type']} lacks {error}") from None
    return turns


def _llama3(turns: Tensor, rope: Mapping[str, Any]) -> Tensor:
    """Slow turns slowed by `factor`, quick ones kept, those between mixed.

    Source: the Llama 3.1 release, `apply_scaling`.
    """
    trained, slower = float(rope["original_max_position_embeddings"]), float(rope["factor"])
    low, high = float(rope["low_freq_factor"]), float(rope["high_freq_factor"])
    rounds = trained * turns / (2 * math.pi)  # [D/2] full turns within the trained context
    kept = ((rounds - low) / (high - low)).clamp(0.0, 1.0)
    return turns * (kept + (1.0 - kept) / slower)
