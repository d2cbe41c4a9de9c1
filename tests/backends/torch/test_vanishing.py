"""Clients that come, stream and vanish at random: every block comes back."""

import asyncio
import os
import time
from pathlib import Path
from random import Random

import httpx

from tests.backends.torch.served import served
from tests.server import Server

CLIENTS = 64
LASTS_S = float(os.environ.get("VANISHING_S", "8"))
SETTLES_S = 30.0
PATIENCE_S = 240.0
COUNTED = ("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc")


async def visit(http: httpx.AsyncClient, lot: Random, until_s: float) -> None:
    """One client, which leaves before most of its answers end."""
    while time.monotonic() < until_s:
        body = {
            "model": "smollm2",
            "messages": [{"role": "user", "content": "word " * lot.randrange(1, 200)}],
            "max_tokens": lot.randrange(1, 60),
            "n": lot.choice([1, 1, 2]),
            "stream": True,
        }
        stays_s = lot.choice([0.0, 0.05, 0.3, 1.0, 5.0])
        try:
            async with (
                asyncio.timeout(stays_s),
                http.stream("POST", "/v1/chat/completions", json=body) as answer,
            ):
                assert answer.status_code == 200
                async for _ in answer.aiter_lines():
                    pass
        except TimeoutError:
            pass


async def stay(http: httpx.AsyncClient) -> bool:
    """A client among them that waits: whether it hears its answer to the end."""
    body = {"model": "smollm2", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4}
    async with http.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as answer:
        assert answer.status_code == 200
        return "data: [DONE]" in [line async for line in answer.aiter_lines()]


def held(server: Server) -> dict[str, float]:
    with server.http() as http:
        lines = http.get("/metrics").text.splitlines()
    return {
        name: float(line.rpartition(" ")[2])
        for line in lines
        for name in COUNTED
        if line.startswith(f"{name}{{")
    }


async def test_every_block_comes_back_from_clients_that_vanish(
    tmp_path: Path, smollm2: Path
) -> None:
    # Room for a few sequences only, so that they are preempted too.
    folder = tmp_path / "smollm2"
    folder.symlink_to(smollm2)
    server = served(tmp_path, folder, TORCH_KV_CACHE_MB="40", TORCH_CONTEXT_TOKENS="512")
    try:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=server.url, timeout=PATIENCE_S, limits=limits
        ) as http:
            until_s = time.monotonic() + LASTS_S
            visits = [visit(http, Random(number), until_s) for number in range(CLIENTS)]
            heard, *_ = await asyncio.gather(stay(http), *visits)
            settled_s = time.monotonic() + SETTLES_S
            while any(held(server).values()) and time.monotonic() < settled_s:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
            assert held(server) == dict.fromkeys(COUNTED, 0.0)
            assert heard
            body = {"model": "smollm2", "messages": [{"role": "user", "content": "Hi"}]}
            answer = await http.post("/v1/chat/completions", json=body | {"max_tokens": 5})
            assert answer.status_code == 200
    finally:
        server.stop()
