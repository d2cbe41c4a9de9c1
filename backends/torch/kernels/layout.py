"""Weights in the order in which the kernels read them; native/linear.h describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

LINE_BYTES = 64
LINES = 16  # of a step, and outputs of a block
LANE_BYTES = 4


def blocks(weight: Tensor) -> Tensor:
    """`weight` [out, in] as [blocks, steps, lines, outputs, numbers of 4 bytes], 0 in the gaps."""
    size = weight.element_size()
    step, lane = LINE_BYTES // size, LANE_BYTES // size
    outs, ins = weight.shape
    weight = functional.pad(weight, (0, -ins % step, 0, -outs % (2 * LINES)))
    parts = weight.view(weight.shape[0] // LINES, LINES, -1, LINES, lane)
    return parts.permute(0, 2, 3, 1, 4).contiguous()
