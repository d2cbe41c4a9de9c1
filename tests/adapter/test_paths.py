"""How a path may be written, and which methods reach it."""

import json
import re
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest

from tests.adapter.envelope import CHAT
from tests.adapter.watching import request
from tests.server import Serve, Server

PATH = "/v1/chat/completions"
READ = [
    *("/health", "/ping", "/livez", "/readyz", "/metrics", "/", "/v1", "/docs", "/redoc"),
    *("/openapi.json", "/v1/models", "/v1/models/gpt-4o"),
]
SPELT = ["//v1/chat/completions", "/v1//chat/completions", "/v1/chat//completions"]
SPELT += ["/v1/chat/completions//", "///v1///chat///completions///"]
KEYS = """
[[key]]
name = "cheap"
secret = "sk-cheap"
models = ["gpt-4o-mini"]
"""


@pytest.mark.parametrize("path", READ)
def test_head_is_get_without_a_body(mock: Server, path: str) -> None:
    with mock.http() as http:
        got = http.get(path)
    with mock.connect() as connection:
        # A body that went out would spoil the second answer on this connection.
        for _ in range(2):
            connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            response = HTTPResponse(connection, method="HEAD")
            response.begin()
            assert response.read() == b""
            assert (response.status, got.status_code) == (200, 200)
            names = {name.lower() for name in response.headers}
            assert names == {name.lower() for name in got.headers}
            assert response.headers["content-type"] == got.headers["content-type"]
            if path != "/metrics":  # which counts the requests between
                assert response.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    ("path", "status"), [(PATH, 405), ("/nope", 404), ("/v1/models/nope", 404)]
)
def test_head_is_refused_as_get_is(http: httpx.Client, path: str, status: int) -> None:
    response = http.head(path)
    assert (response.status_code, response.content) == (status, b"")
    assert http.get(path).status_code == status


@pytest.mark.parametrize("path", ["/v1/models", "/health"])
def test_where_get_is_allowed_head_is_too(http: httpx.Client, path: str) -> None:
    allowed = {name.strip() for name in http.patch(path).headers["allow"].split(",")}
    assert allowed >= {"GET", "HEAD"}


def test_head_needs_a_key_and_a_log_line_says_head(serve: Serve) -> None:
    server = serve(ENABLE_AUTH="1", API_KEY_SECRET="sk-a")
    with server.http() as http:
        assert http.head("/v1/models").status_code == 401
        assert http.head("/health").status_code == 200
        assert http.head("/v1/models", headers={"authorization": "Bearer sk-a"}).status_code == 200
    assert '"method":"HEAD"' in server.log


@pytest.mark.parametrize("path", SPELT)
def test_slashes_more_do_not_matter(mock: Server, path: str) -> None:
    with mock.connect() as connection:
        connection.sendall(request(CHAT, path=path))
        response = HTTPResponse(connection)
        response.begin()
        assert response.status == 200
        assert json.loads(response.read())["object"] == "chat.completion"


@pytest.mark.parametrize("path", ["//health", "//v1//models", "/v1//models//gpt-4o", "//"])
def test_they_do_not_matter_for_get_either(mock: Server, path: str) -> None:
    with mock.http() as http:
        assert http.get(f"{mock.url}{path}").status_code == 200


def test_they_pass_by_neither_keys_nor_lists_nor_metrics(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(KEYS)
    server = serve(ENABLE_AUTH="1", API_KEYS_FILE="keys.toml")
    cheap, key = CHAT | {"model": "gpt-4o-mini"}, {"authorization": "Bearer sk-cheap"}
    with server.http() as http:
        for path in SPELT:
            url = f"{server.url}{path}"
            assert http.post(url, json=cheap).status_code == 401
            assert http.post(url, json=CHAT, headers=key).status_code == 404
            assert http.post(url, json=cheap, headers=key).status_code == 200
        labels = 'gen_ai_operation_name="chat",gen_ai_request_model="gpt-4o-mini"'
        counted = re.search(
            rf"adapter_requests_total{{{labels}.*}} (.*)", http.get("/metrics").text
        )
    assert counted
    assert float(counted[1]) == len(SPELT)
    assert server.log.count(f'"route":"{PATH}"') == 3 * len(SPELT)


@pytest.mark.parametrize(
    "path", ["//health/../v1/models", "/health/..//v1/models", "/%2Fhealth/..%2fv1/models"]
)
def test_no_spelling_makes_a_guarded_path_an_open_one(serve: Serve, path: str) -> None:
    server = serve(ENABLE_AUTH="1", API_KEY_SECRET="sk-a")
    with server.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        response = HTTPResponse(connection)
        response.begin()
        assert response.status == 401


def test_a_name_with_slashes_keeps_them(serve: Serve) -> None:
    server = serve(MOCK_MODELS="hf://org/name,org/name")
    with server.http() as http:
        for spelt, name in [
            ("hf://org/name", "hf://org/name"),
            ("hf:%2F%2Forg%2Fname", "hf://org/name"),
            ("/org/name/", "org/name"),
        ]:
            found = http.get(f"{server.url}//v1/models/{spelt}")
            assert (found.status_code, found.json().get("id")) == (200, name)


def test_a_list_of_models_has_no_empty_name(mock: Server) -> None:
    with mock.http() as http:
        for path in ("/v1/models//", "//v1//models///"):
            assert http.get(f"{mock.url}{path}").json()["object"] == "list"
