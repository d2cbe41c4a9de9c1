"""One token for each row of logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backends.protocol.errors import APIError
from backends.torch.sampling.distribution import adjusted, is_adjusted, is_greedy, pick
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
    """Draws the next token of several sequences at once; it keeps nothing between draws."""

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary

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
        rows = logits.float().cpu().numpy()  # [L, V]
        tokens = rows.argmax(axis=1)
        adjusted_rows = _prepare(rows, tokens, drawings)
        return [
            _draw(rows[index], adjusted_rows.get(index), int(tokens[index]), drawing)
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


def _draw(
    row: NDArray[float32], changed: NDArray[float32] | None, likeliest: int, drawing: Drawing
) -> Drawn:
    if not is_greedy(drawing):
        own = row if changed is None else changed
        token = pick(own, drawing, drawing.random.random())
    else:
        token = likeliest if changed is None else int(changed.argmax())
    drawing.counts[token] += 1
    if drawing.matcher:
        drawing.matcher.consume(token)
    return Drawn(token) if drawing.logprobs is None else told(row, token, drawing.logprobs)
