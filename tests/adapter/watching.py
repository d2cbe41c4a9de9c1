"""Watching a server from outside: its metrics, its raw connections, what happens soon."""

import json
import socket
import time
from collections.abc import Callable
from http.client import HTTPResponse

from prometheus_client.parser import text_string_to_metric_families

from tests.server import Server

PATH = "/v1/chat/completions"
SOON_S = 5.0  # the pauses of the backends are longer by far
LABELS = {
    "model": "gen_ai_request_model",
    "operation": "gen_ai_operation_name",
    "status": "http_response_status_code",
    "token": "gen_ai_token_type",
}


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it comes true within a short while."""
    deadline = time.monotonic() + SOON_S
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def scrape(server: Server) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels."""
    with server.http() as http:
        response = http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def total(server: Server, name: str, **labels: str) -> float:
    """The sum of the samples of that name and with those labels."""
    wanted = {(LABELS[label], value) for label, value in labels.items()}
    return sum(v for (n, has), v in scrape(server).items() if n == name and wanted <= has)


def request(body: object, *headers: str, path: str = PATH, version: str = "1.1") -> bytes:
    """The bytes of a request."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"POST {path} HTTP/{version}", "Host: x", f"Content-Length: {len(payload)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + payload


def answer(connection: socket.socket) -> tuple[HTTPResponse, bytes]:
    """The next answer on a raw connection, and its body."""
    response = HTTPResponse(connection)
    response.begin()
    return response, response.read()
