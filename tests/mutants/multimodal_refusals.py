"""Defects in what is refused of the images, sounds and files of a chat, and in what is fetched."""

import socket
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from contract_tests.samples import AUDIO, IMAGE
from tests.mutants.families import CHAT, answers, edits_calls, refuses
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.multimodal import Part, drops_parts, has_part, parts_of
from tests.mutants.mutant import Mutant

PLAIN = ("127.0.0.1", "localhost")


def _url(part: Part) -> str:
    image = part.get("image_url")
    return str(image.get("url", "-")) if isinstance(image, dict) else "-"


def _is_file(part: Part) -> bool:
    return _url(part).startswith(("file:", "/"))


def _is_traversal(part: Part) -> bool:
    return "/../" in _url(part)


def _is_malformed(part: Part) -> bool:
    url = _url(part)
    return url == "" or (":" not in url and url != "-") or url == "data:image/png;base64"


def _has_bad_audio(part: Part) -> bool:
    sound = part.get("input_audio")
    return isinstance(sound, dict) and sound != AUDIO["input_audio"]


def _file_without(key: str) -> Callable[[Part], bool]:
    return lambda part: part.get("type") == "file" and key not in part["file"]


def _replaces(test: Callable[[Part], bool], good: Part) -> Layer:
    """Takes such a part for another one."""

    def edit(body: Any) -> None:
        for part in parts_of(body):
            if test(part):
                part.clear()
                part.update(good)

    return edits_calls(edit, CHAT)


def _fetches(spares: Collection[str] = ()) -> Layer:
    """Connects to the host of each image's URL."""

    def before(call: Call) -> Answer | None:
        body = call.json if call.path == CHAT else None
        for part in parts_of(body) if isinstance(body, dict) else []:
            url = urlsplit(_url(part))
            if url.scheme != "http" or not url.port or url.hostname in spares:
                continue
            with socket.create_connection((url.hostname, url.port), timeout=2) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
                connection.recv(1)
        return None

    return around(before=before)


def _accepts(name: str, defect: str, test: Callable[[Part], bool], *kills: str) -> Mutant:
    identity = f"multimodal-refusals-{name}"
    return Mutant(
        identity, defect, drops_parts(test), tuple(f"multimodal.{kill}" for kill in kills)
    )


MUTANTS = (
    _accepts("malformed", "malformed URLs are dropped", _is_malformed, "image.malformed_url"),
    _accepts(
        "any-uri",
        "an image that cannot be read is dropped",
        lambda part: part.get("type") == "image_url" and _url(part) != _url(IMAGE),
        "image.malformed_url",
        "image.bad_base64",
        "image.not_an_image",
        "url.file",
    ),
    _accepts(
        "base64",
        "base64 that is none is dropped",
        lambda part: "!!!" in _url(part),
        "image.bad_base64",
    ),
    _accepts(
        "no-url",
        "an image without a url is dropped",
        lambda part: part.get("image_url") == {},
        "image.no_url",
    ),
    _accepts(
        "audio",
        "a sound that cannot be read is dropped",
        _has_bad_audio,
        "audio.unknown_format",
        "audio.bad_base64",
    ),
    _accepts(
        "empty-file",
        "an empty file is dropped",
        _file_without("file_data"),
        "file.empty",
        "file.unknown_id",
    ),
    Mutant(
        "multimodal-refusals-not-an-image",
        "text is taken for an image",
        _replaces(lambda part: _url(part).startswith("data:image/png;base64,VGhlc2U"), IMAGE),
        ("multimodal.image.not_an_image",),
    ),
    Mutant(
        "multimodal-refusals-detail",
        "an unknown detail is auto",
        _replaces(lambda part: part.get("image_url", {}).get("detail") == "microscopic", IMAGE),
        ("multimodal.image.unknown_detail",),
    ),
    Mutant(
        "multimodal-refusals-crash",
        "a part that cannot be read is a 500",
        answers(400, 500, lambda call: call.path == CHAT),
        (
            "multimodal.image.malformed_url",
            "multimodal.image.bad_base64",
            "multimodal.image.not_an_image",
            "multimodal.image.unknown_detail",
            "multimodal.image.no_url",
            "multimodal.audio.unknown_format",
            "multimodal.audio.bad_base64",
            "multimodal.file.empty",
            "multimodal.url.file",
        ),
    ),
    Mutant(
        "multimodal-refusals-local-file",
        "file:// URLs and paths are read",
        _replaces(_is_file, IMAGE),
        ("multimodal.url.file",),
    ),
    Mutant(
        "multimodal-refusals-traversal",
        "a path that goes up and down again is read",
        _replaces(_is_traversal, IMAGE),
        ("multimodal.url.file",),
    ),
    Mutant(
        "multimodal-refusals-fetches",
        "every URL is fetched",
        _fetches(),
        ("multimodal.url.loopback", "multimodal.url.loopback_spelled"),
    ),
    Mutant(
        "multimodal-refusals-fetches-spelled",
        "loopback is known by two names only",
        _fetches(PLAIN),
        ("multimodal.url.loopback_spelled",),
    ),
    Mutant(
        "multimodal-refusals-metadata",
        "a metadata service that does not answer is a 502",
        refuses(has_part(lambda part: "169.254.169.254" in _url(part)), 502, path=CHAT),
        ("multimodal.url.metadata",),
    ),
)
