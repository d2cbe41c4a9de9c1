"""A function of one's own as a model."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.server import Serve, Server

PROGRAM = """
import asyncio
import time

from backends.handler import handlers


def shout(prompt: str) -> str:
    time.sleep(0.3)
    return prompt.upper()


async def whisper(prompt: str) -> str:
    await asyncio.sleep(0)
    return prompt.lower()


def broken(prompt: str) -> str:
    raise RuntimeError("the secret reason")


Mine = handlers({"shout": shout, "whisper": whisper, "broken": broken})
"""


@pytest.fixture
def server(serve: Serve, tmp_path: Path) -> Server:
    (tmp_path / "mine.py").write_text(PROGRAM)
    return serve("--backend", "mine:Mine")


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with server.client() as client:
        yield client


def said(client: openai.OpenAI, model: str, text: str) -> str | None:
    chat = client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
    return chat.choices[0].message.content


def test_functions_answer_chats(client: openai.OpenAI) -> None:
    assert {model.id for model in client.models.list()} == {"shout", "whisper", "broken"}
    assert said(client, "shout", "Hello") == "HELLO"
    assert said(client, "whisper", "Hello") == "hello"


def test_a_function_streams_stops_and_completes(client: openai.OpenAI) -> None:
    stream = client.completions.create(model="shout", prompt="a b c", stop=" C", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == "A B"


def test_a_function_that_raises_tells_the_client_nothing(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        said(client, "broken", "Hello")
    assert "secret" not in str(caught.value)


async def test_a_function_that_blocks_holds_nobody_up(server: Server) -> None:
    async with server.async_client() as client:

        async def ask() -> None:
            await client.chat.completions.create(
                model="shout", messages=[{"role": "user", "content": "x"}]
            )

        await ask()
        began_s = time.monotonic()
        await asyncio.gather(*[ask() for _ in range(4)])
        assert time.monotonic() - began_s < 0.9
