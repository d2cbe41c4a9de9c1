"""A WebSocket where none is served is refused without a warning; a fork's own works."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.adapter.commands import answers, environment
from tests.adapter.watching import PATH
from tests.server import Serve, free_port

FORK = """
from fastapi import WebSocket
from adapter.app import create

app = create()

@app.websocket("/fork")
async def fork(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_text("fork: " + await websocket.receive_text())
    await websocket.close()
"""


@pytest.mark.parametrize("path", ["/v1/realtime?model=gpt-4o", PATH, "/"])
def test_a_websocket_is_refused_without_a_warning(serve: Serve, path: str) -> None:
    server = serve()
    for _ in range(3):
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(f"ws://127.0.0.1:{server.port}{path}"),
        ):
            pass
        assert refused.value.response.status_code == 404
        assert json.loads(refused.value.response.body or b"")["error"]["code"] == "unknown_url"
    assert "warning" not in server.log.lower()


@pytest.fixture
def fork(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[str, Path]]:
    """A fork with a WebSocket of its own, on our connections."""
    (tmp_path / "mine.py").write_text(FORK)
    port, log_file = free_port(), tmp_path / "log"
    words = ["mine:app", "--port", str(port), "--http", "adapter.connection:Connection"]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *words, *request.param],
            cwd=tmp_path,
            env=environment(),
            stdout=log,
            stderr=log,
        )
    assert answers(f"http://127.0.0.1:{port}/health"), log_file.read_text()
    yield f"ws://127.0.0.1:{port}", log_file
    process.terminate()
    process.wait(15)


@pytest.mark.parametrize("fork", [()], indirect=True)
def test_a_forks_websocket_works(fork: tuple[str, Path]) -> None:
    with connect(f"{fork[0]}/fork") as websocket:
        websocket.send("hello")
        assert websocket.recv() == "fork: hello"


@pytest.mark.parametrize("fork", [("--ws", "none")], indirect=True)
def test_without_a_websocket_library_the_offer_is_ignored(fork: tuple[str, Path]) -> None:
    for path, status in (("/v1/realtime", 404), (PATH, 405)):
        with pytest.raises(InvalidStatus) as refused, connect(f"{fork[0]}{path}"):
            pass
        assert refused.value.response.status_code == status
    assert "warning" not in fork[1].read_text().lower()
