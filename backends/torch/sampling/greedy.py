"""The likeliest tokens, found where the logits are: a GPU sends tokens over, and no rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.protocol.errors import APIError
from backends.torch.sampling.distribution import is_adjusted, is_greedy
from backends.torch.sampling.drawing import Drawing, DrawingError, Drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def is_plain(drawing: Drawing) -> bool:
    """Whether the likeliest token of the model's own logits is all that is wanted."""
    return is_greedy(drawing) and not is_adjusted(drawing) and drawing.logprobs is None


def draw_plain(logits: Tensor, drawings: Sequence[Drawing]) -> list[Drawn]:
    """The likeliest token of each row of `logits` [L, V], on any device.

    Raises:
        DrawingError: as `Sampler.draw`.
    """
    peaks, tokens = logits.max(dim=-1)  # a NaN counts as higher than any number
    usable = peaks.isfinite().tolist()
    if not all(usable):
        reason = APIError("The model gave no usable probabilities.")
        raise DrawingError({row: reason for row, good in enumerate(usable) if not good})
    drawn = [Drawn(token) for token in tokens.tolist()]
    for one, drawing in zip(drawn, drawings, strict=True):
        drawing.counts[one.token] += 1
    return drawn
