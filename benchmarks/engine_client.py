"""The load over HTTP, in a process of its own: streams, so many at a time, each read to its end."""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from statistics import median

import aiohttp

LIMIT_S = 300
PATH = "/v1/chat/completions"
TOPICS = ("the sea", "a winter in the mountains", "an old clockmaker", "the first railway")


@dataclass(frozen=True)
class Load:
    """What one load asks for; `first` numbers its prompts, so that no two are the same."""

    port: int
    model: str
    concurrency: int
    each: int
    new_tokens: int
    first: int
    headers: dict[str, str]
    extra: dict[str, object]


@dataclass(frozen=True)
class Stream:
    """One stream: its tokens, and when it was sent, began and ended."""

    tokens: int
    sent_s: float
    first_s: float
    last_s: float


@dataclass(frozen=True)
class Loaded:
    """What a load found."""

    tokens_per_s: float
    ttft_ms: float
    decode_tokens_per_s: float


class LoadError(Exception):
    """A stream that was refused, broke off or ended early."""


async def play(load: Load) -> Loaded:
    """All streams.

    Raises: LoadError.
    """
    timeout = aiohttp.ClientTimeout(total=LIMIT_S)
    connector = aiohttp.TCPConnector(limit=load.concurrency)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        started_s = time.perf_counter()
        clients = [_client(session, load, number) for number in range(load.concurrency)]
        streams = [one for some in await asyncio.gather(*clients) for one in some]
        took_s = time.perf_counter() - started_s
    rates = [(one.tokens - 1) / (one.last_s - one.first_s) for one in streams]
    return Loaded(
        sum(one.tokens for one in streams) / took_s,
        median(one.first_s - one.sent_s for one in streams) * 1000,
        median(rates),
    )


async def _client(session: aiohttp.ClientSession, load: Load, number: int) -> list[Stream]:
    first = load.first + number * load.each
    return [await _stream(session, load, first + turn) for turn in range(load.each)]


async def _stream(session: aiohttp.ClientSession, load: Load, number: int) -> Stream:
    words = f"Story {number}: tell me a very long story about {TOPICS[number % len(TOPICS)]}."
    body = {
        "model": load.model,
        "messages": [{"role": "user", "content": words}],
        "max_tokens": load.new_tokens,
        "temperature": 0,
        "stream": True,
        **load.extra,
    }
    url = f"http://127.0.0.1:{load.port}{PATH}"
    sent_s = time.perf_counter()
    times: list[float] = []
    counted = None
    async with session.post(url, json=body, headers=load.headers) as response:
        if response.status != 200:  # noqa: PLR2004 - HTTP's OK
            raise LoadError(f"{response.status}: {(await response.text())[:200]}")
        async for line in response.content:
            if not line.startswith(b"data:") or line[5:].strip() == b"[DONE]":
                continue
            event = json.loads(line[5:])
            if "error" in event:
                raise LoadError(str(event["error"])[:200])
            if any(choice["delta"].get("content") for choice in event["choices"]):
                times.append(time.perf_counter())
            counted = (event.get("usage") or {}).get("completion_tokens") or counted
    tokens = counted or len(times)
    if len(times) < 2 or not 0.5 * load.new_tokens <= tokens <= load.new_tokens + 1:  # noqa: PLR2004
        raise LoadError(f"{tokens} tokens in {len(times)} pieces instead of {load.new_tokens}")
    return Stream(tokens, sent_s, times[0], times[-1])


if __name__ == "__main__":
    try:
        found = asyncio.run(play(Load(**json.loads(sys.argv[1]))))
    except (LoadError, aiohttp.ClientError, TimeoutError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.stdout.write(json.dumps(asdict(found)) + "\n")
