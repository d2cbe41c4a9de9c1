"""Refuses images and audio that are none; nothing is ever fetched."""

import re
from base64 import b64decode
from collections.abc import Sequence

from backends.protocol.errors import BadRequestError
from backends.protocol.media import image_type
from backends.protocol.wire import ChatCompletionRequestMessage
from backends.protocol.wire.parts import InputFile

HEAD_CHARACTERS = 64
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


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
                require_image(part.image_url.url, f"{param}.image_url.url")
            elif part.type == "input_audio":
                _head(part.input_audio.data, f"{param}.input_audio.data")
            elif part.type == "file":
                _require_file(part.file, f"{param}.file")


def require_image(url: str, param: str) -> None:
    """Look at one image.

    Raises:
        BadRequestError: as above.
    """
    if url.startswith(("https://", "http://")):
        return
    media_type, comma, data = url.partition(",")
    if not comma or not media_type.startswith("data:image/") or not media_type.endswith(";base64"):
        raise BadRequestError(
            "An image is an http(s) URL or 'data:image/…;base64,…'.",
            param=param,
            code="invalid_image",
        )
    if image_type(_head(data, param)) is None:
        raise BadRequestError(
            "The data is no PNG, JPEG, GIF or WebP image.", param=param, code="invalid_image"
        )


def _require_file(file: InputFile, param: str) -> None:
    if file.file_data:
        _head(file.file_data.rpartition(",")[2], f"{param}.file_data")
    elif file.file_id:
        # There is nowhere to upload a file to, so nobody can have its id.
        raise BadRequestError(f"No such file: '{file.file_id}'.", param=f"{param}.file_id")
    else:
        raise BadRequestError("A file has 'file_data' or 'file_id'.", param=param)


def _head(data: str, param: str) -> bytes:
    """The first bytes of base64, whose whole length and alphabet are checked."""
    if not data or len(data) % 4 or not _BASE64.fullmatch(data):
        raise BadRequestError("The data is not valid base64.", param=param)
    return b64decode(data[:HEAD_CHARACTERS])
