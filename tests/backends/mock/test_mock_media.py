"""Images, audio and files: taken and counted, refused when they are none."""

from base64 import b64encode

import httpx
import pytest

from tests.adapter.chats import Body, ask, chat_body, refuse, said

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
JPEG = b"\xff\xd8\xff\xe0" + bytes(32)
WEBP = b"RIFF\x24\0\0\0WEBPVP8 " + bytes(32)
WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(32)


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def image(url: str, **more: object) -> Body:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{encoded(data)}"


def audio(data: str, kind: str = "wav") -> Body:
    return {"type": "input_audio", "input_audio": {"data": data, "format": kind}}


def file(**more: object) -> Body:
    return {"type": "file", "file": more}


TEXT = {"type": "text", "text": "What is this?"}
TAKEN = {
    "png": image(data_url(PNG)),
    "jpeg": image(data_url(JPEG, "image/jpeg")),
    "gif": image(data_url(b"GIF89a" + bytes(30), "image/gif")),
    "webp": image(data_url(WEBP, "image/webp")),
    "low": image(data_url(PNG), detail="low"),
    "high": image(data_url(PNG), detail="high"),
    "auto": image(data_url(PNG), detail="auto"),
    "https": image("https://example.com/cat.png"),
    "wav": audio(encoded(WAV)),
    "mp3": audio(encoded(b"ID3" + bytes(60)), "mp3"),
    "file": file(filename="a.pdf", file_data=data_url(b"%PDF-1.7", "application/pdf")),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_part_is_taken_and_counted(http: httpx.Client, name: str) -> None:
    alone = ask(http, [TEXT])["usage"]["prompt_tokens"]
    one = ask(http, [TEXT, TAKEN[name]])
    assert one["choices"][0]["message"]["content"] == "What is this?"
    two = ask(http, [TEXT, TAKEN[name], TAKEN[name]])["usage"]["prompt_tokens"]
    assert alone < one["usage"]["prompt_tokens"] < two


@pytest.mark.parametrize("name", TAKEN)
def test_a_message_without_text_is_answered(http: httpx.Client, name: str) -> None:
    text, finish = said(http, [TAKEN[name]])
    assert text
    assert finish == "stop"


URL, DATA = "image_url.url", "input_audio.data"
REFUSED: list[tuple[Body, str]] = [
    (image("file:///etc/passwd"), URL),
    (image("ftp://example.com/x.png"), URL),
    (image(""), URL),
    (image("cat.png"), URL),
    (image("data:image/png;base64,"), URL),
    (image("data:image/png;base64,%%%%"), URL),
    (image("data:image/png;base64,abc"), URL),
    (image("data:image/png;base64,abcd\n"), URL),
    (image("data:image/png,abcd"), URL),
    (image("data:text/plain;base64," + encoded(PNG)), URL),
    (image(data_url(b"this is no image at all....")), URL),
    (image(data_url(WAV)), URL),
    (image(data_url(PNG), detail="tiny"), "image_url.detail"),
    ({"type": "image_url"}, "image_url"),
    ({"type": "image_url", "image_url": "https://a/b"}, "image_url"),
    (audio("%%%"), DATA),
    (audio(""), DATA),
    (audio(encoded(WAV), "ogg"), "input_audio.format"),
    (file(file_data="data:application/pdf;base64,%%%"), "file.file_data"),
    (file(), "file"),
    (file(file_id="file-abc"), "file.file_id"),
    ({"type": "video"}, "type"),
    ({"text": "no type"}, "type"),
]


@pytest.mark.parametrize(("part", "param"), REFUSED, ids=lambda value: str(value)[:70])
def test_what_is_none_is_refused_by_its_path(http: httpx.Client, part: Body, param: str) -> None:
    body = chat_body(
        messages=[{"role": "user", "content": "x"}, *chat_body([TEXT, part])["messages"]]
    )
    error = refuse(http, "/v1/chat/completions", body)
    assert error["param"].startswith(f"messages.1.content.1.{param}")


@pytest.mark.parametrize("role", ["system", "developer", "assistant", "tool"])
def test_only_a_user_shows_images(http: httpx.Client, role: str) -> None:
    message = {"role": role, "content": [TAKEN["png"]], "tool_call_id": "c"}
    error = refuse(http, "/v1/chat/completions", chat_body(messages=[message]))
    assert error["param"].startswith("messages.0.content.0")


@pytest.mark.parametrize(
    "more",
    [
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        {"web_search_options": {}},
        {"moderation": {"model": "omni-moderation-latest"}},
    ],
    ids=str,
)
def test_what_the_mock_cannot_do_is_refused_by_name(http: httpx.Client, more: Body) -> None:
    error = refuse(http, "/v1/chat/completions", chat_body(**more))
    assert error["code"] == "unsupported_parameter"
    assert error["param"] in more
