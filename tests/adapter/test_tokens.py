"""`/v1/tokenize` and `/v1/detokenize`: any Unicode there and back, counts equal to the usage."""

from random import Random

import httpx
import pytest

from backends.protocol.tokenizer import OTHER_IDS
from backends.protocol.wire import DetokenizeResponse, TokenizeResponse
from tests.adapter.chats import Body, ask, refuse
from tests.server import Serve, Server

PLANES = ((0, 0x80), (0, 0x250), (0x300, 0x370), (0x4E00, 0xA000), (0, 0xD800), (0xE000, 0x110000))
BYTE_LIKE = [chr(code) for code in range(256)]
TEXTS = [
    *["", " ", "a", "Hello there, world", "  \t\r\n  ", "1234567", "\x00", "a\x00\x00b", "\x7f"],
    *[
        "é",
        "e\u0301\u0327",
        "日本語",
        "👨‍👩‍👧‍👦",
        "\ufeffbom",
        "\uffff",
        "\U0010ffff",
        "\ue000",
        "𝔘𝔫𝔦",
    ],
    *["مرحبا", "שלום", "\u202eabc", "\u2028\u2029", "�", "<|endoftext|>", "data: [DONE]\n\n"],
    "".join(BYTE_LIKE),
]


def generated(count: int) -> list[str]:
    random = Random(0)
    texts = []
    for _ in range(count):
        first, end = random.choice(PLANES)
        codes = [random.randrange(first, end) for _ in range(random.randrange(1, 60))]
        texts.append("".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000))
    return texts


def tokenize(http: httpx.Client, **body: object) -> Body:
    answer = http.post("/v1/tokenize", json={"model": "mock-1", **body})
    assert answer.status_code == 200, answer.text[:500]
    TokenizeResponse.model_validate_json(answer.content)
    found: Body = answer.json()
    assert found["count"] == len(found["tokens"])
    return found


def detokenize(http: httpx.Client, tokens: list[int]) -> str:
    answer = http.post("/v1/detokenize", json={"model": "mock-1", "tokens": tokens})
    assert answer.status_code == 200, answer.text[:500]
    DetokenizeResponse.model_validate_json(answer.content)
    text: str = answer.json()["prompt"]
    return text


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_text_comes_back(http: httpx.Client, text: str) -> None:
    assert detokenize(http, tokenize(http, prompt=text)["tokens"]) == text


def test_generated_texts_of_every_plane_come_back(http: httpx.Client) -> None:
    for text in generated(300):
        assert detokenize(http, tokenize(http, prompt=text)["tokens"]) == text


def test_different_texts_have_different_ids(http: httpx.Client) -> None:
    texts = {*TEXTS, *generated(100), *BYTE_LIKE}
    ids = {tuple(tokenize(http, prompt=text)["tokens"]) for text in texts}
    assert len(ids) == len(texts)


@pytest.mark.parametrize("text", [*TEXTS, *generated(20)], ids=ascii)
def test_the_count_is_the_usage_of_a_completion(http: httpx.Client, text: str) -> None:
    body = {"model": "mock-1", "prompt": text, "max_tokens": 1000}
    usage = http.post("/v1/completions", json=body).json()["usage"]
    count = tokenize(http, prompt=text)["count"]
    assert usage["prompt_tokens"] == count
    assert usage["completion_tokens"] == count


CHATS: list[list[Body]] = [
    [{"role": "user", "content": "hi"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "日本語"}],
    [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
    [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two", "name": "a"},
        {"role": "user", "content": "three"},
    ],
    [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b"}}]}],
]


@pytest.mark.parametrize("messages", CHATS, ids=lambda messages: str(len(messages)))
def test_the_count_of_messages_is_the_usage_of_a_chat(
    http: httpx.Client, messages: list[Body]
) -> None:
    usage = ask(http, messages=messages)["usage"]
    assert tokenize(http, messages=messages)["count"] == usage["prompt_tokens"]


def test_the_window_is_told(serve: Serve, http: httpx.Client) -> None:
    assert tokenize(http, prompt="a")["max_model_len"] == 128_000
    with serve(MOCK_CONTEXT_TOKENS="77").http() as small:
        assert tokenize(small, prompt="a")["max_model_len"] == 77


def test_a_backend_without_a_tokenizer_has_the_default_one(echo: Server) -> None:
    with echo.http() as http:
        body = {"model": "echo", "prompt": "Hello 🌍"}
        answer = http.post("/v1/tokenize", json=body)
        assert answer.status_code == 200
        TokenizeResponse.model_validate_json(answer.content)
        back = {"model": "echo", "tokens": answer.json()["tokens"]}
        assert http.post("/v1/detokenize", json=back).json() == {"prompt": "Hello 🌍"}


WRONG: list[tuple[str, Body, str | None, int]] = [
    ("tokenize", {"prompt": "a", "model": "no-such"}, "model", 404),
    ("tokenize", {"prompt": 5}, "prompt", 400),
    ("tokenize", {"messages": []}, "messages", 400),
    ("tokenize", {"messages": [{"role": "x"}]}, "messages.0.role", 400),
    ("tokenize", {}, None, 400),
    ("tokenize", {"prompt": "a", "messages": [{"role": "user", "content": "a"}]}, None, 400),
    ("detokenize", {"tokens": [1], "model": "no-such"}, "model", 404),
    ("detokenize", {"tokens": [-1]}, "tokens.0", 400),
    ("detokenize", {"tokens": [2**31]}, "tokens", 400),
    ("detokenize", {"tokens": [2**70]}, "tokens", 400),
    ("detokenize", {"tokens": [OTHER_IDS + 0xD800]}, "tokens", 400),  # the id of a lone surrogate
    ("detokenize", {"tokens": ["1"]}, "tokens.0", 400),
    ("detokenize", {"tokens": [1.5]}, "tokens.0", 400),
    ("detokenize", {"tokens": [True]}, "tokens.0", 400),
    ("detokenize", {"tokens": "abc"}, "tokens", 400),
    ("detokenize", {}, "tokens", 400),
]


@pytest.mark.parametrize(("path", "body", "param", "status"), WRONG, ids=str)
def test_what_is_wrong_is_refused(
    http: httpx.Client, path: str, body: Body, param: str | None, status: int
) -> None:
    error = refuse(http, f"/v1/{path}", {"model": "mock-1"} | body, status)
    assert error["param"] == param or (error["param"] or "").startswith(f"{param}.")


def test_no_tokens_are_no_text(http: httpx.Client) -> None:
    assert detokenize(http, []) == ""
