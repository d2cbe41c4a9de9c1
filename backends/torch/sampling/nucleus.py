"""The nucleus of a row: the fewest tokens that hold a share of its mass, found exactly.

Sorting a whole row would take longer than all the rest. The smallest weight inside, the edge, is
looked for where it is likely, and only what is near it is sorted.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    Row = NDArray[float32]  # [P]
    Edge = tuple[float, int]  # the smallest weight inside, and how many of its equals are not

HIGH = 1e-3
"""A share of the mass that few tokens have: a nucleus is often among those alone."""
STRIDE = 16
"""One weight of so many is in the sample."""
LEAST_APART = 8


def cut(weights: Row, total: float, top_p: float) -> None:
    """Set the weights to 0 of all but the fewest that hold `top_p` of the total; one stays.

    Of equal weights at the edge the lower ids stay.
    """
    tail = total * (1 - top_p)
    edge, over = (
        _among_high(weights, total, tail) or _near(weights, tail) or _anywhere(weights, tail)
    )
    if over:
        weights[np.flatnonzero(weights == edge)[-over:]] = 0
    np.multiply(weights, (weights >= edge).astype(np.float32), out=weights)


def _among_high(weights: Row, total: float, tail: float) -> Edge | None:
    """The edge, if it is among the highest weights."""
    rising = np.sort(weights[np.flatnonzero(weights > total * HIGH)])
    return _edge(rising, tail - (total - float(rising.sum(dtype=np.float64))))


def _near(weights: Row, tail: float) -> Edge | None:
    """The edge, if it is where a sample of the row puts it."""
    sample = np.sort(weights[::STRIDE])
    guess = int(np.searchsorted(np.cumsum(sample, dtype=np.float64) * STRIDE, tail))
    if guess == len(sample) or not sample[guess]:
        return None
    middle = sample[guess]
    below = (weights <= middle).astype(np.float32)
    left = tail - float(np.multiply(weights, below, out=below).sum())  # summed in pairs
    # so many weights of the sample the guess is off, if those around it were all as large
    off = int(left / (float(middle) * STRIDE))
    apart = LEAST_APART + abs(off) // 4 + int(2 * sqrt(abs(off)))
    first, last = guess + min(off, 0) - apart, guess + max(off, 0) + apart
    low = sample[first] if first >= 0 else -1.0
    high = sample[last] if last < len(sample) else inf
    rising = np.sort(weights[np.flatnonzero((weights > low) & (weights <= high))])
    counted = rising[: np.searchsorted(rising, middle, side="right")]
    return _edge(rising, left + float(counted.sum(dtype=np.float64)))


def _anywhere(weights: Row, tail: float) -> Edge:
    rising = np.sort(weights)
    # the sums are rounded, and a nucleus has one token at least
    return _edge(rising, tail) or _at(rising, len(rising) - 1)


def _edge(rising: Row, tail: float) -> Edge | None:
    """The first of the weights at which their running sum is beyond the tail; None: none is."""
    first = int(np.searchsorted(np.cumsum(rising, dtype=np.float64), tail, side="right"))
    return None if tail < 0 or first == len(rising) else _at(rising, first)


def _at(rising: Row, index: int) -> Edge:
    return float(rising[index]), index - int(np.searchsorted(rising, rising[index]))
