"""One row of logits as a distribution, and a token of it.

The work is done a row at a time in numpy: 49,152 floats stay in the second-level cache from the
first operation to the last, which beats passes over the whole batch, and a row's token cannot
depend on its company.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from backends.torch.sampling.drawing import Drawing

    Row = NDArray[float32]  # [V]

COLDEST = 1e-5
"""Below it a temperature is 0: float32 cannot divide by it."""
HIGH = (3e-4, 2e-5)
"""Shares of the mass that few tokens have: a nucleus is mostly among those above one of them."""
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


def pick(row: Row, drawing: Drawing, place: float) -> int:
    """The token at `place`, in [0, 1), of the distribution's running sum."""
    weights = row - row.max()
    if drawing.temperature != 1:
        weights /= np.float32(drawing.temperature)
    np.exp(weights, out=weights)
    if drawing.top_p >= 1:
        return _at(weights, place)
    total = float(weights.sum())
    for share in HIGH:
        high = np.flatnonzero(weights >= total * share)
        held = weights[high]
        if len(high) and float(held.sum()) >= total * drawing.top_p:
            return int(high[_at(_nucleus(held, total * drawing.top_p), place)])
    return _at(_nucleus(weights, total * drawing.top_p), place)


def _nucleus(weights: Row, mass: float) -> Row:
    """The weights, with 0 for all but the fewest that hold `mass`; one at least.

    Of equal weights at the edge the lower ids are in.
    """
    rising = np.sort(weights)
    first = min(_place(rising, float(weights.sum()) - mass), len(rising) - 1)
    edge = rising[first]
    inside = weights > edge
    equals = np.flatnonzero(weights == edge)
    inside[equals[: len(rising) - first - np.count_nonzero(inside)]] = True
    kept: Row = weights * inside
    return kept


def _at(weights: Row, place: float) -> int:
    """The index at which the running sum of the weights goes beyond `place` of the whole."""
    index = _place(weights, place * float(weights.sum()))
    if index < len(weights) and weights[index] > 0:
        return index
    return int(np.flatnonzero(weights)[-1])  # the sums are rounded: the end was passed by a hair


def _place(weights: Row, mass: float) -> int:
    """The first index at which the running sum is beyond `mass`; the length if there is none.

    Spans are summed first, and only the span that holds the place is gone through.
    """
    spans = np.add.reduceat(weights, np.arange(0, len(weights), SPAN))
    ends = np.cumsum(spans, dtype=np.float64)
    span = int(np.searchsorted(ends, mass, side="right"))
    before = float(ends[span - 1]) if span else 0.0
    inside = np.cumsum(weights[span * SPAN : (span + 1) * SPAN], dtype=np.float64)
    return span * SPAN + int(np.searchsorted(inside, mass - before, side="right"))
