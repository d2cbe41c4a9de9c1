"""Clients that are configured for Azure, before an upstream that is not Azure."""

import json
from pathlib import Path

import openai

from tests.backends.openai.bodies import ANSWER, CHAT, EVENTS
from tests.backends.openai.wicked import Wicked, chunk, stream, whole
from tests.server import Serve, Server

PATH = "/openai/deployments/m-2/chat/completions"
QUERY = "api-version=2024-10-21"


def test_what_travels_is_the_plain_request(wicked: Wicked, through: Server) -> None:
    wicked.answer([whole(ANSWER)])
    body = b'{ "x":1.50,"model" : "m-1", "messages":[{"role":"user","content":"\\u00f6"}]}'
    headers = {"api-key": "sk-the-clients-own", "content-type": "application/json"}
    with through.http(headers=headers) as http:
        assert http.post(f"{PATH}?{QUERY}", content=body).content == ANSWER
        (asked,) = wicked.asked
        assert asked.target == "/v1/chat/completions"
        assert asked.body == body.replace(b"m-1", b"m-2")
        assert asked.header("api-key") is None
        assert asked.header("authorization") == "Bearer sk-the-operators-own-key"
        bare = body.replace(b'"model" : "m-1", ', b"")
        http.post(f"{PATH}?a=b&{QUERY}", content=bare)
        assert wicked.asked[-1].target == "/v1/chat/completions?a=b"
        assert json.loads(wicked.asked[-1].body) == json.loads(bare) | {"model": "m-2"}
        assert b"1.50" in wicked.asked[-1].body
        http.post(f"/openai/responses?{QUERY}", json=CHAT)
        assert wicked.asked[-1].target == "/v1/responses"


def test_the_azure_client_chats_and_streams(wicked: Wicked, through: Server) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=through.url, api_key="x", api_version="2024-10-21", max_retries=0
    ) as client:
        wicked.answer([whole(ANSWER)])
        chat = client.chat.completions.create(
            model="m-1", messages=[{"role": "user", "content": "Hi"}]
        )
        assert chat.choices[0].message.content == "wörld"
        wicked.answer([stream(), chunk(EVENTS), chunk(b"")])
        events = client.chat.completions.create(
            model="m-1", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        said = [one.choices[0].delta.content or "" for one in events if one.choices]
        assert "".join(said) == "one two"


def test_the_clients_own_key_goes_on_when_told(serve: Serve, wicked: Wicked) -> None:
    server = serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_MODELS="*",
        FORWARD_CLIENT_KEY="true",
    )
    wicked.answer([whole(ANSWER)])
    with server.http(headers={"api-key": "sk-client"}) as http:
        assert http.post(PATH, json=CHAT).status_code == 200
    assert wicked.asked[0].header("authorization") == "Bearer sk-client"
    assert wicked.asked[0].header("api-key") is None


CONFIG = """
backends:
  up: {{use: openai, base_url: "{up}", api_key: sk-up}}
  dead: {{use: openai, base_url: "{dead}", api_key: sk-dead, attempts: 1}}
models:
  smart:
    routes: [{{backend: dead, model: gpt-4o}}]
    fallback: [{{backend: up, model: gpt-4o}}]
"""


def test_the_deployment_says_which_route_answers(
    serve: Serve, mock: Server, wicked: Wicked, tmp_path: Path
) -> None:
    wicked.answer([whole(b"{}", status=500)])
    dead = f"http://127.0.0.1:{wicked.port}/v1"
    (tmp_path / "adapter.yaml").write_text(CONFIG.format(up=f"{mock.url}/v1", dead=dead))
    server = serve("--config", "adapter.yaml")
    with server.http() as http:
        for body in (CHAT, {key: value for key, value in CHAT.items() if key != "model"}):
            answer = http.post("/openai/deployments/smart/chat/completions", json=body)
            assert (answer.status_code, answer.json().get("model")) == (200, "gpt-4o")
        assert len(wicked.asked) == 2
        refused = http.post(PATH, json=CHAT | {"model": "smart"})
        assert refused.status_code == 404
