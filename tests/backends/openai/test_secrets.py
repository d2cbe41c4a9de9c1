"""What an upstream says is shown without secrets, and with every harmless word."""

import base64
import json

import httpx
import pytest

from tests.backends.openai.bodies import CHAT, PATH
from tests.backends.openai.conftest import UPSTREAM_KEY
from tests.backends.openai.wicked import Wicked, whole
from tests.server import Serve

HEX = "0123456789abcdef" * 2
LETTERS = "Ab1Cd2Ef3Gh4Ij5Kl6Mn7" * 4
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"HS256"}', b'{"sub":"operator"}', b"a signature of some bytes")
)
SECRETS = [
    "sk-1234567890abcdef1234567890abcdef",
    "sk-abcdefghijklmnopqrstuvwx",
    "sk-proj-aB3dE6gH-iJ9kL_mN0pQ",
    "sk-svcacct-abcdefghijkl",
    "sk-ant-api03-abcdefghijkl_mnop-QRSTUVAA",
    "sk-or-v1-" + HEX * 2,
    "sk_live_abcdefgh12345678",
    "sk_" + HEX,
    "gsk_" + LETTERS[:52],
    "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
    "xai-" + LETTERS[:80],
    "nvapi-" + LETTERS[:40],
    "AIzaSyA-1234567890abcdefghijklmnopqrstu",
    "ya29.a0AfH6SMBx-abcdefghijklmnop",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "ghp_" + LETTERS[:36],
    "xoxb-123456789012-abcdefghijkl",
    JWT,
    HEX,
    HEX.upper(),
    LETTERS,
    LETTERS[:32],
    "org-AbCdEfGh1234",
    "proj_AbCdEfGhIj123456",
    "/srv/models/llama/weights.bin",
    "/home/bob/.cache/huggingface",
    "/opt/venv/lib/python3.11/site-packages/vllm/engine.py",
    "C:\\Users\\bob\\models\\llama.gguf",
]
SENTENCES = [
    ("Incorrect API key provided: sk-…abcd. Find it on the site.", "abcd"),
    ("Incorrect API key provided: sk-proj-****************************abcd.", "abcd"),
    ("Incorrect API key provided: abcd****************6789.", "6789"),
    ("Authorization: Bearer a1b2c3d4e5", "a1b2c3d4e5"),
    ("The header was 'Bearer abcdefghijklmnopqrstuvwxyz'", "abcdefghijklmn"),
    ("Basic b3BlcmF0b3I6c2VjcmV0MQ== is refused", "b3BlcmF0b3I6"),
    ("no route to http://admin:hunter2@proxy.test/x", "hunter2"),
    ("GET https://host.test/v1?key=abc123&alt=sse failed", "abc123"),
    ('{"api_key": "zzz9zzz8zzz7"}', "zzz9zzz8zzz7"),
    ("password=correct1horse", "correct1horse"),
]
HARMLESS = [
    "key_performance_indicators",
    "/properties/address/items/street",
    "#/$defs/item/properties/name",
    "/messages/0/content/1/image_url",
    "https://platform.openai.com/account/api-keys",
    "/v1/chat/completions",
    "/v1/models/gpt-4o-mini-2024-07-18",
    "550e8400-e29b-41d4-a716-446655440000",
    "(request id: 4bf92f3577b34da6a3ce929d0e0e4736)",
    "req_4bf92f3577b34da6a3ce929d0e0e4736",
    "req_011CSHoEeqs5C35K2UUqR7Fy",
    "chatcmpl-9ZqXcVbNmAsDfGhJkLqWeRtYuIoP12",
    "sha256:" + HEX * 2,
    "gpt-4o-mini-2024-07-18",
    "Meta-Llama-3.1-405B-Instruct-Turbo-FP8",
    "accounts/fireworks/models/llama-v3p1-405b-instruct",
    "claude-sonnet-4-5-20250929",
    "key-value-store",
    "secret_santa_generator",
    "token_count_estimator",
    "org-chart-builder",
    "user_identification_number",
    "hf_hub_download_error_handling",
    "Bearer authentication is required",
    "Basic authorization",
    "Unexpected token: function",
    "api_key: Field required",
    "password: must not be empty",
    "max_tokens: 200000 > 128000",
    "Get an API key: https://example.com/keys",
    "2026-11-30T07:18:43.123456Z",
    "a/b/c/d",
    "and/or/not/xor",
]


def said(wicked: Wicked, http: httpx.Client, message: str) -> str:
    """What a client is told of a refusal with those words."""
    wicked.answer([whole(json.dumps({"error": {"message": message}}).encode(), status=400)])
    answer = http.post(PATH, json=CHAT)
    assert answer.status_code == 400
    told: str = answer.json()["error"]["message"]
    return told


def test_every_secret_goes(wicked: Wicked, http: httpx.Client) -> None:
    for secret in SECRETS:
        for sentence in (f"Not good: {secret}", f'the "{secret}", again', f"({secret})."):
            told = said(wicked, http, sentence)
            assert secret not in told
            assert told == sentence.replace(secret, "[…]")
    for sentence, secret in SENTENCES:
        assert secret not in said(wicked, http, sentence)


def test_every_harmless_word_stays(wicked: Wicked, http: httpx.Client) -> None:
    for word in HARMLESS:
        for sentence in (word, f"Wrong: {word}", f"'{word}' is not known."):
            assert said(wicked, http, sentence) == sentence


@pytest.mark.parametrize(
    "message", [f"Key {UPSTREAM_KEY} no", f"{UPSTREAM_KEY}x", "sk\\u002dthe-operators-own-key"]
)
def test_the_key_that_we_send_goes_in_every_spelling(
    wicked: Wicked, http: httpx.Client, message: str
) -> None:
    raw = b'{"error": {"message": "%s", "code": "c"}}' % message.encode()
    wicked.answer([whole(raw, status=400)])
    error = http.post(PATH, json=CHAT).json()["error"]
    assert UPSTREAM_KEY not in error["message"]
    assert error["code"] == "c"


def test_members_beside_the_message_count_too(wicked: Wicked, http: httpx.Client) -> None:
    for more, stays in [({"request_id": HEX}, True), ({"api_key": HEX}, False)]:
        body = json.dumps({"error": {"message": "No.", **more}}).encode()
        wicked.answer([whole(body, status=400)])
        answer = http.post(PATH, json=CHAT)
        assert answer.json()["error"]["message"] == "No."
        assert (answer.content == body) == stays


def test_whatever_key_we_send_goes(serve: Serve, wicked: Wicked) -> None:
    keys = {"OPENAI_API_KEY": "short", "OPENAI_HEADERS": '{"X-Api-Key": "plain words only"}'}
    server = serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_MODELS="*",
        **keys,
    )
    with server.http() as http:
        assert said(wicked, http, "Key short is no shortcut, and only only.") == (
            "Key [key] is no shortcut, and [key] [key]."
        )
