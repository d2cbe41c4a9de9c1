"""Clients that are configured for Azure: its paths, its key, and the deployment as the model."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.adapter.envelope import CHAT, MESSAGES, error_of
from tests.server import Serve, Server, start

KEY, CHEAP = "sk-a", "sk-cheap"
KEYS = f"""
[[key]]
name = "cheap"
secret = "{CHEAP}"
models = ["gpt-4o-mini"]
"""
VERSION = "2024-10-21"
PATH = "/openai/deployments/gpt-4o/chat/completions"
WORDS: list[Any] = MESSAGES


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("azure")
    (folder / "keys.toml").write_text(KEYS)
    names = "gpt-4o,gpt-4o-mini,gpt-3.5-turbo-instruct,text-embedding-3-small,org/name,org/chat"
    settings = {"ENABLE_AUTH": "1", "API_KEY_SECRET": KEY, "API_KEYS_FILE": "keys.toml"}
    server = start(folder, MOCK_MODELS=names, **settings)
    yield server
    server.stop()


def client_of(server: Server, key: str = KEY, deployment: str | None = None) -> openai.AzureOpenAI:
    return openai.AzureOpenAI(
        azure_endpoint=server.url,
        azure_deployment=deployment,
        api_key=key,
        api_version=VERSION,
        max_retries=0,
    )


def test_the_azure_client_has_every_operation(azure: Server) -> None:
    with client_of(azure) as client:
        chat = client.chat.completions.create(model="gpt-4o", messages=WORDS)
        assert (chat.model, chat.choices[0].message.content) == ("gpt-4o", WORDS[0]["content"])
        stream = client.chat.completions.create(model="gpt-4o", messages=WORDS, stream=True)
        said = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert said == WORDS[0]["content"]
        text = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Hello")
        assert text.choices[0].text
        vectors = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
        assert len(vectors.data) == 2
        assert "gpt-4o" in [model.id for model in client.models.list()]
        assert client.models.retrieve("org/name").id == "org/name"
        assert client.moderations.with_raw_response is not None


async def test_so_has_the_async_one(azure: Server) -> None:
    async with openai.AsyncAzureOpenAI(
        azure_endpoint=azure.url, api_key=KEY, api_version=VERSION, max_retries=0
    ) as client:
        chat = await client.chat.completions.create(model="org/name", messages=WORDS)
        assert chat.model == "org/name"
        stream = await client.chat.completions.create(model="gpt-4o", messages=WORDS, stream=True)
        said = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(said) == WORDS[0]["content"]
        vectors = await client.embeddings.create(model="text-embedding-3-small", input="a")
        assert vectors.data
        assert [model.id async for model in client.models.list()]


@pytest.mark.parametrize("name", ["gpt-4o", "org/name", "org/chat"])
def test_the_deployment_wins_over_the_model(azure: Server, name: str) -> None:
    with client_of(azure, deployment=name) as client:
        chat = client.chat.completions.create(model="gpt-4o-mini", messages=WORDS)
        assert chat.model == name
        assert client.models.retrieve(name).id == name


def test_the_newer_paths_and_a_base_url_of_ones_own_work(azure: Server) -> None:
    url = f"{azure.url}/openai/v1/"
    with openai.OpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
        assert client.chat.completions.create(model="gpt-4o", messages=WORDS).model == "gpt-4o"
        assert client.models.retrieve("org/name").id == "org/name"
    for base_url in (f"{azure.url}/v1", f"{azure.url}/openai/v1", azure.url):
        with openai.AzureOpenAI(
            base_url=base_url, api_key=KEY, api_version=VERSION, max_retries=0
        ) as client:
            assert client.chat.completions.create(model="gpt-4o", messages=WORDS).model == "gpt-4o"


def test_a_body_without_a_model_is_the_deployments(azure: Server) -> None:
    headers = {"api-key": KEY}
    with azure.http(headers=headers) as http:
        for path in (PATH, f"/{PATH}/", PATH.replace("/chat", "//chat"), f"{PATH}?api-version=1"):
            answer = http.post(f"{azure.url}{path}", json={"messages": MESSAGES})
            assert (answer.status_code, answer.json().get("model")) == (200, "gpt-4o")
        for body in ({"messages": MESSAGES, "model": None}, {"messages": MESSAGES, "model": 7}):
            assert http.post(PATH, json=body).json()["model"] == "gpt-4o"
        for content in (b"", b"{", b"[]", b"\xff"):
            response = http.post(PATH, content=content)
            assert response.status_code == 400
            assert error_of(response)["code"] == "invalid_json"
        assert error_of(http.post(PATH, content=b" {} "))["param"] == "messages"
        assert http.get(PATH).status_code == 405
        error = error_of(http.post(PATH.replace("gpt-4o", "nope"), json=CHAT))
        assert (error["code"], error["param"]) == ("model_not_found", "model")


@pytest.mark.parametrize("path", [PATH, "/openai/models", "/v1/models", "/openai/v1/models"])
def test_the_key_may_come_as_api_key(azure: Server, path: str) -> None:
    method = "POST" if path == PATH else "GET"

    def status(**headers: str) -> int:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.request(method, f"{azure.url}{path}", json=CHAT, headers=sent).status_code

    assert status(api_key=KEY) == 200
    assert status(authorization=f"Bearer {KEY}") == 200
    assert status(api_key=KEY, authorization=f"Bearer {KEY}") == 200
    assert status() == status(api_key="sk-wrong") == status(api_key="") == 401
    assert status(api_key=KEY, authorization="Bearer sk-wrong") == 401


def test_the_client_sees_a_wrong_key(azure: Server) -> None:
    with client_of(azure, "sk-wrong") as client, pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(model="gpt-4o", messages=WORDS)
    assert "sk-wrong" not in azure.log


def test_the_list_of_a_key_holds_for_what_is_answered(azure: Server) -> None:
    with client_of(azure, CHEAP, "gpt-4o") as client, pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-4o-mini", messages=WORDS)
    with client_of(azure, CHEAP, "gpt-4o-mini") as client:
        chat = client.chat.completions.create(model="gpt-4o", messages=WORDS)
        assert chat.model == "gpt-4o-mini"
    with client_of(azure, CHEAP) as client:
        assert [model.id for model in client.models.list()] == ["gpt-4o-mini"]


def test_metrics_and_log_know_the_operation(serve: Serve) -> None:
    server = serve()
    with server.http() as http:
        assert http.post(PATH, json=CHAT).status_code == 200
        counted = 'gen_ai_operation_name="chat",gen_ai_request_model="gpt-4o"'
        assert counted in http.get("/metrics").text
    assert '"route":"/v1/chat/completions"' in server.log


def test_azures_other_apis_are_a_404_that_says_so(azure: Server) -> None:
    with client_of(azure) as client:
        with pytest.raises(openai.NotFoundError, match="Responses API"):
            client.responses.create(model="gpt-4o", input="Hi")
        with pytest.raises(openai.NotFoundError, match="Images API"):
            client.images.generate(model="gpt-4o", prompt="Hi")
