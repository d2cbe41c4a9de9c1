"""`ALLOWED_MODELS`: what it leaves out is not there, for any operation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapter.envelope import MESSAGES, error_of
from tests.server import Serve, Server, start

BODIES: dict[str, dict[str, Any]] = {
    "chat/completions": {"messages": MESSAGES},
    "completions": {"prompt": "Hello"},
    "embeddings": {"input": "Hello"},
    "moderations": {"input": "Hello"},
    "tokenize": {"prompt": "Hello"},
    "detokenize": {"tokens": [72]},
}


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("limited")
    server = start(folder, ALLOWED_MODELS="gpt-4o*, gpt-?, text-embedding-3-small")
    yield server
    server.stop()


def test_list_has_only_the_allowed(limited: Server) -> None:
    with limited.client() as client:
        listed = {model.id for model in client.models.list()}
    assert listed == {"gpt-4o", "gpt-4o-mini", "gpt-4", "gpt-5", "text-embedding-3-small"}


@pytest.mark.parametrize(("model", "status"), [("gpt-4o-mini", 200), ("gpt-5", 200), ("o3", 404)])
def test_retrieving_is_limited_too(limited: Server, model: str, status: int) -> None:
    with limited.http() as http:
        response = http.get(f"/v1/models/{model}")
        assert response.status_code == status
        if status == 404:
            assert error_of(response)["code"] == "model_not_found"
            assert http.delete(f"/v1/models/{model}").status_code == 404


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", BODIES)
def test_a_refusal_does_not_tell_a_hidden_model_from_none(
    limited: Server, path: str, *, stream: bool
) -> None:
    hidden = "omni-moderation-latest" if path == "moderations" else "o3"
    answers = []
    with limited.http() as http:
        for model in (hidden, "none-such"):
            body = BODIES[path] | {"model": model} | ({"stream": True} if stream else {})
            response = http.post(f"/v1/{path}", json=body)
            assert response.status_code == 404
            error = error_of(response)
            assert (error["code"], error["param"]) == ("model_not_found", "model")
            assert model in error["message"]
            answers.append(response.text.replace(model, "X"))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini", "gpt-4"])
def test_the_allowed_are_served(limited: Server, model: str) -> None:
    with limited.http() as http:
        body = BODIES["chat/completions"] | {"model": model}
        assert http.post("/v1/chat/completions", json=body).status_code == 200


@pytest.mark.parametrize("model", ["GPT-4o", "xgpt-4o", "gpt-4o\n", "gpt-45", ""])
def test_a_glob_matches_the_whole_name_and_its_case(limited: Server, model: str) -> None:
    with limited.http() as http:
        body = BODIES["chat/completions"] | {"model": model}
        assert http.post("/v1/chat/completions", json=body).status_code in {400, 404}


def test_default_moderation_model_is_limited_too(limited: Server) -> None:
    with limited.http() as http:
        response = http.post("/v1/moderations", json={"input": "Hello"})
        assert error_of(response)["code"] == "model_not_found"


def test_any_name_is_limited_where_the_backend_takes_any(serve: Serve) -> None:
    server = serve(MOCK_MODELS="*", ALLOWED_MODELS="org/*,gpt-4o")
    with server.http() as http:
        for model, status in [("org/x:1", 200), ("gpt-4o", 200), ("gpt-5", 404), ("other", 404)]:
            body = BODIES["chat/completions"] | {"model": model}
            assert http.post("/v1/chat/completions", json=body).status_code == status
        assert [m["id"] for m in http.get("/v1/models").json()["data"]] == ["gpt-4o"]


def test_a_key_and_the_server_must_both_allow(serve: Serve, tmp_path: Path) -> None:
    key = '[[key]]\nname = "a"\nsecret = "sk-a"\nmodels = ["gpt-4o*", "o3"]\n'
    (tmp_path / "keys.toml").write_text(key)
    server = serve(ENABLE_AUTH="1", API_KEYS_FILE="keys.toml", ALLOWED_MODELS="gpt-4o,gpt-5")
    with server.client("sk-a") as client:
        assert [model.id for model in client.models.list()] == ["gpt-4o"]
