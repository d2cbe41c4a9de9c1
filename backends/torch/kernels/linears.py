"""Linears on the kernels, in bfloat16 and with int8 weights."""

from __future__ import annotations

from ctypes import byref
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from backends.torch.kernels.binding import Weight
from backends.torch.kernels.layout import LINE_BYTES, blocks
from backends.torch.kernels.quantize import quantize
from backends.torch.models.portable import PackedLinear

if TYPE_CHECKING:
    from torch import Tensor

    from backends.torch.kernels.load import Kernels

VECTOR_TOKENS = 4  # up to so many the vector unit waits for weights, beyond oneDNN is quicker


class FastLinear:
    """The product with a bfloat16 weight [out, in]."""

    def __init__(self, kernels: Kernels, weight: Tensor, bias: Tensor | None) -> None:
        self.outs, ins = weight.shape
        self._kept = blocks(weight), bias
        self.view = Weight(
            blocks=self._kept[0].data_ptr(),
            bias=bias.data_ptr() if bias is not None else None,
            outs=self.outs,
            steps=self._kept[0].shape[1],
        )
        self._pointer = byref(self.view)
        self.padding = -ins % (LINE_BYTES // 2)
        self._run = kernels.library.linear_tiled if kernels.tiles else kernels.library.linear_vector
        self._many = None if kernels.tiles else PackedLinear(weight, bias)

    def __call__(self, x: Tensor) -> Tensor:
        """[T, in] to [T, out]."""
        tokens = x.shape[0]
        if self._many is not None and tokens > VECTOR_TOKENS:
            return self._many(x)
        x = _rows(x, self.padding)
        y = torch.empty(tokens, self.outs, dtype=torch.bfloat16)
        self._run(self._pointer, x.data_ptr(), y.data_ptr(), tokens, torch.get_num_threads())
        return y


class Int8Linear:
    """The product with a weight [out, in] that is quantised to 8 bits."""

    def __init__(self, kernels: Kernels, weight: Tensor, bias: Tensor | None) -> None:
        self.outs, ins = weight.shape
        quantized = quantize(weight)
        sums = quantized.rows.sum(1, dtype=torch.int32)  # [out]
        self._kept = blocks(quantized.rows), quantized.scales, sums, bias
        self.view = Weight(
            blocks=self._kept[0].data_ptr(),
            bias=bias.data_ptr() if bias is not None else None,
            scales=quantized.scales.data_ptr(),
            sums=sums.data_ptr(),
            outs=self.outs,
            steps=self._kept[0].shape[1],
        )
        self._pointer = byref(self.view)
        self.padding = -ins % LINE_BYTES
        library = kernels.library
        self._split = library.split
        self._run = library.linear_int8_tiled if kernels.tiles else library.linear_int8_vector

    def __call__(self, x: Tensor) -> Tensor:
        """[T, in] to [T, out]."""
        x = _rows(x, self.padding)
        tokens, width = x.shape
        threads = torch.get_num_threads()
        halves = torch.empty(2, tokens, width, dtype=torch.uint8)
        scales = torch.empty(tokens)
        upper, lower = halves.data_ptr(), halves.data_ptr() + tokens * width
        self._split(x.data_ptr(), upper, lower, scales.data_ptr(), tokens, width, threads)
        y = torch.empty(tokens, self.outs, dtype=torch.bfloat16)
        self._run(self._pointer, upper, lower, scales.data_ptr(), y.data_ptr(), tokens, threads)
        return y


def _rows(x: Tensor, padding: int) -> Tensor:
    """`x` [T, in] with whole steps of inputs, one row after the other."""
    assert x.dtype == torch.bfloat16, "the kernels know no other"  # noqa: S101 # our own bug
    return functional.pad(x, (0, padding)) if padding else x.contiguous()
