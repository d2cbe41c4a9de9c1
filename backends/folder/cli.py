"""`adapter providers check`: what a folder would send, and how it would read an answer."""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from pydantic import ValidationError

from backends.folder.example import EXAMPLE, Read, read_example
from backends.folder.files import FolderError
from backends.folder.header import REDACTED
from backends.folder.placeholders import EVERY, SAMPLING
from backends.folder.provider import Provider, read_provider
from backends.folder.settings import FolderSettings
from backends.protocol import GenerationRequest, Sampling
from backends.protocol.wire.messages import (
    ChatCompletionRequestSystemMessage,
    ChatCompletionRequestUserMessage,
)

WRONG = 2
SECRET = re.compile(r"(key|secret|password|token|authorization|credential)$", re.IGNORECASE)


@click.group()
def providers() -> None:
    """Providers that a folder describes."""


@providers.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def check(folder: Path) -> None:
    """Check a provider's folder: what it sends, how it reads an example."""
    try:
        provider = read_provider(folder.resolve(), FolderSettings().folder_hosts)
        example = asyncio.run(read_example(folder.resolve(), provider))
    except (FolderError, ValidationError) as error:
        click.echo(f"adapter: {error}", err=True)
        sys.exit(WRONG)
    for line in (*_request(provider), "", *_summary(provider), *_answers(example)):
        click.echo(line)


def _request(provider: Provider) -> Iterator[str]:
    yield f"POST {provider.header.shown_path} HTTP/1.1"
    yield f"Host: {provider.metadata.base_url.partition('://')[2]}"
    for name, value in provider.header.shown.items():
        yield f"{name}: {value}"
    yield ""
    body = json.loads(provider.body(_sample(provider)))
    yield json.dumps(_redacted(body), indent=2, ensure_ascii=False)


def _sample(provider: Provider) -> GenerationRequest:
    """A request with a value for every placeholder of the template."""
    carried = provider.payload.names
    return GenerationRequest(
        model=provider.metadata.models[0].replace("*", "1"),
        messages=[
            ChatCompletionRequestSystemMessage(role="system", content="Be brief."),
            ChatCompletionRequestUserMessage(role="user", content="Hello"),
        ],
        max_tokens=64,
        stop=["END"],
        sampling=Sampling(
            temperature=0.5 if "temperature" in carried else 1.0,
            top_p=0.9 if "top_p" in carried else 1.0,
            seed=7 if "seed" in carried else None,
        ),
    )


def _redacted(value: object, name: str = "") -> object:
    if isinstance(value, dict):
        return {key: _redacted(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_redacted(one, name) for one in value]
    return REDACTED if isinstance(value, str) and SECRET.search(name) else value


def _summary(provider: Provider) -> Iterator[str]:
    carried = provider.payload.names
    parameters = (SAMPLING | EVERY) & carried
    refused = (SAMPLING | {"seed"}) - carried
    yield f"to       {provider.metadata.base_url}, {'streamed' if provider.streams else 'whole'}"
    yield f"models   {', '.join(provider.metadata.models)}"
    yield f"carries  {', '.join(sorted(parameters)) or 'no parameters'}"
    if refused:
        yield f"refuses  {', '.join(sorted(refused))}"


def _answers(example: list[Read]) -> Iterator[str]:
    if not example:
        yield f"no {EXAMPLE}: the mapping was not tried"
    for read in example:
        yield ""
        yield f"{EXAMPLE} ({read.kind})"
        yield f"text     {json.dumps(read.pieces, ensure_ascii=False)}"
        yield f"finish   {read.finish}"
        if read.usage is not None:
            counts = read.usage.prompt_tokens, read.usage.completion_tokens
            yield "usage    {} tokens in, {} out".format(*counts)
