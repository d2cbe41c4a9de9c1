"""Who may come in, and when the others should come back."""

from collections import deque
from collections.abc import Sequence
from math import ceil

from backends.protocol.errors import BadRequestError, ContextLengthExceeded, RateLimitError

_MOST_S = 60  # what is further off than that is no estimate


class Admission:
    """Bounds how many sequences are in the engine, by the speed at which they leave it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left_s: deque[float] = deque(maxlen=64)

    def require_room(self, inside: int, waiting: int, now_s: float, sequences: int = 1) -> None:
        """Let so many more in.

        Raises:
            BadRequestError: so many never fit, however long they wait.
            RateLimitError: the queue is full.
        """
        if sequences > self._most:
            raise BadRequestError(
                f"This server takes at most {self._most} choices at a time.", param="n"
            )
        if inside + sequences > self._most:
            raise RateLimitError(
                f"{waiting} requests are waiting already; try again later.",
                code="engine_overloaded",
                retry_after_s=self._wait_s(waiting, now_s),
            )

    def left(self, sequences: int, now_s: float) -> None:
        """Note that so many have just finished."""
        self._left_s.extend([now_s] * sequences)

    def _wait_s(self, waiting: int, now_s: float) -> int:
        """How long those that wait will take to get in."""
        if not self._left_s:
            return 1
        each_s = (now_s - self._left_s[0]) / len(self._left_s)
        return min(_MOST_S, max(1, ceil(waiting * each_s)))


def require_fit(prompt: Sequence[int], window_tokens: int, vocabulary: int) -> None:
    """Refuse a prompt that no step could take.

    Raises:
        BadRequestError: it has no tokens, or some that the model does not have.
        ContextLengthExceeded: it leaves no room for an answer.
    """
    if not prompt:
        raise BadRequestError("The prompt has no tokens.", param="prompt")
    if len(prompt) >= window_tokens:
        raise ContextLengthExceeded.beyond(window_tokens, len(prompt), param="prompt")
    if min(prompt) < 0 or max(prompt) >= vocabulary:
        raise BadRequestError(
            f"The prompt has token ids outside 0 to {vocabulary - 1}.", param="prompt"
        )
