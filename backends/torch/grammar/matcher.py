"""One grammar in progress, as the sampler sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backends.protocol.errors import BadRequestError

if TYPE_CHECKING:
    from llguidance import LLMatcher
    from numpy import bool_
    from numpy.typing import NDArray


class GrammarMatcher:
    """Which tokens of a vocabulary may come next under a grammar.

    `stops` are the tokens that end a sequence; they may come where the grammar may end. `param` is
    what in the request the grammar came from. Rows that the tokenizer has no token for never may.
    """

    def __init__(
        self, matcher: LLMatcher, vocabulary: int, stops: frozenset[int], param: str
    ) -> None:
        self._matcher = matcher
        self._vocabulary = vocabulary
        self._stops = sorted(stops)
        self._param = param
        self._mask: NDArray[bool_] | None = None
        self._ended = False

    def copy(self) -> GrammarMatcher:
        """Another matcher that stands where this one does; cheaper than one made anew."""
        twin = GrammarMatcher(
            self._matcher.deep_copy(), self._vocabulary, frozenset(self._stops), self._param
        )
        twin._ended, twin._mask = self._ended, self._mask
        return twin

    def mask(self) -> NDArray[bool_]:
        """[V] bool, true where a token may come next; the same array until the next `consume`.

        Raises:
            BadRequestError: the grammar has become too complex to go on with.
        """
        if self._mask is None:
            self._mask = self._compute()
        return self._mask

    def consume(self, token: int) -> None:
        """Go on by a token that the mask allowed."""
        self._mask = None
        if token in self._stops:
            self._ended = True
        else:
            self._matcher.consume_token(token)  # what goes wrong is told by the next mask

    @property
    def finished(self) -> bool:
        """Whether nothing but the end may come."""
        return self._ended or (self._matcher.is_stopped() and not self._matcher.is_error())

    def _compute(self) -> NDArray[bool_]:
        mask = np.zeros(self._vocabulary, np.bool_)
        if not self.finished:
            # its own way of applying the bits has stalled for seconds; unpacking takes microseconds
            bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
            if self._matcher.is_error():
                raise BadRequestError(
                    f"'{self._param}': the grammar has become too complex to go on with.",
                    param=self._param,
                )
            allowed = np.unpackbits(
                bits, count=min(self._vocabulary, 8 * len(bits)), bitorder="little"
            )
            mask[: len(allowed)] = allowed
            mask[self._stops] = False
        mask[self._stops] = self.finished or self._matcher.is_accepting()
        return mask
