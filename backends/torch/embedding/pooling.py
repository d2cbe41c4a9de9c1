"""One vector of a text out of those of its tokens.

B texts, T tokens of the longest, C numbers a vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor


def pooled(hidden: Tensor, mask: Tensor, modes: Sequence[str]) -> Tensor:
    """The vectors [B, C] of `hidden` [B, T, C], where `mask` [B, T] is 1 at tokens, then padding.

    Several modes are laid side by side.
    """
    return torch.cat([MODES[mode](hidden, mask) for mode in modes], dim=-1)


def _mean(hidden: Tensor, mask: Tensor) -> Tensor:
    weights = mask.unsqueeze(-1).to(hidden.dtype)  # [B, T, 1]
    return (hidden * weights).sum(1) / weights.sum(1)


def _max(hidden: Tensor, mask: Tensor) -> Tensor:
    return hidden.masked_fill(mask.unsqueeze(-1) == 0, -torch.inf).amax(1)


def _first(hidden: Tensor, _: Tensor) -> Tensor:
    return hidden[:, 0]


def _last(hidden: Tensor, mask: Tensor) -> Tensor:
    rows = torch.arange(len(hidden), device=hidden.device)
    return hidden[rows, mask.sum(1) - 1]


MODES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cls": _first,
    "lasttoken": _last,
    "max": _max,
    "mean": _mean,
}
