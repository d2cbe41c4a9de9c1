"""Texts, images and files as Anthropic's content blocks.

Source: https://platform.claude.com/docs/en/build-with-claude/vision, .../pdf-support
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Sequence
from typing import Any, cast

from backends.protocol.errors import UnsupportedParameter
from backends.protocol.media import HEAD_BYTES, image_type
from backends.protocol.wire.caching import Cacheable
from backends.protocol.wire.parts import (
    ChatCompletionRequestAssistantMessageContentPart,
    ChatCompletionRequestMessageContentPartFile,
    ChatCompletionRequestMessageContentPartImage,
    ChatCompletionRequestUserMessageContentPart,
)

Block = dict[str, Any]
Part = (
    ChatCompletionRequestUserMessageContentPart | ChatCompletionRequestAssistantMessageContentPart
)

PDF, TEXT = "application/pdf", "text/plain"
PDF_IN_BASE64 = "JVBERi"
DATA_URI = re.compile(
    r"data:([\w.+-]+/[\w.+-]+|)(?:;[\w-]+=[^;,]*)*;base64,", re.ASCII | re.IGNORECASE
)
HEAD_CHARACTERS = HEAD_BYTES * 4 // 3


def text_block(text: str) -> Block:
    """A text."""
    return {"type": "text", "text": text}


def cached(block: Block, marked: Cacheable) -> Block:
    """The block with the `cache_control` of what it was made from, where there is one."""
    if (mark := marked.cache_mark()) is not None:
        block["cache_control"] = mark
    return block


def blocks_of(content: str | Sequence[Part] | None, param: str) -> list[Block]:
    """The blocks of a message's content; a blank text, which Anthropic takes for none, is none.

    Raises:
        UnsupportedParameter: a part that Claude does not read; `param` is its place.
    """
    if content is None or isinstance(content, str):
        return [text_block(content)] if content and content.strip() else []
    made = [_block(part, f"{param}.{place}") for place, part in enumerate(content)]
    return [block for block in made if block is not None]


def _block(part: Part, param: str) -> Block | None:
    if part.type == "refusal":
        if not part.refusal.strip():
            return None
        return cached(text_block(part.refusal), part)
    if part.type == "text":
        if not part.text.strip():
            return None
        block = text_block(part.text)
    elif part.type == "image_url":
        block = {"type": "image", "source": _image(part, f"{param}.image_url")}
    elif part.type == "file":
        block = _document(part, f"{param}.file")
    else:
        raise UnsupportedParameter("Claude does not listen to audio.", param=param)
    if part.prompt_cache_breakpoint is not None:
        block["cache_control"] = {"type": "ephemeral"}
    return cached(block, part)


def _image(part: ChatCompletionRequestMessageContentPartImage, param: str) -> Block:
    image = part.image_url
    if image.detail == "low":
        raise UnsupportedParameter(
            "Claude always looks at the whole image: leave 'detail' out.", param=f"{param}.detail"
        )
    if image.url.startswith("https://"):
        return {"type": "url", "url": image.url}
    label, data = _data(image.url)
    # Anthropic refuses an image that is labelled as another kind; clients label them as they like.
    media_type = image_type(_head(data)) if label is not None else None
    if media_type is None:
        raise UnsupportedParameter(
            "Claude takes an image as an https:// URL, or as a base64 data URL of JPEG, PNG, GIF"
            " or WebP.",
            param=f"{param}.url",
        )
    return {"type": "base64", "media_type": media_type, "data": data}


def _document(part: ChatCompletionRequestMessageContentPartFile, param: str) -> Block:
    file = part.file
    if file.file_data is None:
        raise UnsupportedParameter(
            "Files uploaded elsewhere are not known to Claude: send 'file_data'.",
            param=f"{param}.file_id",
        )
    media_type, data = _data(file.file_data)
    if data.startswith(PDF_IN_BASE64):
        media_type = PDF
    if media_type == PDF:
        source = {"type": "base64", "media_type": PDF, "data": data}
    elif media_type == TEXT:
        source = {"type": "text", "media_type": TEXT, "data": _decoded(data, param)}
    else:
        raise UnsupportedParameter(
            "Claude takes a file as a base64 data URL of a PDF or of plain text.",
            param=f"{param}.file_data",
        )
    document: Block = {"type": "document", "source": source}
    if file.filename:
        document["title"] = file.filename
    return document


def _data(url: str) -> tuple[str | None, str]:
    """The media type, None if it is not told, and what is in base64."""
    head = DATA_URI.match(url)
    if head is None:
        return None, url
    return cast("str", head.group(1)).lower(), url[head.end() :]


def _head(data: str) -> bytes:
    """The first bytes of what is in base64, none where it is not."""
    try:
        return b64decode(data[:HEAD_CHARACTERS], validate=True)
    except binascii.Error:
        return b""


def _decoded(data: str, param: str) -> str:
    try:
        return b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise UnsupportedParameter(
            "A plain text must be UTF-8 in base64.", param=f"{param}.file_data"
        ) from None
