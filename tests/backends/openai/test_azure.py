"""Base URLs with a query, and Azure's ways: an `api-key` header and an `api-version`."""

from pathlib import Path

import httpx
import pytest

from tests.adapter.envelope import error_of
from tests.backends.openai.bodies import ANSWER, CHAT, PATH
from tests.backends.openai.wicked import Wicked, whole
from tests.server import Serve

VERSION = "2024-10-21"
DEPLOYMENT = "/openai/deployments/d"


@pytest.fixture
def deployment(wicked: Wicked) -> str:
    return f"http://127.0.0.1:{wicked.port}{DEPLOYMENT}"


def targets(serve: Serve, wicked: Wicked, **settings: str) -> list[str]:
    """What an upstream is asked for: a list of models, a chat, and a path with a query."""
    wicked.answer([whole(b'{"data": [{"id": "m-1"}]}')], [whole(ANSWER)])
    server = serve("--backend", "openai", OPENAI_API_KEY="azure-key", **settings)
    with server.http(headers={"authorization": "Bearer sk-the-clients-own"}) as http:
        assert http.post(PATH, json=CHAT).content == ANSWER
        http.get("/v1/responses/r-1?include=a&api-version=mine&b=%2F")
    return [asked.target for asked in wicked.asked]


@pytest.mark.parametrize("end", ["", "/"])
def test_the_query_of_the_base_url_comes_last(
    serve: Serve, wicked: Wicked, deployment: str, end: str
) -> None:
    url = f"{deployment}{end}?api-version={VERSION}&x=a%2Fb"
    assert targets(serve, wicked, OPENAI_BASE_URL=url) == [
        f"{DEPLOYMENT}/models?api-version={VERSION}&x=a%2Fb",
        f"{DEPLOYMENT}/chat/completions?api-version={VERSION}&x=a%2Fb",
        f"{DEPLOYMENT}/responses/r-1?include=a&b=%2F&api-version={VERSION}&x=a%2Fb",
    ]
    assert {asked.header("authorization") for asked in wicked.asked} == {"Bearer azure-key"}


def test_azure_by_setting(serve: Serve, wicked: Wicked, deployment: str) -> None:
    for url in (deployment, f"{deployment}?api-version=older"):
        asked = targets(serve, wicked, OPENAI_BASE_URL=url, OPENAI_API_VERSION=VERSION)
        assert asked[:2] == [
            f"{DEPLOYMENT}/models?api-version={VERSION}",
            f"{DEPLOYMENT}/chat/completions?api-version={VERSION}",
        ]
        assert {one.header("api-key") for one in wicked.asked} == {"azure-key"}
        assert {one.header("authorization") for one in wicked.asked} == {None}


def test_azure_by_config_beside_another(
    serve: Serve, wicked: Wicked, deployment: str, tmp_path: Path
) -> None:
    plain = f"http://127.0.0.1:{wicked.port}/v1"
    (tmp_path / "adapter.yaml").write_text(
        "backends:\n"
        f"  azure: {{use: openai, base_url: '{deployment}', api_key: k-a, api_version: v-1}}\n"
        f"  plain: {{use: openai, base_url: '{plain}', api_key: k-b}}\n"
        "models:\n  m-1: {backend: azure}\n  m-2: {backend: plain}\n"
    )
    wicked.answer([whole(ANSWER)])
    with serve(CONFIG="adapter.yaml").http() as http:
        for model in ("m-1", "m-2"):
            assert http.post(PATH, json=CHAT | {"model": model}).status_code == 200
    first, second = wicked.asked
    assert first.target == f"{DEPLOYMENT}/chat/completions?api-version=v-1"
    assert (first.header("api-key"), first.header("authorization")) == ("k-a", None)
    assert second.target == "/v1/chat/completions"
    assert (second.header("api-key"), second.header("authorization")) == (None, "Bearer k-b")


def test_azure_with_the_clients_key(serve: Serve, wicked: Wicked, deployment: str) -> None:
    settings = {"OPENAI_API_VERSION": VERSION, "FORWARD_CLIENT_KEY": "1", "OPENAI_MODELS": "*"}
    wicked.answer([whole(ANSWER)])
    server = serve(
        "--backend", "openai", OPENAI_BASE_URL=deployment, OPENAI_API_KEY="ours", **settings
    )
    with server.http() as http:
        for headers, key in [({"authorization": "Bearer theirs"}, "theirs"), ({}, None)]:
            http.post(PATH, json=CHAT, headers=headers)
            assert wicked.asked[-1].header("api-key") == key
            assert wicked.asked[-1].header("authorization") is None


def test_credentials_in_the_base_url_are_sent_and_never_shown(serve: Serve, wicked: Wicked) -> None:
    url = f"http://me:pass-secret@127.0.0.1:{wicked.port}/v1"
    wicked.answer([whole(ANSWER)])
    server = serve(
        "--backend", "openai", OPENAI_BASE_URL=url, OPENAI_API_KEY="k", OPENAI_MODELS="*"
    )
    with server.http() as http:
        assert http.post(PATH, json=CHAT).content == ANSWER
    assert wicked.asked[0].header("authorization") == "Basic bWU6cGFzcy1zZWNyZXQ="
    with pytest.raises(RuntimeError, match="OPENAI_BASE_URL") as stopped:
        serve("--backend", "openai", OPENAI_BASE_URL=url.replace("http", "ftp", 1))
    assert "pass-secret" not in f"{server.log} {stopped.value}"


def test_a_large_header_is_borne_up_to_a_bound(
    wicked: Wicked, http: httpx.Client, serve: Serve
) -> None:
    wicked.answer(
        [whole(ANSWER, ("x-large", "x" * 60_000), *((f"x-{n}", "y") for n in range(200)))]
    )
    assert http.post(PATH, json=CHAT).content == ANSWER
    wicked.answer([whole(ANSWER, ("x-large", "x" * 70_000))])
    answer = http.post(PATH, json=CHAT)
    assert answer.status_code == 503
    assert "a header over 64 KB" in error_of(answer)["message"]
    server = serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_API_KEY="k",
        OPENAI_MODELS="*",
        UPSTREAM_MAX_HEADER_KB="100",
    )
    with server.http() as other:
        assert other.post(PATH, json=CHAT).content == ANSWER
