"""The server as one check sees it: ways to ask it, and a record of what this check asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from contract_tests.expect import cooperate, expect
from contract_tests.target import THROTTLED, Target
from contract_tests.verdict import Broken, TimedOut, Uncooperative
from contract_tests.wire.client import WHOLE, Until
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.stream import Stream

if TYPE_CHECKING:
    from openai import AsyncOpenAI

Messages = str | list[dict[str, Any]]
JSON = dict[str, Any]
FEW = 8  # statuses that a report still names one by one
T = TypeVar("T")
REFUSED = (400, 422)  # the document names no status; 400 is OpenAI's own
SENTENCE = "Repeat exactly this sentence: The quick brown fox jumps over the lazy dog."


class Server:
    """Asks the server under test on behalf of one check.

    `chat`, `complete`, `embed` and their streams send the same request once in a run and share
    the answer between checks, so that a slow or paid server is asked little; `fresh=True` asks
    again. All of them expect a 200.
    """

    def __init__(self, target: Target, attempt: int = 1) -> None:
        self.target = target
        self.attempt = attempt
        self.exchanges: list[Exchange] = []
        self.asked = 0  # requests, answered or not

    def model(self, kind: str = "chat") -> str:
        """The model to name in a request: for chat, completions, embeddings or moderations."""
        return self.target.models[kind]

    # --- any request ---

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        fresh: bool = True,
        until: Until | None = None,
        late: bool = False,
    ) -> Exchange:
        """The answer to any request: `body` as JSON, or `content` as it is.

        `key=""` sends no key, None the run's. `until` hangs up once it is true of the body so far.
        `late` gives back an answer that did not come in time too, for rules about time.

        Raises:
            TimedOut: the answer did not come in time.
        """
        if content is None:
            content = b"" if body is None else json.dumps(body).encode()
        exchange = self.target.exchange(method, path, content, headers, key)
        self.asked += 1
        if fresh or until or self.attempt > 1:
            answer = await self.target.send(exchange, until)
        else:
            answer = await self.target.ask(exchange)
        self.exchanges.append(answer)
        return answer if late else answer.in_time()

    async def post(self, path: str, body: Any, **options: Any) -> Exchange:
        """The answer to a POST of JSON."""
        return await self.send("POST", path, body, **options)

    async def get(self, path: str, **options: Any) -> Exchange:
        """The answer to a GET, asked once a run unless `fresh`."""
        return await self.send("GET", path, **{"fresh": False, **options})

    # --- requests that must succeed ---

    async def chat(
        self, messages: Messages = SENTENCE, *, fresh: bool = False, **params: Any
    ) -> JSON:
        """The body of a chat completion. A text is one user message."""
        return _body(
            await self.post("/chat/completions", self.chat_body(messages, **params), fresh=fresh)
        )

    async def chat_stream(
        self, messages: Messages = SENTENCE, *, fresh: bool = False, **params: Any
    ) -> Stream:
        """A streamed chat completion."""
        body = self.chat_body(messages, stream=True, **params)
        return _stream(await self.post("/chat/completions", body, fresh=fresh))

    async def complete(self, prompt: Any = SENTENCE, *, fresh: bool = False, **params: Any) -> JSON:
        """The body of a legacy completion."""
        body = {"model": self.model("completions"), "prompt": prompt, **params}
        return _body(await self.post("/completions", body, fresh=fresh))

    async def complete_stream(
        self, prompt: Any = SENTENCE, *, fresh: bool = False, **params: Any
    ) -> Stream:
        """A streamed legacy completion."""
        body = {"model": self.model("completions"), "prompt": prompt, "stream": True, **params}
        return _stream(await self.post("/completions", body, fresh=fresh))

    async def embed(self, input: Any = SENTENCE, *, fresh: bool = False, **params: Any) -> JSON:  # noqa: A002
        """The body of an embeddings answer, as floats unless asked otherwise."""
        body = {"model": self.model("embeddings"), "input": input, **params}
        return _body(await self.post("/embeddings", body, fresh=fresh))

    def chat_body(self, messages: Messages = SENTENCE, **params: Any) -> JSON:
        """A chat request, to be sent by `post`."""
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        return {"model": self.model(), "messages": messages, **params}

    async def sdk(self, call: "Callable[[AsyncOpenAI], Awaitable[T]]", expected: str) -> T:
        """What the official client makes of the answers to that call; it never retries.

        Raises:
            Broken: the client raised something; `expected` says what was to come of the call.
            TimedOut: the answer did not come in time.
        """
        # A second to import, and few checks need it.
        from openai import APITimeoutError, AsyncOpenAI  # noqa: PLC0415

        timeout_s = self.target.timeout_s
        client = AsyncOpenAI(
            base_url=self.target.url,
            api_key=self.target.key or "none",
            max_retries=0,
            timeout=timeout_s,
        )
        try:
            async with client, asyncio.timeout(timeout_s * WHOLE):
                return await call(client)
        except (APITimeoutError, TimeoutError) as error:
            raise TimedOut(f"no answer to the official client within {timeout_s:g} s") from error
        except Uncooperative:
            raise
        except Exception as error:
            # Whatever the client raises, from KeyError to APIError, the answer is what caused it.
            raise Broken(expected, f"{type(error).__name__}: {error}") from error

    # --- requests that must be refused ---

    async def refuses(
        self, path: str, body: Any, *, status: int | tuple[int, ...] = REFUSED, **options: Any
    ) -> Exchange:
        """The refusal of that request: one of those statuses, with an error body.

        Raises:
            Broken: the server accepted it, or answered another status or no error body.
        """
        return refusal(await self.post(path, body, **options), status)


def refusal(answer: Exchange, status: int | tuple[int, ...] = REFUSED) -> Exchange:
    """The answer, which must be a refusal with one of those statuses and an error body.

    Raises:
        Broken: it is not.
    """
    _willing(answer)
    wanted = (status,) if isinstance(status, int) else status
    names = "4xx or 501" if len(wanted) > FEW else " or ".join(map(str, wanted))
    expect(
        answer.fault is None and answer.status in wanted,
        f"{names} with an error body",
        answer.brief(),
    )
    expect(isinstance(answer.error.get("message"), str), "an error body", answer.brief())
    return answer


def _willing(answer: Exchange) -> None:
    cooperate(answer.status != THROTTLED, f"the server throttles: {answer.brief()}")


def _body(answer: Exchange) -> JSON:
    _willing(answer)
    expect(answer.status == 200 and not answer.fault, "200", answer.brief())
    body = answer.json
    if not isinstance(body, dict):
        raise Broken("a JSON object", answer.brief())
    return body


def _stream(answer: Exchange) -> Stream:
    _willing(answer)
    expect(answer.status == 200, "200 and an event stream", answer.brief())
    return Stream(answer)
