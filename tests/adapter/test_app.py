"""The app as a fork extends it: its own routes, its own middleware, its own backend."""

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from tests.adapter.commands import answers, environment
from tests.adapter.envelope import CHAT, error_of
from tests.server import Serve, free_port

FORK = """
from adapter.app import create
from fastapi import HTTPException, Request, Response

app = create()

@app.get("/fork/{number}")
async def fork(number: int):
    if number == 0:
        raise HTTPException(418, "no tea")
    return {"number": number}

@app.head("/fork/{number}")
async def head(number: int):
    return Response(headers={"x-own-head": "1"})

@app.get("/mine/")
@app.get("/openai/ping")
async def mine():
    return "mine"

@app.post("/v1/fork")
async def said(request: Request):
    return await request.json()

class Stamp:
    def __init__(self, app, value):
        self.app, self.value = app, value

    async def __call__(self, scope, receive, send):
        async def stamped(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-stamp", self.value)]
            await send(message)
        await self.app(scope, receive, stamped)

app.add_middleware(Stamp, value=b"fork")

@app.middleware("http")
async def timed(request, call_next):
    response = await call_next(request)
    response.headers["x-function"] = "fork"
    return response
"""
CLOSING = """
from pathlib import Path
from backends.protocol import Model, TextDelta

class Closing:
    async def models(self):
        return [Model("m")]

    async def generate(self, request):
        yield TextDelta("x")

    async def aclose(self):
        with Path("closed").open("a") as file:
            file.write("x")
"""
OWN = """
from adapter.app import create
from adapter.settings import Settings
from closing import Closing

app = create(Settings(model_name="own", log_level="error"), Closing())
"""


def uvicorn(folder: Path, app: str, **settings: str) -> tuple[subprocess.Popen[bytes], str]:
    """A server of somebody's own app, and where it is."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(**settings), stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    assert answers(f"{url}/health"), (folder / "log").read_text()
    return process, url


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("fork")
    (folder / "mine.py").write_text(FORK)
    process, url = uvicorn(folder, "mine:app", ENABLE_AUTH="1", API_KEY_SECRET="sk-a")
    with httpx.Client(base_url=url, headers={"authorization": "Bearer sk-a"}) as client:
        yield client
    process.terminate()
    process.wait(15)


@pytest.mark.parametrize("path", ["/mine/", "/openai/ping"])
def test_a_forks_own_paths_stay_as_they_are(fork: httpx.Client, path: str) -> None:
    answer = fork.get(path)
    assert (answer.status_code, answer.json()) == (200, "mine")


def test_a_forks_routes_are_served_guarded_and_documented(fork: httpx.Client) -> None:
    assert fork.get("/fork/7").json() == {"number": 7}
    assert fork.post("/v1/fork", json={"a": 1}).json() == {"a": 1}
    packed, coding = gzip.compress(b'{"a": 2}'), {"content-encoding": "gzip"}
    assert fork.post("/v1/fork", content=packed, headers=coding).json() == {"a": 2}
    assert len(fork.get("/fork/7").headers.get_list("x-request-id")) == 1
    assert "/fork/{number}" in fork.get("/openapi.json").json()["paths"]
    error_of(httpx.get(f"{fork.base_url}/fork/7"))


def test_a_forks_own_head_comes_before_its_get(fork: httpx.Client) -> None:
    assert fork.head("/fork/7").headers["x-own-head"] == "1"
    assert "x-own-head" not in fork.head("/health").headers


@pytest.mark.parametrize(
    ("path", "status"), [("/fork/0", 418), ("/fork/x", 422), ("/fork/7/8", 404)]
)
def test_a_forks_refusals_are_the_envelope(fork: httpx.Client, path: str, status: int) -> None:
    response = fork.get(path)
    assert response.status_code in {status, 400 if status == 422 else status}
    error_of(response)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/chat/completions", CHAT, 200),
        ("POST", "/v1/chat/completions", CHAT | {"stream": True}, 200),
        ("POST", "/v1/chat/completions", {}, 400),
        ("GET", "/v1/models", None, 200),
        ("GET", "/fork/7", None, 200),
        ("GET", "/nope", None, 404),
        ("GET", "/health", None, 200),
    ],
)
def test_a_forks_middleware_wraps_every_answer(
    fork: httpx.Client, method: str, path: str, body: object, status: int
) -> None:
    response = fork.request(method, path, json=body)
    assert response.status_code == status
    assert response.headers.get_list("x-stamp") == ["fork"]
    assert response.headers.get_list("x-function") == ["fork"]
    assert len(response.headers.get_list("x-request-id")) == 1
    assert len(response.content) > 0


def test_an_app_around_a_backend_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "closing.py").write_text(CLOSING)
    (tmp_path / "own.py").write_text(OWN)
    process, url = uvicorn(tmp_path, "own:app")
    with openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["own"]
    process.terminate()
    process.wait(15)
    assert (tmp_path / "closed").read_text() == "x"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_backend_is_closed_once_when_its_server_stops(
    serve: Serve, tmp_path: Path, workers: str
) -> None:
    (tmp_path / "closing.py").write_text(CLOSING)
    server = serve("--backend", "closing:Closing", "--workers", workers)
    with server.http() as http:
        assert http.post("/v1/chat/completions", json=CHAT | {"model": "m"}).status_code == 200
    assert not (tmp_path / "closed").exists()
    server.process.terminate()
    server.process.wait(15)
    assert (tmp_path / "closed").read_text() == "x" * int(workers)
