"""Made-up checks, and what they come to at a server."""

from collections.abc import Awaitable, Callable
from typing import Any

from contract_tests.check import MUST, Check, Level, check
from contract_tests.result import Result
from contract_tests.runner import judge
from contract_tests.server import Server
from contract_tests.target import Target

CHAT: dict[str, Any] = {"choices": [{"index": 0, "message": {"content": "hi"}}]}
Did = Callable[[Server], Awaitable[None]]


async def asks(server: Server) -> None:
    """A check that asks once, and again each time."""
    await server.chat(fresh=True)


def rule(did: Did = asks, name: str = "made.up", level: Level = MUST, **options: Any) -> Check:
    """A check that does that."""
    return check(name, level, "A rule.", **options)(did)


def target(url: str, **options: Any) -> Target:
    """The server at that URL, its models known."""
    models = {"chat": "m", "embeddings": "m"}
    return Target(url, **{"models": models, "timeout_s": 1, "pauses_s": (), **options})


async def judged(url: str, one: Check, **options: Any) -> Result:
    async with target(url, **options) as server:
        return await judge(server, one)
