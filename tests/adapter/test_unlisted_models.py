"""An upstream's list of models stops no chat, and names that it does not list pass."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapter.envelope import error_of
from tests.adapter.watching import soon, total
from tests.scripted_upstream import CHAT, NO_MODEL, Answer, Scripted, scripted
from tests.server import Serve, Server

HELLO = [{"role": "user", "content": "Hello"}]
HTML = {"content-type": "text/html"}
SCOPES = {"error": {"message": "Missing scopes: api.model.read", "code": "missing_scope"}}
# Each lists the same two models, after whatever the `%` is.
SHAPES: list[Any] = [
    {"data": [{"id": "%a"}, {"id": "%b"}]},
    [{"id": "%a", "created": "2024-01-02"}, {"id": "%b"}],
    ["%a", "%b"],
    {"models": [{"name": "%a", "model": "%a"}, {"model": "%b"}]},
    {"models": ["%a", "%b"], "data": None},
    {
        "data": [
            {"id": "%a", "created": "2024-01-02T03:04:05Z", "owned_by": None},
            {"id": "%b", "created": 1.7e9},
            {"created": 1},
            {"id": 7},
            None,
        ]
    },
    {"data": [{"id": "%a", "created": None}, {"id": "%b", "created": [1]}]},
]
EMPTY: list[Any] = [{"data": None}, {"models": None}, {"data": []}, []]
FAILURES = {
    "missing scopes": Answer(SCOPES, 403),
    "a page": Answer(b"<html>", 200, HTML),
    "another object": Answer({"object": "list"}),
    "too late": Answer({"data": [{"id": "m"}]}, wait_s=30),
}


@pytest.fixture
def upstream() -> Iterator[Scripted]:
    with scripted() as upstream:
        yield upstream


def through(serve: Serve, upstream: Scripted, **settings: str) -> Server:
    return serve(
        "--backend",
        "openai",
        **{
            "OPENAI_BASE_URL": upstream.url,
            "OPENAI_API_KEY": "k",
            "OPENAI_ATTEMPTS": "1",
            "OPENAI_MODELS_TIMEOUT_S": "0.5",
            **settings,
        },
    )


def chat(server: Server, model: str, **headers: str) -> httpx.Response:
    with server.http() as http:
        body = {"model": model, "messages": HELLO}
        return http.post("/v1/chat/completions", json=body, headers=headers)


def test_a_list_is_read_in_every_shape(serve: Serve, tmp_path: Path) -> None:
    config = ["backends:"]
    with ExitStack() as stack:
        for number, shape in enumerate([*SHAPES, *EMPTY]):
            upstream = stack.enter_context(scripted())
            upstream.models = Answer(json.dumps(shape).replace("%", f"{number}-").encode())
            config.append(f"  up{number}: {{use: openai, base_url: '{upstream.url}', api_key: k}}")
        (tmp_path / "adapter.yaml").write_text("\n".join(config))
        server = serve("--config", "adapter.yaml")
        with server.client() as client:
            listed = list(client.models.list())
        assert {model.id for model in listed} == {
            f"{number}-{name}" for number in range(len(SHAPES)) for name in "ab"
        }
        assert all(isinstance(model.created, int) for model in listed)
        assert all(model.owned_by for model in listed)
        assert "cannot be read" not in server.log
        # Each is asked of the one that lists it.
        for number in range(len(SHAPES)):
            assert chat(server, f"{number}-a").status_code == 200


def test_an_empty_list_is_one(serve: Serve, upstream: Scripted) -> None:
    upstream.models = Answer({"data": None})
    server = through(serve, upstream)
    with server.http() as http:
        assert http.get("/v1/models").json()["data"] == []
    assert chat(server, "m").status_code == 200


@pytest.mark.parametrize("failure", FAILURES)
def test_a_list_that_fails_stops_no_chat(serve: Serve, upstream: Scripted, failure: str) -> None:
    upstream.models = FAILURES[failure]
    server = through(serve, upstream)
    since_s = time.monotonic()
    for _ in range(5):
        assert chat(server, "m").status_code == 200
    assert time.monotonic() - since_s < 15
    assert upstream.lists() == 1
    with server.http() as http:
        told = http.get("/v1/models")
    error_of(told)
    assert told.status_code == (504 if failure == "too late" else told.status_code) >= 500
    assert "cannot be read" in server.log


def test_a_list_that_is_not_served_stops_no_chat(serve: Serve, upstream: Scripted) -> None:
    upstream.models = Answer(b"", 404)
    assert chat(through(serve, upstream), "m").status_code == 200


def test_a_list_that_comes_back_is_served(serve: Serve, upstream: Scripted) -> None:
    upstream.models = Answer(SCOPES, 403)
    server = through(serve, upstream)
    assert chat(server, "m").status_code == 200
    upstream.models = Answer({"data": [{"id": "m"}]})

    def listed() -> bool:
        with server.http() as http:
            return http.get("/v1/models").status_code == 200

    assert soon(listed)


@pytest.mark.parametrize("failure", ["missing scopes", "too late"])
def test_strictly_the_list_decides(serve: Serve, upstream: Scripted, failure: str) -> None:
    upstream.models = FAILURES[failure]
    server = through(serve, upstream, STRICT_MODELS="true")
    refused = chat(server, "m")
    assert refused.status_code in {502, 504}
    error_of(refused)
    assert "m" not in upstream.asked


def test_strictly_a_name_must_be_listed(serve: Serve, upstream: Scripted) -> None:
    server = through(serve, upstream, STRICT_MODELS="true")
    assert chat(server, "m").status_code == 200
    assert error_of(chat(server, "m:online"))["code"] == "model_not_found"
    assert "m:online" not in upstream.asked


def test_a_name_that_only_the_upstream_knows_passes(serve: Serve, upstream: Scripted) -> None:
    upstream.chats = {"x/y:online": Answer(CHAT), "*": Answer(NO_MODEL, 404)}
    server = through(serve, upstream)
    assert chat(server, "x/y:online").status_code == 200
    refused = chat(server, "nobodys")
    assert (refused.status_code, refused.json()) == (404, NO_MODEL)
    with server.http() as http:
        assert [one["id"] for one in http.get("/v1/models").json()["data"]] == ["m"]
        assert http.get("/v1/models/x/y:online").status_code == 404
        assert "nobodys" not in http.get("/metrics").text
    assert total(server, "adapter_requests_total", model="other", status="404") >= 1


@pytest.mark.parametrize(
    ("settings", "served", "refused"),
    [
        ({"ALLOWED_MODELS": "m*"}, ["m", "m:online"], ["x"]),
        ({"OPENAI_MODELS": "m,n"}, ["m", "n"], ["x"]),
        ({"MODEL_NAME": "ours"}, ["ours"], ["m", "x"]),
    ],
)
@pytest.mark.parametrize("listing", [True, False])
def test_the_operators_lists_hold(
    serve: Serve,
    upstream: Scripted,
    settings: dict[str, str],
    served: list[str],
    refused: list[str],
    listing: bool,
) -> None:
    if not listing:
        upstream.models = Answer(SCOPES, 403)
    server = through(serve, upstream, **settings)
    assert [chat(server, model).status_code for model in served] == [200] * len(served)
    asked = list(upstream.asked)
    answers = [chat(server, model) for model in refused]
    assert all(answer.status_code >= 400 for answer in answers)
    assert not set(refused) & (set(upstream.asked) - set(asked))


@pytest.mark.parametrize("listing", [True, False])
def test_a_keys_own_list_holds(
    serve: Serve, upstream: Scripted, tmp_path: Path, listing: bool
) -> None:
    if not listing:
        upstream.models = Answer(SCOPES, 403)
    key = '[[key]]\nname = "a"\nsecret = "sk-a"\nmodels = ["cheap*"]\n'
    (tmp_path / "keys.toml").write_text(key)
    server = through(serve, upstream, ENABLE_AUTH="1", API_KEYS_FILE="keys.toml")
    authorization = "Bearer sk-a"
    assert chat(server, "cheap:free", authorization=authorization).status_code == 200
    refused = chat(server, "dear", authorization=authorization)
    assert error_of(refused)["code"] == "model_not_found"
    assert "dear" not in upstream.asked


def test_mock_and_echo_serve_what_they_list(mock: Server, echo: Server) -> None:
    for server in (mock, echo):
        assert error_of(chat(server, "nobodys"))["code"] == "model_not_found"
