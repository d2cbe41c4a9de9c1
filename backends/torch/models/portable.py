"""The portable tier: plain torch on any device, with weights packed for oneDNN on CPUs."""

from __future__ import annotations

from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from backends.torch.models.attention import PagedStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from backends.torch.decoder import Cache
    from backends.torch.models.ops import Layer, Linear, Rotary

PANEL_BYTES = 1_000_000
"""Of a weight, as much as stays in the processor's cache while others take their turns at it."""


class PortableOps:
    """`Ops` in plain torch."""

    def rows(self, _head_size: int) -> int | None:
        """One: torch's products round by how many rows there are."""
        return 1

    def linear(self, weight: Tensor, bias: Tensor | None = None) -> Linear:
        """The product with `weight` [out, in], on a CPU taken a panel at a time."""
        if weight.device.type != "cpu":
            return self.product(weight, bias)
        size = max(1, PANEL_BYTES // (weight.shape[1] * weight.itemsize))
        biases = repeat(None) if bias is None else torch.split(bias, size)
        panels = zip(torch.split(weight, size), biases, strict=False)
        return PanelLinear([self.product(*panel) for panel in panels])

    def product(self, weight: Tensor, bias: Tensor | None) -> Linear:
        """The product with a panel; in bfloat16 on a CPU it is packed for oneDNN."""
        if packs(weight):
            return PackedLinear(weight, bias)
        return partial(functional.linear, weight=weight, bias=bias)

    def add_rms_norm(self, x: Tensor, delta: Tensor | None, weight: Tensor, eps: float) -> Tensor:
        """`x` [T, hidden] grows by `delta` in place; its root-mean-square norm, scaled."""
        if delta is not None:
            x.add_(delta)
        return functional.rms_norm(x, weight.shape, weight, eps)

    def silu_mul(self, gate_up: Tensor) -> Tensor:
        """silu(left half) * right half, [T, 2 I] to [T, I]."""
        gate, up = gate_up.chunk(2, -1)
        return functional.silu(gate).mul_(up)

    def attention(self, qkv: Tensor, layer: int, cache: Cache, rotary: Rotary) -> Tensor:
        """Turn queries and keys by position, keep keys and values, attend.

        `qkv` is [T, (H + 2 K) D], the answer [T, H D].
        """
        assert isinstance(cache, PagedStep), "our forward runs on our cache"  # noqa: S101 # our own bug
        size, kv_heads = cache.paged.shape.head_size, cache.paged.shape.kv_heads
        cos, sin = _turns(cache, rotary, qkv.dtype)  # [T, 1, D]
        heads = qkv.view(qkv.shape[0], -1, size)  # [T, H + 2 K, D]
        turned, value = heads[:, :-kv_heads], heads[:, -kv_heads:]
        turned = torch.addcmul(turned * cos, turned.roll(size // 2, -1), sin)  # [T, H + K, D]
        answer = cache.attend(layer, turned[:, :-kv_heads], turned[:, -kv_heads:], value)
        return answer.reshape(qkv.shape[0], -1)

    def stack(self, _layers: Sequence[Layer], _rotary: Rotary, _eps: float) -> None:
        """None: layer by layer is as quick in plain torch."""


def _turns(cache: PagedStep, rotary: Rotary, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines, and sines of which the first half is negative, [T, 1, D] for a step's tokens.

    They are made at the first layer and serve the others.
    """
    if cache.turns is None:
        positions = cache.step.positions
        cos, sin = rotary.cos[positions], rotary.sin[positions]  # [T, D/2]
        cache.turns = (
            torch.cat((cos, cos), -1).unsqueeze(1).to(dtype),
            torch.cat((-sin, sin), -1).unsqueeze(1).to(dtype),
        )
    return cache.turns


class PanelLinear:
    """A linear in panels of its outputs, each of which serves all sequences before the next.

    So the weight is read from memory once, though every sequence has products of its own.
    """

    def __init__(self, panels: Sequence[Linear]) -> None:
        self._panels = panels

    def __call__(self, x: Tensor) -> Tensor:
        """[T, in] to [T, out]."""
        return self.each([x])[0]

    def each(self, xs: Sequence[Tensor]) -> list[Tensor]:
        """Each of `xs` [T, in] to [T, out], as if it were alone."""
        if len(self._panels) == 1:
            return [self._panels[0](x) for x in xs]
        columns = [[panel(x) for x in xs] for panel in self._panels]
        return [torch.cat(parts, -1) for parts in zip(*columns, strict=True)]


def each(linear: Linear, xs: Sequence[Tensor]) -> list[Tensor]:
    """Each of `xs` [T, in] to [T, out], as if it were alone."""
    return linear.each(xs) if isinstance(linear, PanelLinear) else [linear(x) for x in xs]


def packs(weight: Tensor) -> bool:
    """Whether oneDNN has a packed layout for a weight."""
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.bfloat16
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call] # of torch
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()  # noqa: SLF001 # the operators are not public
    )


class PackedLinear:
    """A linear whose weight is laid out once for oneDNN: a third quicker at batch 1.

    The layout is the one that oneDNN likes for a single row: of the others none is quicker for a
    few rows, and prompts of 500 tokens take a tenth more time.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._out = weight.shape[0]
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, 1)  # noqa: SLF001 # likewise
        self._bias = bias
        self._product = torch.ops.mkldnn._linear_pointwise.default  # noqa: SLF001 # likewise

    def __call__(self, x: Tensor) -> Tensor:
        """[T, in] to [T, out]."""
        if not x.shape[0]:
            return x.new_empty(0, self._out)
        product: Tensor = self._product(x, self._weight, self._bias, "none", [], "")
        return product
