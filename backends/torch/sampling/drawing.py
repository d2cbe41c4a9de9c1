"""How the tokens of one sequence are drawn, and what comes out: the sampler's records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Protocol

from backends.protocol.errors import APIError, BadRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy import bool_
    from numpy.typing import NDArray

    from backends.protocol import Sampling


class Matcher(Protocol):
    """A grammar in progress: which tokens may come next. It survives preemption."""

    def mask(self) -> NDArray[bool_]:
        """[V] bool, true where a token may come next.

        Raises:
            APIError: the grammar cannot go on.
        """
        ...

    def consume(self, token: int) -> None:
        """Go on by a token that the mask allowed."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing but the end may come."""
        ...


@dataclass(slots=True)
class Drawing:
    """How the tokens of one sequence are drawn, and what that depends on.

    `random` draws once a token, whatever the company in the batch; `counts` are of the tokens
    generated so far. `logprobs` is the number of alternatives told beside a token, None for none.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    logprobs: int | None = None
    random: Random = field(default_factory=Random)
    counts: Counter[int] = field(default_factory=Counter)
    matcher: Matcher | None = None


@dataclass(slots=True, frozen=True)
class Drawn:
    """A token, with its natural-log probability by the model's own logits, and the likeliest."""

    token: int
    logprob: float | None = None
    top: Sequence[tuple[int, float]] = ()


class DrawingError(Exception):
    """Some rows of a batch have no token to draw: `reasons` has the error of each, by its index.

    Nothing was drawn for any row.
    """

    def __init__(self, reasons: Mapping[int, APIError]) -> None:
        super().__init__(
            "; ".join(f"row {index}: {error.message}" for index, error in reasons.items())
        )
        self.reasons = reasons


def drawing_of(
    sampling: Sampling,
    vocabulary: int,
    *,
    choice: int = 0,
    logprobs: int | None = None,
    matcher: Matcher | None = None,
) -> Drawing:
    """How one choice of a request is drawn. A seed gives each choice random numbers of its own.

    Raises:
        BadRequestError: `logit_bias` names a token that the model does not have.
    """
    for token in sampling.logit_bias:
        if not 0 <= token < vocabulary:
            raise BadRequestError(
                f"'logit_bias': token {token} is not in the vocabulary of {vocabulary} tokens.",
                param="logit_bias",
            )
    own_seed = None if sampling.seed is None else f"{sampling.seed}/{choice}"
    return Drawing(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        frequency_penalty=sampling.frequency_penalty,
        presence_penalty=sampling.presence_penalty,
        logit_bias=sampling.logit_bias,
        logprobs=logprobs,
        random=Random(own_seed),  # noqa: S311 - a draw is no secret
        matcher=matcher,
    )
