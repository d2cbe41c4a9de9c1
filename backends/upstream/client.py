"""One upstream: a pooled session to it, asked again where that may help."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import aiohttp

from backends.protocol.errors import APIError, BackendTimeout, BackendUnavailable
from backends.upstream.errors import upstream_error
from backends.upstream.retry import RetryPolicy, TryAgain, retry_after_s, should_retry
from backends.upstream.transport import Body, Headers, Transport, unavailable

CONNECT_S = 5.0
SILENCE_S = 300.0
LOOK_S = 1.0
DRAIN_S = 1.0
DRAIN_BYTES = 65536
ERROR_BYTES = 65536
LOG = logging.getLogger("adapter")


class Upstream:
    """One provider's HTTP API, at a base URL with these headers on every request.

    `secrets` are the values that we send and that no client may see, `max_event_bytes` bounds an
    event of a stream.

    Raises:
        ValueError: the base URL is none, or the environment's proxy for it.
    """

    def __init__(
        self,
        base_url: str,
        headers: Headers | None = None,
        *,
        policy: RetryPolicy | None = None,
        silence_s: float = SILENCE_S,
        connect_s: float = CONNECT_S,
    ) -> None:
        self._transport = Transport(base_url, headers, silence_s=silence_s, connect_s=connect_s)
        self.headers, self.secrets = self._transport.headers, self._transport.secrets
        self.max_event_bytes = self._transport.max_event_bytes
        self._policy = policy or RetryPolicy()
        self._draining: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def ask(
        self, method: str, path: str, body: Body = b"", headers: Headers | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The upstream's answer, successful or not, once it is not worth asking again.

        Only an answer that has not begun is asked for again: a request whose connection broke
        after it was sent may have been carried out. A body in pieces can be sent once.

        Raises:
            BackendUnavailable: nobody answers there, or the connection broke.
            BackendTimeout: it was silent for too long.
        """
        try:
            response = await self._answer(method, path, body, headers or {})
        except APIError as error:
            # The host is the operator's affair: clients and ordinary logs are not told.
            fields = {"host": self._transport.host, "reason": error.reason}
            LOG.debug("no answer from the upstream", extra={"fields": fields})
            raise
        watch = _Watch(response)
        try:
            with _translated():
                yield response
        except BaseException:
            # An answer that was not read to its end takes its connection with it.
            response.close()
            raise
        finally:
            watch.stop()
        self._let_go(response)

    @asynccontextmanager
    async def succeed(
        self, method: str, path: str, body: bytes = b"", headers: Headers | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """As `ask`, where anything but a 2xx is raised.

        Raises:
            APIError: the upstream's own refusal, with its status.
        """
        async with self.ask(method, path, body, headers) as response:
            if not response.ok:
                said = await refusal_of(response)
                wait_s = retry_after_s(response.headers)
                raise upstream_error(
                    response.status,
                    said,
                    round(wait_s) if wait_s else None,
                    secrets=self.secrets,
                )
            yield response

    async def pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """The body of an answer as it comes in.

        Raises:
            BackendUnavailable, BackendTimeout: it broke off, or stalled.
        """
        with _translated():
            while piece := await response.content.readany():
                yield piece

    async def aclose(self) -> None:
        """Closes every connection."""
        for task in self._draining:
            task.cancel()
        await self._transport.aclose()

    def _let_go(self, response: aiohttp.ClientResponse) -> None:
        """End an answer of which enough was read: its connection is used again if its end is near.

        Nobody waits for that: an upstream may leave a stream open after its last event.
        """
        if response.connection is None:
            return
        task = asyncio.get_running_loop().create_task(_drain(response))
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def _answer(
        self, method: str, path: str, body: Body, headers: Headers
    ) -> aiohttp.ClientResponse:
        """The last answer, where even that one asked to be asked again."""
        try:
            return await self._try(method, path, body, headers)
        except TryAgain as error:
            # Tenacity's loop costs as much as a request, so it begins where it is needed.
            failed: TryAgain | None = error
        try:
            async for attempt in self._policy.retrying():
                with attempt:
                    if failed is not None:
                        first, failed = failed, None
                        raise first
                    return await self._try(method, path, body, headers)
        except TryAgain as error:
            if error.response is not None:
                return error.response
            raise unavailable(error.__cause__) from error
        raise BackendUnavailable("The upstream was not asked.")

    async def _try(
        self, method: str, path: str, body: Body, headers: Headers
    ) -> aiohttp.ClientResponse:
        response = await self._transport.send(method, path, body, headers)
        if isinstance(body, bytes) and should_retry(
            response.status, response.headers, self._policy.longest_wait_s
        ):
            raise TryAgain(retry_after_s(response.headers), response)
        return response


async def refusal_of(response: aiohttp.ClientResponse) -> bytes:
    """What a refusal says, or the beginning of it."""
    said = b""
    async for piece in response.content.iter_any():
        said += piece
        if len(said) >= ERROR_BYTES:
            break
    return said


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read to the end of an answer, if that comes soon; close its connection if not."""
    left = DRAIN_BYTES
    try:
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(DRAIN_S):
                while left > 0 and (piece := await response.content.readany()):
                    left -= len(piece)
    finally:
        response.close()


class _Watch:
    """Ends the wait for a body whose connection is gone.

    Of a chunk that it cannot parse, aiohttp tells nobody who waits for the body: it closes the
    connection, and with it the timer for silence (3.14).
    """

    __slots__ = ("_response", "_timer")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._later()

    def stop(self) -> None:
        self._timer.cancel()

    def _later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _look(self) -> None:
        content, connection = self._response.content, self._response.connection
        if connection is None or content.is_eof() or content.exception() is not None:
            return
        protocol = connection.protocol
        if protocol is None or not protocol.connected:
            content.set_exception(aiohttp.ClientPayloadError("The body cannot be read."))
        else:
            self._later()


@contextmanager
def _translated() -> Iterator[None]:
    """What goes wrong while an answer is read, as our errors."""
    try:
        yield
    except aiohttp.ServerTimeoutError as error:
        raise BackendTimeout("The upstream was silent for too long.") from error
    except aiohttp.ClientError as error:
        raise BackendUnavailable("The upstream broke off its answer.", reason="reset") from error
