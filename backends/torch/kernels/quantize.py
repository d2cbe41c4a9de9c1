"""Linears whose weights have 8 bits: half of bfloat16's memory, and at batch 1 half of its time.

Only weights are quantised, each output's by a scale of its own. What they are multiplied with
keeps its precision: in the kernels it has 16 bits, otherwise it stays bfloat16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from backends.torch.models.portable import PortableOps

if TYPE_CHECKING:
    from torch import Tensor

    from backends.torch.models.ops import Linear

LARGEST = 127
TORCH_LANES = 16
FEW_TOKENS = 16  # beyond, it is quicker to make the weight bfloat16 at every call


@dataclass(slots=True, frozen=True)
class Quantized:
    """A weight [out, in] of 8 bits; a row times its scale is what it stands for."""

    rows: Tensor  # [out, in] int8
    scales: Tensor  # [out] float32


def quantize(weight: Tensor) -> Quantized:
    """`weight` [out, in], rounded to 8 bits."""
    scales = weight.abs().amax(1).float().clamp_min(1e-12) / LARGEST
    # As torch's product takes them: the rows make up for what the rounding does to them.
    scales = scales.to(weight.dtype).float()
    return Quantized((weight / scales[:, None]).round_().to(torch.int8), scales)


class PortableInt8Ops(PortableOps):
    """`Ops` in plain torch with int8 weights, where there are no kernels."""

    def product(self, weight: Tensor, bias: Tensor | None) -> Linear:
        """The product with a panel [out, in] in 8 bits."""
        return PortableInt8Linear(weight, bias)


class PortableInt8Linear:
    """The product with a weight [out, in] that is quantised to 8 bits, in plain torch."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._quantized = quantize(weight)
        self._scales = self._quantized.scales.to(weight.dtype)
        self._bias = bias
        # torch's int8 product crashes on bfloat16 rows that are no whole number of its vectors.
        self._has_product = weight.device.type == "cpu" and weight.shape[1] % TORCH_LANES == 0

    def __call__(self, x: Tensor) -> Tensor:
        """[T, in] to [T, out]."""
        rows = self._quantized.rows
        if self._has_product and x.shape[0] <= FEW_TOKENS:
            y = torch._weight_int8pack_mm(x.contiguous(), rows, self._scales)  # noqa: SLF001 # not public yet
        else:
            y = functional.linear(x, rows.to(x.dtype)).mul_(self._scales)
        return y if self._bias is None else y.add_(self._bias)
