"""When to ask an upstream again, and after how long.

Source: openai-python `_base_client._should_retry`, `._parse_retry_after_header`; RFC 9110 §10.2.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time

import aiohttp
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_any,
    stop_before_delay,
    wait_exponential_jitter,
)

RETRIED = frozenset({408, 409, 429})  # and every 5xx, such as Anthropic's 529, but for these:
HOPELESS = frozenset({501, 505, 508})  # not implemented, no such HTTP, a loop
LONGEST_WAIT_S = 5.0
LONGEST_TOLD_S = 86_400.0


class TryAgain(Exception):  # noqa: N818 - not a failure yet
    """The upstream may do better next time: its answer, and when, where it gave them."""

    def __init__(
        self, wait_s: float | None = None, response: aiohttp.ClientResponse | None = None
    ) -> None:
        super().__init__()
        self.wait_s = wait_s
        self.response = response


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and for how long in all, an upstream is asked.

    An upstream that says to wait for more than `longest_wait_s` is not asked again: another one
    may answer now, or the client may wait.
    """

    attempts: int = 3
    deadline_s: float = 60.0
    longest_wait_s: float = LONGEST_WAIT_S

    def retrying(self) -> AsyncRetrying:
        """The loop; the last failure is raised as it is.

        A wait that would end after the deadline is not begun.
        """
        return AsyncRetrying(
            retry=retry_if_exception_type(TryAgain),
            stop=stop_any(stop_after_attempt(self.attempts), stop_before_delay(self.deadline_s)),
            wait=_wait_s,
            before_sleep=_let_go,
            reraise=True,
        )


def should_retry(status: int, headers: Mapping[str, str], longest_wait_s: float) -> bool:
    """Whether an answer asks to be asked again, and soon enough to wait for."""
    if status < 400 or (_told_s(headers) or 0) > longest_wait_s:  # noqa: PLR2004 - HTTP's
        return False
    said = headers.get("x-should-retry")
    if said in {"true", "false"}:
        return said == "true"
    return status in RETRIED or (status >= 500 and status not in HOPELESS)  # noqa: PLR2004


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long the upstream says to wait; None if it does not, or not credibly."""
    seconds = _told_s(headers)
    return seconds if seconds is not None and 0 < seconds <= LONGEST_TOLD_S else None


def _told_s(headers: Mapping[str, str]) -> float | None:
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    told = headers.get("retry-after", "")
    seconds = _number(told)
    return _until(told) if seconds is None and told else seconds


_backoff = wait_exponential_jitter(multiplier=0.5, max=8.0, jitter=0.5)


def _failure(state: RetryCallState) -> TryAgain | None:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, TryAgain) else None


def _wait_s(state: RetryCallState) -> float:
    failure = _failure(state)
    told = failure.wait_s if failure else None
    return told if told is not None else _backoff(state)


def _let_go(state: RetryCallState) -> None:
    failure = _failure(state)
    if failure is not None and failure.response is not None:
        failure.response.close()


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except (ValueError, OverflowError):
        return None


def _until(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - time()
    except (ValueError, OverflowError):
        return None
