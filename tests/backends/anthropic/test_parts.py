"""Texts, images and files on their way to Claude."""

from base64 import b64encode
from typing import Any

import httpx
import openai
import pytest

from tests.backends.anthropic.asking import chat, refused, user
from tests.backends.anthropic.stub import Stub

Json = dict[str, Any]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # noqa: E501 - one image
HEADS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
}
IMAGES = {kind: b64encode(head + bytes(30)).decode() for kind, head in HEADS.items()}
LABELS = ["image/png", "image/jpg", "image/JPEG", "application/octet-stream", "image/webp", ""]
PDF = b64encode(b"%PDF-1.4 small").decode()
NOTE = b64encode("Grüße".encode()).decode()


def image(url: str, **more: object) -> Json:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def file(**file: object) -> Json:
    return {"type": "file", "file": file}


SENT: list[tuple[Json, Json]] = [
    (
        image(f"data:image/png;base64,{PIXEL}"),
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
        },
    ),
    (
        image("https://example.com/cat.jpg", detail="high"),
        {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.jpg"}},
    ),
    (
        image(f"data:image/jpg;base64,{IMAGES['image/jpeg']}", detail="auto"),
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": "image/jpeg",
                "data": IMAGES["image/jpeg"],
            },
        },
    ),
    (
        file(file_data=f"data:application/pdf;base64,{PDF}", filename="a.pdf"),
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
            "title": "a.pdf",
        },
    ),
    (
        file(file_data=f"data:application/octet-stream;base64,{PDF}"),
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
        },
    ),
    (
        file(file_data=PDF),
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
        },
    ),
    (
        file(file_data=f"data:text/plain;charset=utf-8;base64,{NOTE}"),
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"},
        },
    ),
]


@pytest.mark.parametrize(("part", "block"), SENT)
def test_what_claude_sees(claude: openai.OpenAI, stub: Stub, part: Json, block: Json) -> None:
    text = {"type": "text", "text": "What is it?"}
    chat(claude, user([text, part, text]))
    assert stub.last["messages"][0]["content"] == [text, block, text]


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("kind", IMAGES)
def test_an_images_media_type_is_that_of_its_bytes(
    plain: httpx.Client, stub: Stub, label: str, kind: str
) -> None:
    parts = [image(f"data:{label};base64,{IMAGES[kind]}")]
    body = {"model": "claude-test", "messages": [user(parts)]}
    assert plain.post("/v1/chat/completions", json=body).status_code == 200
    (block,) = stub.last["messages"][0]["content"]
    assert block["source"] == {"type": "base64", "media_type": kind, "data": IMAGES[kind]}


def test_a_breakpoint_of_the_cache(claude: openai.OpenAI, stub: Stub) -> None:
    marked = {"type": "text", "text": "Long.", "prompt_cache_breakpoint": {"mode": "explicit"}}
    chat(claude, {"role": "system", "content": [marked]}, user([marked]))
    block = {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}
    assert stub.last["system"] == [block]
    assert stub.last["messages"][0]["content"] == [block]


REFUSED = [
    (image("http://example.com/cat.jpg"), "image_url.url"),
    (image("file:///etc/passwd"), "image_url.url"),
    (image("data:image/svg+xml;base64,AAAA"), "image_url.url"),
    (image("data:image/png,raw"), "image_url.url"),
    (image("data:image/png;base64,"), "image_url.url"),
    (image("data:image/png;base64,AAAA"), "image_url.url"),
    (image("data:image/png;base64,iVBORw0K###"), "image_url.url"),
    (image(f"data:image/png;base64,{b64encode(b'BM' + bytes(30)).decode()}"), "image_url.url"),
    (image(f"data:image/jpeg;base64,{PDF}"), "image_url.url"),
    (image(PIXEL), "image_url.url"),
    (image(f"data:image/png;base64,{PIXEL}", detail="low"), "image_url.detail"),
    (file(file_id="file-1"), "file.file_id"),
    (file(), "file.file_id"),
    (file(file_data="AAAA"), "file.file_data"),
    (file(file_data="data:application/zip;base64,AAAA"), "file.file_data"),
    (file(file_data="data:text/plain;base64,/w=="), "file.file_data"),
]


@pytest.mark.parametrize(("part", "place"), REFUSED)
def test_what_claude_does_not_read(plain: httpx.Client, stub: Stub, part: Json, place: str) -> None:
    text = {"type": "text", "text": "What is it?"}
    error = refused(plain, stub, f"messages.0.content.1.{place}", messages=[user([text, part])])
    assert error["code"] == "unsupported_parameter"


def test_audio(plain: httpx.Client, stub: Stub) -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    refused(plain, stub, "messages.0.content.0", messages=[user([sound])])
