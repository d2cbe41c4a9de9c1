"""The seam inside the engine: what a decoder is, and what it is given.

Shapes, in every file of this package:

    T  tokens of a step     B  sequences of a step     L  rows whose logits are wanted
    H  query heads          K  key and value heads     D  head size
    N  blocks               S  tokens in a block       V  vocabulary
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(slots=True, frozen=True)
class Shape:
    """What the engine has to know of a decoder to keep its keys and values."""

    layers: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    context_tokens: int
    dtype: torch.dtype
    device: torch.device

    @property
    def bytes_per_token(self) -> int:
        """What the keys and values of one token take, over all layers."""
        return 2 * self.layers * self.kv_heads * self.head_size * self.dtype.itemsize


@dataclass(slots=True)
class Step:
    """One forward pass over the next tokens of several sequences, laid end to end.

    The first `decoding` sequences have one token each; those behind are pieces of prompts.
    Sequence `b` has the tokens from `starts[b]` up to `starts[b + 1]`, and `lengths[b]` tokens in
    the cache once this step's are in it.
    """

    token_ids: Tensor  # [T] int64
    positions: Tensor  # [T] int32
    block_tables: Tensor  # [B, most blocks of any] int32, padded with 0
    wanted: Tensor  # [L] int64
    starts: list[int]  # [B + 1]
    lengths: list[int]  # [B]
    decoding: int


class Cache(Protocol):
    """The keys and values of a step's sequences, as a decoder sees them."""

    step: Step

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """Keep the step's keys and values, and attend causally to all that is kept.

        `query` is [T, H, D], `key` and `value` are [T, K, D], positions already in them; so is the
        answer, [T, H, D]. `scale` is 1/sqrt(D) unless given.
        """
        ...


class Decoder(Protocol):
    """A language model as the engine drives it."""

    shape: Shape

    def forward(self, token_ids: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        """The logits, [L, V], of the rows `cache.step.wanted` of `token_ids` [T]."""
        ...
