"""Whatever is not a success is OpenAI's envelope, bounded, clean, and the same when streaming."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.adapter.envelope import CHAT, error_of
from tests.server import Server, start

FAULTY = """
from backends.protocol import Model, TextDelta, errors

class Faulty:
    async def models(self):
        return [Model("m")]

    async def generate(self, request):
        kind, _, late = request.last_user_text().partition(" ")
        if late:
            yield TextDelta("one ")
            yield TextDelta("two ")
        if kind == "crash":
            raise RuntimeError("s3cret of /etc/passwd")
        raise getattr(errors, kind)("Told so.", param="messages", retry_after_s=7)
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "faulty.py").write_text(FAULTY)
    server = start(folder, "--backend", "faulty:Faulty")
    yield server
    server.stop()


def provoke(server: Server, said: str, *, stream: bool = False) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": said}], "stream": stream}
    with server.http() as http:
        return http.post("/v1/chat/completions", json=body)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/v1/nope", "/nope", "/v1/chat", "/v1/é%00%ff"])
def test_unknown_path_is_404(http: httpx.Client, method: str, path: str) -> None:
    response = http.request(method, path)
    assert response.status_code == 404
    assert "Unknown request URL" in error_of(response)["message"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/chat/completions", {"POST"}),
        ("PUT", "/v1/completions", {"POST"}),
        ("DELETE", "/v1/embeddings", {"POST"}),
        ("PATCH", "/v1/moderations", {"POST"}),
        ("GET", "/v1/tokenize", {"POST"}),
        ("GET", "/v1/detokenize/", {"POST"}),
        ("POST", "/v1/models", {"GET"}),
        ("DELETE", "/v1/models", {"GET"}),
        ("POST", "/v1/models/gpt-4o", {"GET", "DELETE"}),
        ("POST", "/health", {"GET"}),
        ("POST", "/metrics", {"GET"}),
        ("BREW", "/v1/chat/completions", {"POST"}),
    ],
)
def test_wrong_method_is_405_and_allow_lists_the_right_ones(
    http: httpx.Client, method: str, path: str, allow: set[str]
) -> None:
    response = http.request(method, path)
    if method == "BREW" and response.status_code == 400:
        return  # a method that HTTP itself does not know never reaches the app
    assert response.status_code == 405
    error_of(response)
    allowed = {name.strip() for name in response.headers["allow"].split(",")}
    assert allowed - {"HEAD"} == allow


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("name", "status", "kind", "code"),
    [
        ("APIError", 500, "server_error", None),
        ("BadRequestError", 400, "invalid_request_error", None),
        ("ContextLengthExceeded", 400, "invalid_request_error", "context_length_exceeded"),
        ("UnsupportedParameter", 400, "invalid_request_error", "unsupported_parameter"),
        ("AuthenticationError", 401, "invalid_request_error", "invalid_api_key"),
        ("PermissionDeniedError", 403, "invalid_request_error", None),
        ("NotFoundError", 404, "invalid_request_error", None),
        ("ConflictError", 409, "invalid_request_error", None),
        ("RequestTooLarge", 413, "invalid_request_error", "request_too_large"),
        ("RateLimitError", 429, "rate_limit_error", "rate_limit_exceeded"),
        ("BackendUnavailable", 503, "server_error", "backend_unavailable"),
    ],
)
def test_backend_error_has_its_status_type_code_and_retry_after(
    faulty: Server, name: str, status: int, kind: str, code: str | None, *, stream: bool
) -> None:
    response = provoke(faulty, name, stream=stream)
    assert response.status_code == status
    told = {"message": "Told so.", "type": kind, "param": "messages", "code": code}
    assert error_of(response) == told
    assert response.headers["retry-after"] == "7"


@pytest.mark.parametrize("name", ["BadRequestError", "RateLimitError", "NotFoundError"])
def test_client_catches_what_the_backend_raised(faulty: Server, name: str) -> None:
    with faulty.client() as client, pytest.raises(getattr(openai, name)) as caught:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": name}])
    assert caught.value.request_id.startswith("req_")
    assert caught.value.param == "messages"


HUGE: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", CHAT | {"model": "x" * 10**6}),
    ("/v1/chat/completions", CHAT | {"messages": [{"role": "x" * 10**6}] * 50}),
    ("/v1/chat/completions", CHAT | {"service_tier": "x" * 10**6}),
    ("/v1/chat/completions", CHAT | {"logit_bias": {"x" * 10**6: 1}}),
    ("/v1/chat/completions", CHAT | {"metadata": {"k" * 10**6: 5}}),
    ("/v1/chat/completions", CHAT | {"tools": [{"type": "é" * 10**5}] * 100}),
    ("/v1/chat/completions", CHAT | {"messages": [5] * 2000, "stop": [5] * 2000}),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": [[-1] * 2000] * 2000}),
    ("/v1/" + "x" * 10_000, {}),
]


@pytest.mark.parametrize(("path", "body"), HUGE)
def test_message_and_param_are_bounded(http: httpx.Client, path: str, body: dict[str, Any]) -> None:
    error_of(http.post(path, json=body))


@pytest.mark.parametrize("stream", [False, True])
def test_crash_is_500_and_tells_nothing_of_itself(faulty: Server, *, stream: bool) -> None:
    response = provoke(faulty, "crash", stream=stream)
    assert response.status_code == 500
    assert error_of(response)["type"] == "server_error"
    assert "s3cret" not in response.text
    request_id = response.headers["x-request-id"]
    lines = [json.loads(line) for line in faulty.log.splitlines() if request_id in line]
    assert any(line.get("exception") == "RuntimeError" for line in lines)
    assert "s3cret" not in faulty.log


@pytest.mark.parametrize(
    ("kind", "status", "error_type"),
    [("crash", 500, "server_error"), ("RateLimitError", 429, "rate_limit_error")],
)
def test_failure_after_the_first_byte_is_one_event_and_the_end(
    faulty: Server, kind: str, status: int, error_type: str
) -> None:
    whole = provoke(faulty, f"{kind} late")
    assert (whole.status_code, error_of(whole)["type"]) == (status, error_type)
    response = provoke(faulty, f"{kind} late", stream=True)
    assert response.status_code == 200
    *chunks, last = [frame.removeprefix("data: ") for frame in response.text.split("\n\n")[:-1]]
    deltas = [json.loads(chunk)["choices"][0]["delta"].get("content", "") for chunk in chunks]
    assert "".join(deltas) == "one two "
    assert json.loads(last)["error"]["type"] == error_type
    assert 'finish_reason":"' not in response.text
    assert "[DONE]" not in response.text
    assert "s3cret" not in response.text
    with faulty.client() as client, pytest.raises(openai.APIError):
        list(
            client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": f"{kind} late"}], stream=True
            )
        )
