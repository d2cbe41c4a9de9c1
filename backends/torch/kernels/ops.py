"""`Ops` made of the kernels, for bfloat16 on CPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from backends.torch.kernels.attention import TILE, Attention, attends
from backends.torch.kernels.linears import VECTOR_TOKENS, FastLinear, Int8Linear
from backends.torch.kernels.stack import Stack
from backends.torch.models.attention import PagedStep
from backends.torch.models.portable import PortableOps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from backends.torch.decoder import Cache
    from backends.torch.kernels.load import Kernels
    from backends.torch.models.ops import Layer, Linear, Rotary

MANY_ROWS = 1 << 20


class FastOps:
    """`Ops` on the kernels; with `int8`, linears' weights have 8 bits."""

    def __init__(self, kernels: Kernels, *, int8: bool = False) -> None:
        self._kernels = kernels
        self._norm = kernels.library.add_rms_norm
        self._silu_mul = kernels.library.silu_mul
        self._linear = Int8Linear if int8 else FastLinear
        self._portable = PortableOps()
        self._attention: Attention | None = None

    def rows(self, head_size: int) -> int | None:
        """As many as the vector unit takes; any number with a matrix unit or int8 weights.

        One, where attention is torch's.
        """
        if not attends(head_size):
            return 1
        if not (self._kernels.tiles or self._linear is Int8Linear):
            return VECTOR_TOKENS
        return None if self._kernels.tiles and head_size % TILE == 0 else MANY_ROWS

    def linear(self, weight: Tensor, bias: Tensor | None = None) -> Linear:
        """The product with `weight` [out, in], laid out anew for the kernels."""
        return self._linear(self._kernels, weight, bias)

    def add_rms_norm(self, x: Tensor, delta: Tensor | None, weight: Tensor, eps: float) -> Tensor:
        """`x` [T, hidden] grows by `delta` in place; its root-mean-square norm, scaled."""
        tokens, width = x.shape
        assert x.is_contiguous(), "it grows in place"  # noqa: S101 # our own bug
        grown = delta.contiguous() if delta is not None else None
        out = torch.empty_like(x)
        self._norm(
            x.data_ptr(),
            None if grown is None else grown.data_ptr(),
            weight.data_ptr(),
            out.data_ptr(),
            tokens,
            width,
            eps,
            torch.get_num_threads(),
        )
        return out

    def silu_mul(self, gate_up: Tensor) -> Tensor:
        """silu(left half) * right half, [T, 2 I] to [T, I]."""
        gate_up = gate_up.contiguous()
        tokens, width = gate_up.shape[0], gate_up.shape[1] // 2
        out = gate_up.new_empty(tokens, width)
        self._silu_mul(gate_up.data_ptr(), out.data_ptr(), tokens, width, torch.get_num_threads())
        return out

    def attention(self, qkv: Tensor, layer: int, cache: Cache, rotary: Rotary) -> Tensor:
        """Turn queries and keys by position, keep keys and values, attend.

        `qkv` is [T, (H + 2 K) D], the answer [T, H D]. Queries and keys are turned where they are.
        """
        assert isinstance(cache, PagedStep), "the kernels read blocks"  # noqa: S101 # our own bug
        if not attends(cache.paged.shape.head_size):
            return self._portable.attention(qkv, layer, cache, rotary)
        if self._attention is None or self._attention.cache is not cache:
            self._attention = Attention(self._kernels, cache, rotary)
        return self._attention(qkv.contiguous(), layer)

    def stack(self, layers: Sequence[Layer], rotary: Rotary, eps: float) -> Stack | None:
        """All layers in one call, for steps that the kernels attend to alone.

        None for shapes that need a layer's operations one by one.
        """
        return Stack.of(self._kernels, layers, rotary, eps)
