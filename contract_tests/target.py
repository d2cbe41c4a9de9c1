"""The server under test, for a whole run: where it is, what it can, and what it has answered."""

import asyncio
import json
import ssl
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from contract_tests.capabilities import CAPABILITIES
from contract_tests.fuzz.campaign import Fuzz
from contract_tests.schema.official import Document
from contract_tests.schema.strict import Schema
from contract_tests.verdict import TimedOut, Unreachable, Unsupported
from contract_tests.wire.client import Client, Until
from contract_tests.wire.exchange import Exchange

# Which of a server's models to try first where none was named.
LIKELY = {
    "embeddings": ("embed",),
    "moderations": ("moderation",),
    "completions": ("instruct", "davinci", "babbage"),
}
TRIES = 4
THROTTLED = 429
LONGEST_PAUSE_S = 30.0
T = TypeVar("T")


@dataclass
class Target:
    """A server's address and the run's settings; an async context that closes its connections.

    `models` names the model for each of chat, completions, embeddings and moderations; what is
    not named is found by trying the listed ones. `declared` capabilities are taken for granted:
    a check that needs one fails where the server refuses it.
    """

    url: str
    key: str | None = None
    models: dict[str, str] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()
    timeout_s: float = 30.0
    concurrency: int = 8
    attempts: int = 3
    document: Document | None = None
    fuzz: Fuzz | None = None
    verify: ssl.SSLContext | bool = True
    pauses_s: tuple[float, ...] = (1, 4, 16)  # before asking a server again that throttles

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        # Reading the certificates takes longer than many a check.
        verify = self.verify if self.url.startswith("https:") else False
        self.client = Client(self.timeout_s, verify)
        self.exchanges: list[Exchange] = []
        self._asked: dict[Any, asyncio.Task[Any]] = {}

    async def __aenter__(self) -> "Target":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    def exchange(
        self,
        method: str,
        path: str,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Exchange:
        """A request to be sent. An empty `key` sends none; None sends the run's own."""
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        if content and not any(name.lower() == "content-type" for name in sent):
            sent["Content-Type"] = "application/json"
        secret = self.key if key is None else key
        if secret and not any(name.lower() == "authorization" for name in sent):
            sent["Authorization"] = f"Bearer {secret}"
        return Exchange(method, self.url + path, list(sent.items()), content, key=self.key or "")

    async def send(self, exchange: Exchange, until: Until | None = None) -> Exchange:
        """The exchange with its answer, kept for the checks that look at all of them.

        A server that throttles is given time, and asked again.
        """
        for pause_s in (*self.pauses_s, None):
            self.exchanges.append(exchange)
            answer = await self.client.send(exchange, until)
            if answer.status != THROTTLED or pause_s is None:
                break
            await asyncio.sleep(_told(answer, pause_s))
            exchange = replace(
                exchange, status=0, headers=[], body=b"", arrivals=[], fault=None, timed_out=False
            )
        return answer

    async def ask(self, exchange: Exchange) -> Exchange:
        """The answer to that request, which is sent once in a run however often it is asked.

        One that did not come in time is asked for again.
        """
        asked = (
            exchange.method,
            exchange.url,
            tuple(exchange.request_headers),
            exchange.request_body,
        )
        answer = await self.once(asked, lambda: self.send(exchange))
        if answer.timed_out:
            self._asked.pop(asked, None)
        return answer

    async def has(self, capability: str) -> bool:
        """Whether the server can do that: declared, or found out by a probe, once.

        Raises:
            TimedOut: what would tell did not come in time.
        """
        parent = capability.rpartition(".")[0]
        if parent and not await self.has(parent):
            return False
        if capability in self.declared:
            if (kind := capability.partition(".")[0]) in {"chat", *LIKELY}:
                await self.model(kind)
            return True
        probe = CAPABILITIES[capability].probe
        return await self.once(("has", capability), lambda: probe(self))

    async def model(self, kind: str) -> str:
        """The model for that kind of request: the one named, or the first listed one it takes."""
        if kind not in self.models:
            self.models[kind] = await self.once(("model", kind), lambda: self._find(kind))
        return self.models[kind]

    async def listed(self) -> list[str]:
        """The ids that `GET /models` lists; none if it lists nothing readable.

        Raises:
            TimedOut: the list did not come in time.
        """
        answer = (await self.ask(self.exchange("GET", "/models"))).in_time()
        try:
            data = json.loads(answer.body)["data"]
            return [model["id"] for model in data if isinstance(model["id"], str)]
        except (ValueError, KeyError, TypeError):
            return []

    def document_schema(self, component: str) -> Schema:
        """That component of the OpenAPI document that the run was given.

        Raises:
            Unsupported: it has no such component.
        """
        if self.document is None or not self.document.has(component):
            raise Unsupported(f"the OpenAPI document has no component {component}")
        return self.document.schema(component)

    async def _find(self, kind: str) -> str:
        listed = await self.listed()
        tries = [name for name in listed if any(part in name for part in LIKELY.get(kind, ()))]
        tries += [self.models["chat"]] if "chat" in self.models else []
        tries = list(dict.fromkeys([*tries, *listed]))[:TRIES]
        if not tries:
            raise Unreachable("the server lists no models; name one with --model")
        for name in tries:
            self.models[kind] = name
            if await CAPABILITIES[kind].probe(self):
                return name
        return tries[0]

    async def once(self, key: Any, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `make` comes to, which is made once in a run, and again after a time-out."""
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(make())
        try:
            return await asyncio.shield(self._asked[key])
        except TimedOut:
            self._asked.pop(key, None)
            raise


def _told(answer: Exchange, pause_s: float) -> float:
    try:
        told_s = max(0.0, float(answer.header("retry-after") or pause_s))  # in this order, for nan
        return min(told_s, LONGEST_PAUSE_S)
    except ValueError:
        return pause_s
