"""Rows of logits as distributions, and a token of each.

The rows that are drawn from are worked on in blocks that stay in the second-level cache from the
first operation to the last. Nothing that is done to a row depends on the others, to the last bit,
so neither does its token.

Shapes: `B` rows of a block, `V` vocabulary, `P` the same up to a whole span, `S` spans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backends.torch.sampling.nucleus import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy import float32, float64
    from numpy.typing import NDArray

    from backends.torch.sampling.drawing import Drawing

    Row = NDArray[float32]  # [V]
    Block = NDArray[float32]  # [B, P]

COLDEST = 1e-5
"""Below it a temperature is 0: float32 cannot divide by it."""
ROWS = 4
SPAN = 256
"""Weights summed in one go when a place in the running sum is looked for."""


def is_greedy(drawing: Drawing) -> bool:
    """Whether the likeliest token is always taken."""
    return drawing.temperature < COLDEST


def is_adjusted(drawing: Drawing) -> bool:
    """Whether the logits are not taken as the model gave them."""
    penalised = drawing.frequency_penalty or drawing.presence_penalty
    return bool(drawing.logit_bias or drawing.matcher or (penalised and drawing.counts))


def adjusted(row: Row, drawing: Drawing) -> Row:
    """A copy of the row with bias, penalties and the grammar's mask in it."""
    row = row.copy()
    if drawing.logit_bias:
        ids = np.fromiter(drawing.logit_bias.keys(), np.intp)
        row[ids] += np.fromiter(drawing.logit_bias.values(), np.float32)
    if drawing.counts and (drawing.frequency_penalty or drawing.presence_penalty):
        ids = np.fromiter(drawing.counts.keys(), np.intp)
        counts = np.fromiter(drawing.counts.values(), np.float32)
        row[ids] -= counts * drawing.frequency_penalty + drawing.presence_penalty
    if drawing.matcher:
        np.copyto(row, -np.inf, where=~drawing.matcher.mask())
    return row


def draw_places(rows: Sequence[Row], drawings: Sequence[Drawing]) -> list[int]:
    """A token of each row: the one at which the running sum of its weights passes a random place.

    The weights are what temperature and top_p make of the logits; the place is the next number of
    the drawing's own `random`.
    """
    tokens: list[int] = []
    if rows:
        width = -(-len(rows[0]) // SPAN) * SPAN
        block = np.empty((min(ROWS, len(rows)), width), np.float32)  # [B, P]
        for start in range(0, len(rows), ROWS):
            few = drawings[start : start + ROWS]
            weights = block[: len(few)]
            _weigh(weights, rows[start : start + ROWS], few)
            tokens += _at(weights, _spans(weights), [one.random.random() for one in few])
    return tokens


def _weigh(weights: Block, rows: Sequence[Row], drawings: Sequence[Drawing]) -> None:
    """Fill the block with the rows' weights, the highest of each 1, and 0 outside its nucleus."""
    vocabulary = len(rows[0])
    weights[:, vocabulary:] = -np.inf
    for own, row in zip(weights, rows, strict=True):
        np.subtract(row, row.max(), out=own[:vocabulary])
    temperatures = np.array([[one.temperature] for one in drawings], np.float32)  # [B, 1]
    if (temperatures != 1).any():
        with np.errstate(over="ignore"):  # beyond the range of float32 a weight is 0 anyway
            np.divide(weights, temperatures, out=weights)
    np.exp(weights, out=weights)
    if any(one.top_p < 1 for one in drawings):
        totals = _spans(weights).sum(axis=1, dtype=np.float64)  # [B]
        for own, total, drawing in zip(weights, totals, drawings, strict=True):
            if drawing.top_p < 1:
                cut(own, float(total), drawing.top_p)


def _spans(weights: Block) -> NDArray[float32]:
    """[B, S], the sums of spans of the weights."""
    sums: NDArray[float32] = np.einsum("ij->i", weights.reshape(-1, SPAN))
    return sums.reshape(len(weights), -1)


def _at(weights: Block, spans: NDArray[float32], places: Sequence[float]) -> list[int]:
    """The index in each row at which the running sum goes beyond its place, in [0, 1), of all.

    Only the span that holds the place is gone through.
    """
    each = np.arange(len(weights))
    ends = np.cumsum(spans, axis=1, dtype=np.float64)  # [B, S]
    total = ends[:, -1:]  # [B, 1]
    sought = np.array(places)[:, None] * total
    # a product that is rounded up to the total stays in the last span with any weight
    span = np.minimum(_passed(ends, sought), _passed(ends, np.nextafter(total, 0)))  # [B]
    before = np.where(span > 0, ends[each, span - 1], 0.0)[:, None]
    inside = weights.reshape(len(weights), -1, SPAN)[each, span]  # [B, SPAN]
    running = np.cumsum(inside, axis=1, dtype=np.float64)
    # the sum of the span was rounded: its end may be passed by a hair
    index = np.minimum(
        _passed(running, sought - before), _passed(running, np.nextafter(running[:, -1:], 0))
    )
    found: list[int] = (span * SPAN + index).tolist()
    return found


def _passed(rising: NDArray[float64], mass: NDArray[float64]) -> NDArray[np.intp]:
    """[B], how many of each row's running sums do not go beyond its mass."""
    counts: NDArray[np.intp] = (rising <= mass).sum(axis=1)
    return counts
