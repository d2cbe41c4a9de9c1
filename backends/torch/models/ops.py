"""The operations that a Llama-family decoder is made of: one decoder, several tiers of speed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from backends.torch.decoder import Cache

Linear = Callable[["Tensor"], "Tensor"]  # [T, in] to [T, out]
# What the last layer adds to `x` [T, hidden], which grows by what the others add; None, and nothing
# done, for a step that it does not take.
Stack = Callable[["Tensor", "Cache"], "Tensor | None"]


@dataclass(slots=True, frozen=True)
class Rotary:
    """Cosines and sines by position, [context, D/2] float32; dimension i turns with i + D/2."""

    cos: Tensor
    sin: Tensor


class Layer(Protocol):
    """A layer's linears and norms, as a stack takes them."""

    qkv: Linear
    output: Linear
    gate_up: Linear
    down: Linear
    attention_norm: Tensor  # [hidden]
    mlp_norm: Tensor  # [hidden]
    head_norm: Tensor | None  # [H + K, D]


class Ops(Protocol):
    """One tier's operations; what they give is the same, up to rounding."""

    def rows(self, head_size: int) -> int | None:
        """How many decoding sequences may share a product and change no bit of each other's.

        None: sequences may share a whole step, however their prompts are cut up.
        """
        ...

    def linear(self, weight: Tensor, bias: Tensor | None = None) -> Linear:
        """The product with `weight` [out, in], laid out once in the way this tier likes best."""
        ...

    def add_rms_norm(self, x: Tensor, delta: Tensor | None, weight: Tensor, eps: float) -> Tensor:
        """`x` [T, hidden] grows by `delta` in place; its root-mean-square norm, scaled."""
        ...

    def silu_mul(self, gate_up: Tensor) -> Tensor:
        """silu(left half) * right half, [T, 2 I] to [T, I]."""
        ...

    def attention(self, qkv: Tensor, layer: int, cache: Cache, rotary: Rotary) -> Tensor:
        """Turn queries and keys by position, keep keys and values, attend.

        `qkv` is [T, (H + 2 K) D], the answer [T, H D].
        """
        ...

    def stack(self, layers: Sequence[Layer], rotary: Rotary, eps: float) -> Stack | None:
        """All layers in one call, where this tier can do that."""
        ...
