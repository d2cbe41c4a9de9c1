"""Whether the process answers, and whether its backend would."""

from pathlib import Path

import httpx
import pytest

from tests.adapter.envelope import error_of
from tests.server import Serve, Server

LOADING = """
from pathlib import Path
from backends.protocol import Model, TextDelta

class Loading:
    async def ready(self):
        return Path("loaded").exists()

    async def models(self):
        return [Model("m")]

    async def generate(self, request):
        yield TextDelta("x")
"""


@pytest.mark.parametrize("path", ["/health", "/ping", "/livez", "/readyz", "/health/"])
def test_a_server_that_is_up_says_so(http: httpx.Client, path: str) -> None:
    response = http.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json()["status"] in {"ok", "ready"}


def test_a_backend_without_a_word_of_it_is_ready(echo: Server) -> None:
    with echo.http() as http:
        assert http.get("/readyz").status_code == 200


def test_readyz_follows_the_backend_and_the_others_do_not(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "loading.py").write_text(LOADING)
    with serve("--backend", "loading:Loading").http() as http:
        for _ in range(2):
            assert http.get("/readyz").status_code == 503
        assert [http.get(path).status_code for path in ("/health", "/ping", "/livez")] == [200] * 3
        (tmp_path / "loaded").touch()
        assert http.get("/readyz").status_code == 200
        (tmp_path / "loaded").unlink()
        assert http.get("/readyz").status_code == 503


def test_not_ready_is_the_envelope(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "loading.py").write_text(LOADING)
    with serve("--backend", "loading:Loading").http() as http:
        error_of(http.get("/readyz"))
