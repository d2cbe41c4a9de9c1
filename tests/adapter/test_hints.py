"""A client at the wrong address is told the right one."""

from pathlib import Path

import openai
import pytest

from tests.adapter.envelope import CHAT, error_of
from tests.server import Serve, Server

ABSENT = [
    *("/v1/responses", "/v1/conversations", "/v1/assistants", "/v1/threads/t/runs"),
    *("/v1/images/generations", "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/videos"),
    *("/v1/files", "/v1/uploads", "/v1/batches", "/v1/fine_tuning/jobs", "/v1/vector_stores"),
    *("/v1/realtime/client_secrets", "/v1/evals", "/v1/containers", "/v1/messages"),
]


def refusal(server: Server, path: str) -> str:
    with server.http() as http:
        response = http.post(path, json=CHAT)
    assert response.status_code == 404
    error = error_of(response)
    assert error["code"] == "unknown_url"
    message: str = error["message"]
    assert f"POST {path}" in message
    return message


@pytest.mark.parametrize(
    "path", ["/chat/completions", "/completions", "/embeddings", "/moderations", "/responses"]
)
def test_a_base_url_without_v1_is_told_so(mock: Server, path: str) -> None:
    assert f"base URL that ends in /v1 (/v1{path})" in refusal(mock, path)


def test_the_official_client_shows_the_hint(mock: Server) -> None:
    with openai.OpenAI(base_url=mock.url, api_key="x", max_retries=0) as client:
        with pytest.raises(openai.NotFoundError, match="base URL that ends in /v1"):
            client.chat.completions.create(model="gpt-4o", messages=CHAT["messages"])
        with pytest.raises(openai.NotFoundError, match="base URL that ends in /v1"):
            client.models.list()


def test_v1_twice_is_told_so(mock: Server) -> None:
    assert "'/v1' stands twice" in refusal(mock, "/v1/v1/chat/completions")


@pytest.mark.parametrize("path", ABSENT)
def test_an_api_that_is_not_here_is_named(mock: Server, path: str) -> None:
    assert "This server does not have" in refusal(mock, path)


def test_responses_name_the_switch_of_common_clients(mock: Server, serve: Serve) -> None:
    for server in (mock, serve("--backend", "echo")):
        message = refusal(server, "/v1/responses")
        for switch in (
            'set_default_openai_api("chat_completions")',
            "use_responses_api=False",
            "openai.chat(model)",
        ):
            assert switch in message
    with mock.client() as client, pytest.raises(openai.NotFoundError, match="Responses API"):
        client.responses.create(model="gpt-4o", input="Hi")


@pytest.mark.parametrize("path", ["/nope", "/v1/nope", "/v1/chat", "/v2/chat/completions"])
def test_nothing_is_guessed_of_other_paths(mock: Server, path: str) -> None:
    assert refusal(mock, path) == f"Unknown request URL: POST {path}."


def test_a_route_to_a_backend_without_responses_says_so_too(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "adapter.yaml").write_text("backends: {dev: {use: mock}}\n")
    assert "Responses API" in refusal(serve("--config", "adapter.yaml"), "/v1/responses")
