"""The limit: an ASGI app that reads the body and answers with constant bytes."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]

CHAT = Path(os.environ["RAW_CHAT"]).read_bytes()
STREAM = Path(os.environ["RAW_STREAM"]).read_bytes()

CHAT_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(CHAT))]
STREAM_HEADERS = [(b"content-type", b"text/event-stream")]


async def app(
    _scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer any path; a stream leaves with all of its frames in one send."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    stream = b'"stream":true' in body
    headers = STREAM_HEADERS if stream else CHAT_HEADERS
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": STREAM if stream else CHAT})
