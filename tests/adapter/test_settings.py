"""Settings by flag, environment, `.env` and config file; a bad one stops the start by its name."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapter.commands import adapter
from tests.adapter.envelope import CHAT, error_of
from tests.server import Serve, Server, free_port, start

PATH = "/v1/chat/completions"
OPTIONS = """
from pathlib import Path
from backends.protocol import Model, TextDelta

class Options:
    def __init__(self, model_path=None, tokenizer_path=None):
        self.name = f"{model_path} {tokenizer_path}"

    async def models(self):
        return [Model(self.name)]

    async def generate(self, request):
        yield TextDelta(self.name)
"""


def listed(serve: Serve, *flags: str, **settings: str) -> list[str]:
    with serve(*flags, **settings).http() as http:
        return [model["id"] for model in http.get("/v1/models").json()["data"]]


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start(tmp_path_factory.mktemp("strict"), STRICT_PARAMETERS="true")
    yield server
    server.stop()


def test_a_flag_wins_over_the_environment_over_dotenv_over_the_config(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "some.yaml").write_text("backend: echo\nmodel_name: by-config\n")
    assert listed(serve, "--config", "some.yaml") == ["by-config"]
    (tmp_path / ".env").write_text("CONFIG=some.yaml\nMODEL_NAME=by-dotenv\n")
    assert listed(serve) == ["by-dotenv"]
    assert listed(serve, MODEL_NAME="by-environment") == ["by-environment"]
    assert listed(serve, "--model-name", "by-flag", MODEL_NAME="by-environment") == ["by-flag"]


def test_the_mocks_settings_are_read_from_dotenv_and_the_environment(
    serve: Serve, tmp_path: Path
) -> None:
    assert "gpt-4o" in listed(serve, MOCK_MODELS="", MODEL_NAME="", BACKEND="")
    (tmp_path / ".env").write_text("MOCK_MODELS=a,b\n# a comment\nUNKNOWN_SETTING=x\n")
    assert listed(serve) == ["a", "b"]
    assert listed(serve, MOCK_MODELS="c") == ["c"]


def test_paths_are_given_to_the_backend(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "options.py").write_text(OPTIONS)
    assert listed(serve, "--backend", "options:Options", "--model-path", "/w") == ["/w None"]
    settings = {"BACKEND": "options:Options", "MODEL_PATH": "/w", "TOKENIZER_PATH": "/t"}
    assert listed(serve, **settings) == ["/w /t"]


def test_upstream_settings_are_accepted_and_never_shown(serve: Serve) -> None:
    server = serve(OPENAI_API_KEY="sk-upstream-1", OPENAI_BASE_URL="http://x.invalid/v1")
    with server.http() as http:
        shown = http.get("/metrics").text + http.get("/openapi.json").text
    assert "sk-upstream-1" not in shown + server.log


def test_any_setting_may_stand_in_the_config(serve: Serve, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "enable_auth": True,
        "api_key_secret": ["sk-a", "sk-b"],
        "allowed_models": ["gpt-4o"],
        "cors_origins": ["https://a.example"],
        "max_body_mb": 0.5,
        "strict_parameters": True,
        "log_level": "error",
    }
    (tmp_path / "some.yaml").write_text(json.dumps(settings))
    server = serve(CONFIG="some.yaml")
    with server.http(headers={"origin": "https://a.example"}) as http:
        assert http.get("/v1/models").status_code == 401
        http.headers["authorization"] = "Bearer sk-b"
        response = http.get("/v1/models/gpt-4o")
        assert response.status_code == 200
        assert http.get("/v1/models/gpt-5").status_code == 404
        assert http.post(PATH, content=b"x" * 600_000).status_code == 413
        assert http.post(PATH, json=CHAT | {"extra": 1}).status_code == 400
        assert http.get("/nope").headers["access-control-allow-origin"] == "https://a.example"
    assert server.log == ""


@pytest.mark.parametrize(
    ("extra", "param"),
    [
        ({"extra": 1}, "extra"),
        ({"messages": [CHAT["messages"][0] | {"mood": "x"}]}, "messages.0.mood"),
        ({"response_format": {"type": "text", "x": 1}}, "response_format.x"),
        ({"stream": True, "stream_options": {"x": 1}}, "stream_options.x"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "x": 1}}]},
            "tools.0.function.x",
        ),
        ({"x" * 50_000: 1}, None),
    ],
)
def test_unknown_fields_are_accepted_or_under_strict_refused_by_name(
    http: httpx.Client, strict: Server, extra: dict[str, Any], param: str | None
) -> None:
    assert http.post(PATH, json=CHAT | extra).status_code == 200
    with strict.http() as other:
        response = other.post(PATH, json=CHAT | extra)
        assert other.post(PATH, json=CHAT).status_code == 200
    assert response.status_code == 400
    error = error_of(response)
    assert error["code"] == "unknown_parameter"
    assert param is None or (error["param"] == param and param in error["message"])


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_max_body_mb_is_413(serve: Serve, *, chunked: bool) -> None:
    def content(size: int) -> Any:
        body = json.dumps(CHAT).encode().ljust(size)
        return iter([body[:1000], body[1000:]]) if chunked else body

    with serve(MAX_BODY_MB="0.01").http() as http:
        assert http.post(PATH, content=content(10_000)).status_code == 200
        response = http.post(PATH, content=content(10_001))
        assert response.status_code == 413
        assert "0.01 MB" in error_of(response)["message"]
        assert http.post(PATH, json=CHAT).status_code == 200


BAD: list[tuple[str, dict[str, str]]] = [
    *(("PORT", {"PORT": value}) for value in ("abc", "-1", "70000")),
    *(("WORKERS", {"WORKERS": value}) for value in ("0", "two")),
    *(("LOG_LEVEL", {"LOG_LEVEL": value}) for value in ("loud", "INFO!")),
    *(
        ("BACKEND", {"BACKEND": v})
        for v in ("nope", "x:y", "backends.echo:Nope", "json:dumps", ":")
    ),
    *(("MODEL_PATH", {"MODEL_PATH": "/x", "BACKEND": value}) for value in ("mock", "echo")),
    ("TOKENIZER_PATH", {"TOKENIZER_PATH": "/x"}),
    *(("API_KEYS_FILE", {"ENABLE_AUTH": "1", "API_KEYS_FILE": f}) for f in ("no", "bad", "half")),
    ("MODEL_LIST_URL", {"MODEL_LIST_URL": "ftp://x/models"}),
    *(("MOCK_TTFT_MS", {"MOCK_TTFT_MS": value}) for value in ("-1", "soon")),
    ("MOCK_CONTEXT_TOKENS", {"MOCK_CONTEXT_TOKENS": "0"}),
    ("MAX_BODY_MB", {"MAX_BODY_MB": "0"}),
    ("ENABLE_AUTH", {"ENABLE_AUTH": "maybe"}),
    *(("CONFIG", {"CONFIG": value}) for value in ("missing.yaml", "broken.yaml", "list.yaml")),
    ("COLOUR", {"CONFIG": "unknown.yaml"}),
    ("WORKERS", {"CONFIG": "many.yaml"}),
    ("HOST", {"HOST": "no.such.host.invalid"}),
]


@pytest.mark.parametrize(("name", "settings"), BAD)
def test_a_bad_setting_stops_the_start_with_one_line_that_names_it(
    tmp_path: Path, name: str, settings: dict[str, str]
) -> None:
    files = {
        "bad": "[[key]",
        "half": '[[key]]\nname = "a"\n',
        "broken.yaml": "a: [",
        "list.yaml": "[1]",
    }
    for file, text in (
        files | {"unknown.yaml": "colour: red", "many.yaml": "workers: many"}
    ).items():
        (tmp_path / file).write_text(text)
    done = adapter(tmp_path, "serve", **({"PORT": str(free_port())} | settings))
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert name in line.upper()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_busy_port_stops_the_start_with_one_line_that_names_it(
    tmp_path: Path, workers: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = adapter(tmp_path, "serve", "--port", port, "--workers", workers)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "PORT" in line.upper()
    assert port in line
