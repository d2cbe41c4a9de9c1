"""One token for each row of logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from backends.protocol.errors import APIError
from backends.torch.sampling.distribution import adjusted, draw_places, is_adjusted, is_greedy
from backends.torch.sampling.drawing import Drawing, DrawingError, Drawn
from backends.torch.sampling.greedy import draw_plain, is_plain
from backends.torch.sampling.logprobs import told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy import float32
    from numpy.typing import NDArray
    from torch import Tensor

    Table = NDArray[float32]  # [L, V]


class Sampler:
    """Draws the next token of several sequences at once; on one thread at a time.

    It keeps memory to work in, which would take longer to have anew than to fill, and nothing else.
    """

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        self._room = np.empty((0, vocabulary), np.float32)

    def draw(self, logits: Tensor, drawings: Sequence[Drawing]) -> list[Drawn]:
        """The next token of each sequence; its counts, random numbers and matcher go on by it.

        `logits` is [L, V], bfloat16 or float32, and is left as it is. Temperature 0 takes the
        likeliest token, the lowest id of equals. Otherwise one number of `Drawing.random` a token
        is looked up in the running sum of what bias, penalties, mask, temperature and top_p leave.
        Logprobs are natural logs of the model's own distribution, before any of these.

        Raises:
            DrawingError: some rows have no token to draw. Nothing was drawn for any row, so that
                the others may be drawn again without them.
        """
        assert logits.shape == (len(drawings), self.vocabulary)  # noqa: S101 - our own bug
        if logits.device.type != "cpu" and all(map(is_plain, drawings)):
            return draw_plain(logits, drawings)
        if len(self._room) < len(drawings):
            self._room = np.empty(logits.shape, np.float32)
        rows = self._room[: len(drawings)]  # [L, V]
        torch.from_numpy(rows).copy_(logits.detach())
        likeliest = rows.argmax(axis=1)
        changed = _prepare(rows, likeliest, drawings)
        tokens = {index: int(row.argmax()) for index, row in changed.items()}
        warm = [index for index, drawing in enumerate(drawings) if not is_greedy(drawing)]
        places = draw_places(
            [changed.get(index, rows[index]) for index in warm], [drawings[index] for index in warm]
        )
        tokens |= zip(warm, places, strict=True)
        return [
            _drawn(rows[index], tokens.get(index, int(likeliest[index])), drawing)
            for index, drawing in enumerate(drawings)
        ]


def _prepare(
    rows: Table, likeliest: NDArray[np.intp], drawings: Sequence[Drawing]
) -> dict[int, NDArray[float32]]:
    """The rows that differ from the model's own; everything that can fail fails here."""
    # argmax finds a NaN before any number, so a finite peak speaks for the whole row
    usable = np.isfinite(rows[np.arange(len(rows)), likeliest])
    changed: dict[int, NDArray[float32]] = {}
    reasons: dict[int, APIError] = {}
    for index, drawing in enumerate(drawings):
        if not usable[index]:
            reasons[index] = APIError("The model gave no usable probabilities.")
        elif is_adjusted(drawing):
            try:
                changed[index] = adjusted(rows[index], drawing)
            except APIError as error:
                reasons[index] = error
                continue
            if changed[index].max() == -np.inf:
                reasons[index] = APIError("No token of the model fits the grammar here.")
    if reasons:
        raise DrawingError(reasons)
    return changed


def _drawn(row: NDArray[float32], token: int, drawing: Drawing) -> Drawn:
    """The token as it is told; its sequence goes on by it."""
    drawing.counts[token] += 1
    if drawing.matcher:
        drawing.matcher.consume(token)
    return Drawn(token) if drawing.logprobs is None else told(row, token, drawing.logprobs)
