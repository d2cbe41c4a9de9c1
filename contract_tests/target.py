"""The server under test, for a whole run: where it is, what it can, and what it has answered."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract_tests.capabilities import CAPABILITIES
from contract_tests.verdict import Unreachable
from contract_tests.wire.client import Client, Until
from contract_tests.wire.exchange import Exchange

# Which of a server's models to try first where none was named.
LIKELY = {"embeddings": "embed", "moderations": "moderation", "completions": "instruct"}
TRIES = 4


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
    openapi: str | None = None
    verify: ssl.SSLContext | bool = True

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        self.client = Client(self.timeout_s, self.verify)
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
        return Exchange(method, self.url + path, list(sent.items()), content)

    async def send(self, exchange: Exchange, until: Until | None = None) -> Exchange:
        """The exchange with its answer, kept for the checks that look at all of them."""
        self.exchanges.append(exchange)
        return await self.client.send(exchange, until)

    async def ask(self, exchange: Exchange) -> Exchange:
        """The answer to that request, which is sent once in a run however often it is asked."""
        asked = (
            exchange.method,
            exchange.url,
            tuple(exchange.request_headers),
            exchange.request_body,
        )
        return await self._once(asked, lambda: self.send(exchange))  # type: ignore[no-any-return]

    async def has(self, capability: str) -> bool:
        """Whether the server can do that: declared, or found out by a probe, once."""
        parent = capability.rpartition(".")[0]
        if parent and not await self.has(parent):
            return False
        if capability in self.declared:
            await self.model(capability.partition(".")[0])
            return True
        probe = CAPABILITIES[capability].probe
        return await self._once(("has", capability), lambda: probe(self))  # type: ignore[no-any-return]

    async def model(self, kind: str) -> str:
        """The model for that kind of request: the one named, or the first listed one it takes."""
        if kind not in self.models:
            self.models[kind] = await self._once(("model", kind), lambda: self._find(kind))
        return self.models[kind]

    async def listed(self) -> list[str]:
        """The ids that `GET /models` lists; none if it lists nothing readable."""
        answer = await self.ask(self.exchange("GET", "/models"))
        try:
            data = json.loads(answer.body)["data"]
            return [model["id"] for model in data if isinstance(model["id"], str)]
        except (ValueError, KeyError, TypeError):
            return []

    async def _find(self, kind: str) -> str:
        capability = CAPABILITIES.get(kind)
        fallback = self.models.get("any") or self.models.get("chat")
        if fallback and (kind == "chat" or capability is None):
            return fallback
        listed = await self.listed()
        likely = LIKELY.get(kind, "")
        tries = sorted(listed, key=lambda name: likely not in name)[:TRIES]
        tries = list(dict.fromkeys([*([fallback] if fallback else []), *tries]))
        if not tries:
            raise Unreachable("the server lists no models; name one with --model")
        for name in tries:
            self.models[kind] = name
            if capability and await capability.probe(self):
                return name
        return tries[0]

    async def _once(self, key: Any, make: Any) -> Any:
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(make())
        return await asyncio.shield(self._asked[key])
