"""The pages for people: what is where, and documents that need no network."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.adapter.commands import answers, environment
from tests.adapter.envelope import error_of
from tests.server import Serve, Server, free_port

OWN = """
from adapter.app import create

app = create()

@app.get("/")
async def own():
    return {"own": True}
"""


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/"])
def test_the_root_says_what_is_where(http: httpx.Client, path: str) -> None:
    places = http.get(path).json()
    for name in ("models", "docs", "health", "openapi"):
        assert http.get(places[name]).status_code == 200
    assert "/v1" in places["message"]
    assert "README" in places["readme"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/v1"])
def test_it_is_for_reading_alone(http: httpx.Client, method: str, path: str) -> None:
    response = http.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    error_of(response)


def test_it_needs_no_key(serve: Serve) -> None:
    with serve(ENABLE_AUTH="1", API_KEY_SECRET="sk-a").http() as http:
        assert http.get("/").status_code == http.get("/v1").status_code == 200


def test_a_forks_own_root_comes_first_and_stays_guarded(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "mine:app", "--port", str(port)]
    settings = environment(ENABLE_AUTH="1", API_KEY_SECRET="sk-a")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=settings, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    assert answers(f"{url}/health"), (tmp_path / "log").read_text()
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"authorization": "Bearer sk-a"}).json() == {"own": True}
    assert httpx.get(f"{url}/v1").status_code == 200
    process.terminate()
    process.wait(15)


@pytest.mark.parametrize(("path", "scripts"), [("/docs", 2), ("/redoc", 1)])
def test_a_page_loads_from_this_server_alone(
    serve: Serve, mock: Server, path: str, scripts: int
) -> None:
    for server in (mock, serve(ENABLE_AUTH="1", API_KEY_SECRET="sk-a")):
        with server.http() as http:
            page = http.get(path)
            assert page.headers["content-type"].startswith("text/html")
            loaded = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
            assert not [one for one in loaded if not one.startswith("/")]
            for one in loaded:
                answer = http.get(one)
                assert answer.status_code == 200, one
            assert sum(len(http.get(one).content) > 100_000 for one in loaded) == scripts
            assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", page.text)


def test_no_other_file_is_served(http: httpx.Client) -> None:
    for path in ("/docs/scripts/..%2fcore%2epy", "/docs/scripts/none.js", "/docs/scripts"):
        assert http.get(path).status_code == 404
