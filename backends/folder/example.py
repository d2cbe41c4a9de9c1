"""`response_example.md`: an answer of the provider, on which the mapping is tried.

A ```json block is a whole answer, a ```sse block an event stream as it came in.
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backends.folder.files import read_text
from backends.folder.provider import Provider
from backends.protocol import Event, Finish, TextDelta, Usage
from backends.protocol.errors import APIError
from backends.upstream.settings import UpstreamSettings

EXAMPLE = "response_example.md"
BLOCK = re.compile(r"^```(json|sse)[ \t]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
TYPES = {"json": "application/json", "sse": "text/event-stream"}
KEYS = {"json": "json", "sse": "events"}


@dataclass(slots=True)
class Read:
    """What the mapping makes of one block of the example."""

    kind: str
    pieces: list[str] = field(default_factory=list)
    finish: str = ""
    usage: Usage | None = None


async def read_example(folder: Path, provider: Provider) -> list[Read]:
    """What the mapping makes of each block that it describes; nothing without an example.

    Raises:
        FolderError: there is no such block, or the mapping finds nothing in one.
    """
    if not (folder / EXAMPLE).is_symlink() and not (folder / EXAMPLE).exists():
        return []
    file = read_text(folder, EXAMPLE)
    described = {key for key, _ in provider.metadata.answer.places}
    blocks = [block for block in BLOCK.finditer(file.text) if KEYS[block.group(1)] in described]
    if not blocks:
        wanted = " or ".join(f"```{kind}" for kind, key in KEYS.items() if key in described)
        raise file.wrong(f"has no {wanted} block")
    read, max_bytes = [], UpstreamSettings().max_event_bytes
    for block in blocks:
        kind, text = block.groups()
        one = Read(kind)
        try:
            async for events in provider.events(_pieces(text), TYPES[kind], max_bytes):
                _add(one, events)
        except APIError as error:
            line = file.text.count("\n", 0, block.start()) + 1
            raise file.wrong(error.message, line=line) from error
        read.append(one)
    return read


async def _pieces(text: str) -> AsyncIterator[bytes]:
    # The last event of a block may lack the empty line that ends it.
    yield f"{text}\n\n".encode()


def _add(read: Read, events: Sequence[Event]) -> None:
    for event in events:
        if isinstance(event, TextDelta):
            read.pieces.append(event.text)
        elif isinstance(event, Finish):
            read.finish = event.reason
        elif isinstance(event, Usage):
            read.usage = event
