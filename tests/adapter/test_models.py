"""`/v1/models`: the list, one by its id however it is spelled, and no deleting."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx
import openai
import pytest

from tests.adapter.envelope import CHAT, error_of
from tests.server import Serve

NAMES = ["org/name", "org/sub/name:7b", "name:latest", "ü-模", "a b", "a+b", "50%", "x@1.0", "a?b"]
USUAL = "gpt-4o gpt-4o-mini gpt-4.1 gpt-5 o3 text-embedding-3-small omni-moderation-latest mock-1"

SLOW = """
import asyncio
from backends.protocol import Model, TextDelta

class Slow:
    async def models(self):
        await asyncio.sleep(0.3)
        return [Model("m")]

    async def generate(self, request):
        yield TextDelta("x")

class Flaky(Slow):
    failed = False

    async def models(self):
        if not self.failed:
            self.failed = True
            raise RuntimeError("down")
        return [Model("m")]

class Embeds(Slow):
    async def models(self):
        return [Model("m"), Model("other"), Model("small", embeds=True)]
"""


def test_list_is_openais_shape(http: httpx.Client) -> None:
    body = http.get("/v1/models").json()
    assert set(body) == {"object", "data"}
    assert body["object"] == "list"
    ids = [model["id"] for model in body["data"]]
    assert len(ids) == len(set(ids))
    assert set(ids) >= set(USUAL.split())
    for model in body["data"]:
        assert set(model) >= {"id", "object", "created", "owned_by"}
        assert model["object"] == "model"
        assert type(model["created"]) is int
        assert 10**9 < model["created"] < 10**11
        assert isinstance(model["owned_by"], str)


def test_each_listed_model_is_retrieved_identical(client: openai.OpenAI) -> None:
    for model in client.models.list():
        assert client.models.retrieve(model.id) == model


def test_any_id_is_retrieved_raw_and_percent_encoded(serve: Serve) -> None:
    server = serve(MOCK_MODELS=",".join(NAMES))
    with server.http() as http, server.client() as client:
        assert [model["id"] for model in http.get("/v1/models").json()["data"]] == NAMES
        for name in NAMES:
            spellings = [quote(name, safe=""), quote(name, safe="/:@+")]
            spellings += [spelling + "/" for spelling in spellings]
            for spelling in spellings:
                response = http.get(f"/v1/models/{spelling}")
                assert (response.status_code, response.json().get("id")) == (200, name)
            assert client.models.retrieve(name).id == name
            body = CHAT | {"model": name}
            assert http.post("/v1/chat/completions", json=body).json()["model"] == name


@pytest.mark.parametrize("name", ["nope", "org/nope", "mock-1/x", "gpt-4o%00", "*", "x" * 5000])
def test_unknown_model_is_404(http: httpx.Client, name: str) -> None:
    response = http.get(f"/v1/models/{name}")
    assert response.status_code == 404
    error = error_of(response)
    assert (error["code"], error["param"]) == ("model_not_found", "model")


def test_client_sees_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("nope")
    assert "nope" in caught.value.message


def test_deleting_is_refused(http: httpx.Client) -> None:
    response = http.delete("/v1/models/gpt-4o")
    assert response.status_code == 403
    assert error_of(response)["param"] == "model"
    assert http.get("/v1/models/gpt-4o").status_code == 200
    assert http.delete("/v1/models/nope").status_code == 404


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/models/gpt-4o", "/v1/chat/completions", "/health", "/nope"]
)
def test_head_and_options_are_no_failure(http: httpx.Client, method: str, path: str) -> None:
    response = http.request(method, path)
    assert response.status_code < 500
    assert method != "HEAD" or not response.content
    assert http.get("/v1/models").status_code == 200


def test_star_takes_any_name_and_is_not_listed(serve: Serve) -> None:
    with serve(MOCK_MODELS="*").http() as http:
        assert all("*" not in model["id"] for model in http.get("/v1/models").json()["data"])
        assert http.get("/v1/models/any/name:1").json()["id"] == "any/name:1"
        answer = http.post("/v1/chat/completions", json=CHAT | {"model": "any/name:1"})
        assert answer.json()["model"] == "any/name:1"


def test_model_name_serves_the_first_model_under_it(serve: Serve) -> None:
    with serve("--backend", "echo", "--model-name", "mine").http() as http:
        assert [model["id"] for model in http.get("/v1/models").json()["data"]] == ["mine"]
        answer = http.post("/v1/chat/completions", json=CHAT | {"model": "mine"})
        assert answer.json()["model"] == "mine"
        assert http.post("/v1/chat/completions", json=CHAT | {"model": "echo"}).status_code == 404


def test_model_name_leaves_the_models_that_embed_theirs(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    with serve("--backend", "slow:Embeds", "--model-name", "mine").http() as http:
        listed = {model["id"] for model in http.get("/v1/models").json()["data"]}
        assert listed == {"mine", "small"}


def test_requests_while_the_list_is_first_read_wait_for_it(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    with serve("--backend", "slow:Slow").http() as http, ThreadPoolExecutor(6) as pool:
        body = CHAT | {"model": "m"}
        asked = [pool.submit(http.post, "/v1/chat/completions", json=body) for _ in range(6)]
        assert [answer.result().status_code for answer in asked] == [200] * 6


def test_a_list_that_failed_once_is_read_again(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    with serve("--backend", "slow:Flaky").http() as http:
        assert error_of(http.get("/v1/models"))["type"] == "server_error"
        assert [model["id"] for model in http.get("/v1/models").json()["data"]] == ["m"]
        assert http.post("/v1/chat/completions", json=CHAT | {"model": "m"}).status_code == 200
