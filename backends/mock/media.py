"""Refuses images and audio that are none; nothing is ever fetched."""

import re
from base64 import b64decode
from collections.abc import Sequence

from backends.protocol.errors import BadRequestError
from backends.protocol.wire import ChatCompletionRequestMessage

HEAD_CHARACTERS = 64
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
IMAGE_HEADS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")


def require_media(messages: Sequence[ChatCompletionRequestMessage]) -> None:
    """Look at each image, sound and file of the user's messages.

    Raises:
        BadRequestError: a data URL that holds no image, base64 that is none, a scheme that is
            neither `http(s):` nor `data:`.
    """
    for index, message in enumerate(messages):
        if message.role != "user" or isinstance(message.content, str):
            continue
        for place, part in enumerate(message.content):
            param = f"messages.{index}.content.{place}"
            if part.type == "image_url":
                _require_image(part.image_url.url, f"{param}.image_url.url")
            elif part.type == "input_audio":
                _head(part.input_audio.data, f"{param}.input_audio.data")
            elif part.type == "file" and part.file.file_data:
                data = part.file.file_data.rpartition(",")[2]
                _head(data, f"{param}.file.file_data")


def _require_image(url: str, param: str) -> None:
    if url.startswith(("https://", "http://")):
        return
    media_type, comma, data = url.partition(",")
    if not comma or not media_type.startswith("data:image/") or not media_type.endswith(";base64"):
        raise BadRequestError(
            "An image is an http(s) URL or 'data:image/…;base64,…'.",
            param=param,
            code="invalid_image",
        )
    if not _head(data, param).startswith(IMAGE_HEADS):
        raise BadRequestError(
            "The data is no PNG, JPEG, GIF or WebP image.", param=param, code="invalid_image"
        )


def _head(data: str, param: str) -> bytes:
    """The first bytes of base64, whose whole length and alphabet are checked."""
    if not data or len(data) % 4 or not _BASE64.fullmatch(data):
        raise BadRequestError("The data is not valid base64.", param=param)
    return b64decode(data[:HEAD_CHARACTERS])
