"""Several workers are one server: its counts are right whoever is asked."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.adapter.envelope import CHAT
from tests.adapter.watching import request, soon, total
from tests.server import START_S, Server, start

PATH = "/v1/chat/completions"
MODEL, COUNTED = "gpt-4o", "adapter_requests_total"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start(tmp_path_factory.mktemp("pair"), "--workers", "2")
    yield server
    server.stop()


def post(server: Server) -> int:
    """One request on a connection of its own, so that either worker may take it."""
    with server.http() as http:
        return http.post(PATH, json=CHAT).status_code


def test_metrics_are_those_of_all_workers(pair: Server) -> None:
    before = total(pair, COUNTED, model=MODEL)
    tokens_before = total(pair, "gen_ai_client_token_usage_total", model=MODEL, token="output")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(post, [pair] * 60)) == {200}
    assert soon(lambda: total(pair, COUNTED, model=MODEL) == before + 60)
    for _ in range(6):
        assert total(pair, COUNTED, model=MODEL) == before + 60
    with pair.http() as http:
        each = http.post(PATH, json=CHAT).json()["usage"]["completion_tokens"]
    duration = "gen_ai_server_request_duration_seconds_count"
    assert soon(lambda: total(pair, duration, model=MODEL) == before + 61)
    tokens = total(pair, "gen_ai_client_token_usage_total", model=MODEL, token="output")
    assert tokens == tokens_before + 61 * each
    assert soon(lambda: total(pair, "adapter_requests_in_flight") == 1)


def test_cancellations_are_those_of_all_workers(pair: Server) -> None:
    for _ in range(6):
        with pair.connect() as connection:
            connection.sendall(request(CHAT)[:-10])
    assert soon(lambda: total(pair, "adapter_cancellations_total") == 6)


def test_each_request_is_logged_once_with_an_id_of_its_own(pair: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(post, [pair] * 40))
    assert soon(lambda: pair.log.count(PATH) >= 40)
    lines = [json.loads(line) for line in pair.log.splitlines()]
    ids = [line["id"] for line in lines if line["message"] == "request"]
    assert len(ids) == len(set(ids)) >= 40


def test_a_killed_workers_requests_are_in_flight_no_more(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    server = start(tmp_path_factory.mktemp("killed"), "--workers", "2", MOCK_TTFT_MS="600000")
    try:
        with server.connect() as connection:
            connection.sendall(request(CHAT))
            # The scrape itself is in flight, too.
            assert soon(lambda: total(server, "adapter_requests_in_flight") == 2)
            for worker in children(server.process.pid):
                os.kill(worker, signal.SIGKILL)
            assert connection.recv(1) == b""
        assert later(lambda: total(server, "adapter_requests_in_flight") == 1)
    finally:
        server.stop()


def children(pid: int) -> list[int]:
    """The workers of a server: the child processes that have a socket to serve on."""
    every = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in every if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def later(holds: Callable[[], bool]) -> bool:
    """Whether it comes true once the workers have been started again."""
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s:
        with suppress(httpx.TransportError):
            if holds():
                return True
        time.sleep(0.2)
    return False


def test_stopping_stops_every_worker(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = start(tmp_path_factory.mktemp("stopped"), "--workers", "2")
    assert post(server) == 200
    server.process.terminate()
    server.process.wait(15)
    with pytest.raises(ConnectionRefusedError):
        server.connect()
    assert "Traceback" not in server.log
