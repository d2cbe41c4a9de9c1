"""Several backends behind one API, as a client sees them."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.adapter.commands import adapter
from tests.server import Serve, Server, free_port

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
Routed = Callable[[str], Server]


@pytest.fixture
def routed(serve: Serve, mock: Server, tmp_path: Path) -> Routed:
    """A server over the backends of a config; `{up}` is a live upstream, `{dead}` is none."""

    def start(text: str) -> Server:
        file = tmp_path / "adapter.yaml"
        dead = f"http://127.0.0.1:{free_port()}/v1"
        file.write_text(text.replace("{up}", f"{mock.url}/v1").replace("{dead}", dead))
        return serve("--config", str(file))

    return start


CONFIG = """
log_level: warning
backends:
  up: {use: openai, base_url: "{up}", api_key: sk-up}
  dead: {use: openai, base_url: "{dead}", api_key: sk-dead, attempts: 1}
  dev: {use: mock, models: mock-1, claims: ["qwen*"]}
models:
  gpt-4o: {backend: up, aliases: [best]}
  here: {backend: dev, model: mock-1}
  smart: {routes: [{backend: dead, model: gpt-4o}], fallback: [{backend: up, model: gpt-4o-mini}]}
  lost: {routes: [{backend: dead}]}
"""


def chat(server: Server, model: str, **extra: Any) -> httpx.Response:
    body = {"model": model, "messages": HELLO, **extra}
    with server.http() as http:
        return http.post("/v1/chat/completions", json=body)


def test_models_go_where_the_config_says(routed: Routed) -> None:
    server = routed(CONFIG)
    with server.client() as client:
        listed = [model.id for model in client.models.list()]
    assert {"gpt-4o", "best", "here", "smart", "lost"} <= set(listed)
    answered = {name: chat(server, name).json()["model"] for name in ("gpt-4o", "best", "here")}
    assert answered == {"gpt-4o": "gpt-4o", "best": "gpt-4o", "here": "here"}
    assert chat(server, "qwen-7b").status_code == 200
    assert chat(server, "gpt-4.1", provider="up").json()["model"] == "gpt-4.1"


def test_streams_and_the_other_endpoints_are_routed_too(routed: Routed) -> None:
    vectors = "  vectors: {backend: up, model: text-embedding-3-small}\n"
    with routed(CONFIG + vectors).client() as client:
        stream = client.chat.completions.create(model="best", messages=HELLO, stream=True)
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
        assert "".join(pieces) == "Hello"
        assert client.completions.create(model="best", prompt="Hello").choices[0].text
        assert client.embeddings.create(model="vectors", input="Hello").data[0].embedding


@pytest.mark.parametrize("stream", [False, True])
def test_a_dead_route_falls_back_before_the_first_byte(routed: Routed, stream: bool) -> None:
    server = routed(CONFIG)
    answer = chat(server, "smart", stream=stream)
    assert answer.status_code == 200
    assert "gpt-4o-mini" in answer.text


def test_without_a_fallback_a_dead_route_is_a_503(routed: Routed) -> None:
    answer = chat(routed(CONFIG), "lost")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "backend_unavailable"
    assert int(answer.headers["retry-after"]) >= 1


def test_a_refusal_of_the_request_does_not_fall_back(routed: Routed) -> None:
    config = CONFIG + "  both: {routes: [{backend: up, model: gpt-4o}], fallback: [dev]}\n"
    answer = chat(routed(config), "both", temperature=9)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "temperature"


def test_unknown_models_and_providers(routed: Routed) -> None:
    server = routed(CONFIG)
    unknown = chat(server, "no-such-model")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    nobody = chat(server, "no-such-model", provider="nobody")
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (404, "provider_not_found")


def test_a_provider_that_is_no_name_is_the_upstreams_own_field(routed: Routed) -> None:
    assert chat(routed(CONFIG), "gpt-4o", provider={"order": ["a"]}).status_code == 200


def test_weights_share_the_traffic(routed: Routed) -> None:
    shared = "{routes: [{backend: up, model: gpt-4o, weight: 3}, {backend: dev, model: mock-1}]}"
    server = routed(CONFIG + f"  shared: {shared}\n")
    models = [chat(server, "shared").json()["model"] for _ in range(60)]
    assert 30 <= models.count("gpt-4o") <= 57


def test_an_allow_list_holds_for_every_route(serve: Serve, mock: Server, tmp_path: Path) -> None:
    file = tmp_path / "adapter.yaml"
    file.write_text(CONFIG.replace("{up}", f"{mock.url}/v1").replace("{dead}", "http://x/v1"))
    server = serve("--config", str(file), ALLOWED_MODELS="here")
    assert chat(server, "here").status_code == 200
    assert chat(server, "gpt-4o").status_code == 404
    assert chat(server, "gpt-4.1", provider="up").status_code == 404


@pytest.mark.parametrize("by_signal", [False, True])
def test_a_changed_file_is_read_again(routed: Routed, tmp_path: Path, by_signal: bool) -> None:
    server = routed(CONFIG)
    file = tmp_path / "adapter.yaml"
    file.write_text(file.read_text() + "  later: {backend: dev, model: mock-1}\n")
    if by_signal:
        server.process.send_signal(signal.SIGHUP)
    deadline_s = time.monotonic() + 5
    while chat(server, "later").status_code != 200 and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert chat(server, "later").status_code == 200


def test_a_changed_file_that_is_wrong_changes_nothing(routed: Routed, tmp_path: Path) -> None:
    server = routed(CONFIG)
    (tmp_path / "adapter.yaml").write_text("backends: 7\n")
    server.process.send_signal(signal.SIGHUP)
    deadline_s = time.monotonic() + 5
    while "stays as it was" not in server.log and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert "stays as it was" in server.log
    assert chat(server, "here").status_code == 200


def test_a_backend_is_not_sent_another_ones_key(routed: Routed) -> None:
    server = routed(CONFIG.replace(", api_key: sk-up", ""))
    assert chat(server, "gpt-4o").status_code == 200


def test_adapter_routes_tells_what_would_happen(tmp_path: Path) -> None:
    (tmp_path / "adapter.yaml").write_text(CONFIG)
    said = adapter(tmp_path, "routes", "--config", "adapter.yaml", "best", "smart", "nope")
    assert "best: up as gpt-4o (alias of gpt-4o)" in said.stdout
    assert "then up as gpt-4o-mini" in said.stdout
    assert "model_not_found" in said.stdout
    assert said.returncode == 1
    every = adapter(tmp_path, "routes", "--config", "adapter.yaml")
    assert every.returncode == 0
    assert len(every.stdout.splitlines()) >= 6


def test_a_config_that_is_wrong_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "adapter.yaml").write_text("backends: {a: {use: nonesuch}}\n")
    said = adapter(tmp_path, "serve", "--config", "adapter.yaml", "--port", "0")
    assert said.returncode == 2
    assert "no backend 'nonesuch'" in said.stderr
    assert "Traceback" not in said.stderr


def test_the_official_client_is_told_of_a_dead_backend(routed: Routed) -> None:
    with (
        routed(CONFIG).client() as client,
        pytest.raises(openai.InternalServerError) as caught,
    ):
        client.chat.completions.create(model="lost", messages=HELLO)
    assert json.dumps(caught.value.body).find("127.0.0.1") == -1
