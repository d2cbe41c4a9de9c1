"""What the model itself thought of a token, and which it thought likeliest.

Everything here is a natural log of the model's own distribution: the softmax of its logits before
bias, penalties, temperature, top_p and grammar, as at OpenAI.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np

from backends.protocol.errors import APIError
from backends.torch.sampling.drawing import Drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy import float32
    from numpy.typing import NDArray
    from torch import Tensor

LEAST = -9999.0
"""Stands for the log of zero, which JSON cannot write."""
SPAN = 256
"""Logits of which the highest is taken first, when the likeliest are looked for."""
ROWS = 64
"""How many rows are widened to float32 at a time: 12 MB of a vocabulary of 49,152."""


def told(row: NDArray[float32], token: int, alternatives: int) -> Drawn:
    """The token with its logprob and the likeliest `alternatives`, in falling order.

    Equals stand in the order of their ids, so that the greedy token is the first of them. `row` is
    [V], with a finite maximum.
    """
    peak = float(row.max())
    log_total = peak + log(float(np.exp(row - peak).sum()))
    top = [(int(one), _log(row[one], log_total)) for one in _likeliest(row, alternatives)]
    return Drawn(token, _log(row[token], log_total), top)


def prompt_logprobs(logits: Tensor, tokens: Sequence[int], alternatives: int) -> list[Drawn]:
    """One `Drawn` for each token: what the row of logits in front of it thought of it.

    `logits` is [T, V]; row `i` is the one after which `tokens[i]` came. A prompt's first token has
    no row: it is the caller's to put in front.

    Raises:
        APIError: the logits are no numbers.
    """
    assert logits.shape[0] == len(tokens)  # noqa: S101 - our own bug
    drawn = []
    for start in range(0, len(tokens), ROWS):
        rows = logits[start : start + ROWS].float().cpu().numpy()  # [ROWS, V]
        for row, token in zip(rows, tokens[start:], strict=False):
            if not np.isfinite(row[row.argmax()]):  # argmax finds a NaN before any number
                raise APIError("The model gave no usable probabilities for the prompt.")
            drawn.append(told(row, token, alternatives))
    return drawn


def _likeliest(row: NDArray[float32], count: int) -> NDArray[np.intp]:
    """The ids of the `count` highest logits, in falling order."""
    count = min(count, len(row))
    if count == 0:
        return np.empty(0, np.intp)
    highest = np.maximum.reduceat(row, np.arange(0, len(row), SPAN))
    # so many spans reach it, so at least so many logits do
    reached = np.sort(highest)[-count] if count <= len(highest) else -np.inf
    ids = np.flatnonzero(row >= reached)
    return ids[np.argsort(-row[ids], kind="stable")][:count]


def _log(logit: float32, log_total: float) -> float:
    return max(float(logit) - log_total, LEAST)
