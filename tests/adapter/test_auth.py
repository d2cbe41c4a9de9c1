"""Who may call: bearer keys, checked before the body is read, never told to anyone."""

from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path

import httpx
import openai
import pytest

from tests.adapter.envelope import CHAT, error_of
from tests.adapter.watching import soon
from tests.server import Serve, Server, start

FIRST, SECOND, WRONG = "sk-first-5d1f", "sk-second-77ab", "sk-wrong-0c3e"
CHAT_PATH = "/v1/chat/completions"
OPEN = ["/health", "/ping", "/livez", "/readyz", "/docs", "/redoc", "/openapi.json", "/", "/v1"]
KEYS_FILE = """
[[key]]
name = "team-a"
secret = "sk-team-a-91d2"
models = ["gpt-4o*"]

[[key]]
name = "team-b"
secret = "sk-team-b-33c0"
"""


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("guarded")
    server = start(folder, ENABLE_AUTH="true", API_KEY_SECRET=f"{FIRST}, {SECOND}")
    yield server
    server.stop()


def assert_refused(response: httpx.Response) -> None:
    assert response.status_code == 401
    error = error_of(response)
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")


def status_of(server: Server, head: str) -> int:
    """What a raw request is answered, after its head and before any body."""
    with server.connect() as connection:
        connection.settimeout(5)
        connection.sendall(f"{head}\r\n\r\n".encode())
        with HTTPResponse(connection) as response:
            response.begin()
            return response.status


@pytest.mark.parametrize("value", [None, "Bearer", "Bearer anything", "Basic YTpi"])
def test_without_auth_any_key_or_none_is_fine(http: httpx.Client, value: str | None) -> None:
    headers = {} if value is None else {"authorization": value}
    assert http.post(CHAT_PATH, json=CHAT, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "value", [f"Bearer {FIRST}", f"Bearer {SECOND}", f"bearer {FIRST}", f"BEARER   {FIRST}"]
)
def test_each_key_is_admitted_whatever_the_case_of_the_scheme(guarded: Server, value: str) -> None:
    with guarded.http(headers={"authorization": value}) as http:
        assert http.post(CHAT_PATH, json=CHAT).status_code == 200
        assert http.get("/v1/models").status_code == 200


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "Bearer", f"Bearer {WRONG}", f"Basic {FIRST}", FIRST),
        *(f"Bearer {FIRST},{SECOND}", f"Bearer {FIRST}x", f"Bearer {FIRST[:-1]}", "Bearer \xff"),
        *(f"Bearer{FIRST}", f"Bearer {FIRST.upper()}", f"Bearer {'x' * 20_000}"),
    ],
)
def test_missing_and_wrong_key_are_the_same_401(guarded: Server, value: str | None) -> None:
    headers = {} if value is None else {b"authorization": value.encode("latin-1")}
    with guarded.http() as http:
        response = http.post(CHAT_PATH, json=CHAT, headers=headers)
        assert_refused(response)
        assert response.content == http.post(CHAT_PATH, json=CHAT).content


def test_client_sees_an_authentication_error(guarded: Server) -> None:
    with guarded.client(WRONG) as client, pytest.raises(openai.AuthenticationError) as caught:
        client.models.list()
    assert caught.value.code == "invalid_api_key"
    with guarded.client(SECOND) as client:
        assert client.models.list().data


@pytest.mark.parametrize("body", [b"{", b"", b"x" * 100_000])
def test_key_is_checked_before_a_bad_body(guarded: Server, body: bytes) -> None:
    with guarded.http(headers=bearer(WRONG)) as http:
        assert_refused(http.post(CHAT_PATH, content=body, headers={"content-type": "text/plain"}))


@pytest.mark.parametrize("value", ["Bearer ", "Bearer    ", "  ", f"Bearer\t{FIRST}"])
def test_blank_bearer_is_refused_as_it_stands_on_the_wire(guarded: Server, value: str) -> None:
    assert (
        status_of(guarded, f"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: {value}") == 401
    )


def test_401_is_sent_while_the_body_is_not_there_yet(guarded: Server) -> None:
    head = f"POST {CHAT_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000"
    assert status_of(guarded, head) == 401


def test_every_v1_operation_of_the_document_wants_a_key(guarded: Server) -> None:
    with guarded.http(headers=bearer(WRONG)) as http:
        paths = http.get("/openapi.json").json()["paths"]
        operations = [(m, p) for p in paths for m in paths[p] if p.startswith("/v1")]
        assert len(operations) >= 9
        for method, template in operations:
            path = template.replace("{model}", "gpt-4o")
            for spelling in (path, path + "/", path.replace("/v1/", "/v1//"), path + "//"):
                assert_refused(http.request(method, spelling, json={}))


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/nope", "/nope", "//v1/models", "/v1/models?a=/health", "/%761/models"),
        *("/health/../v1/models", "/health/x", "/HEALTH", "/v1/health", "/docs/../v1/models"),
        *(
            "/v1/models%2F",
            "/health%2F..%2Fv1%2Fmodels",
            "/v1/models;/health",
            "/v1/models#/health",
        ),
    ],
)
def test_no_spelling_of_a_path_gets_around_the_key(guarded: Server, path: str) -> None:
    assert status_of(guarded, f"GET {path} HTTP/1.1\r\nHost: x") == 401


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "TRACE"])
def test_no_method_gets_around_the_key(guarded: Server, method: str) -> None:
    with guarded.http() as http:
        assert http.request(method, "/v1/models").status_code == 401


@pytest.mark.parametrize("path", [*OPEN, "/metrics", "/health/", "/metrics/"])
def test_operators_paths_are_open(guarded: Server, path: str) -> None:
    with guarded.http() as http:
        assert http.get(path).status_code == 200


def test_metrics_can_be_closed(serve: Serve) -> None:
    server = serve(ENABLE_AUTH="true", API_KEY_SECRET=FIRST, METRICS_PUBLIC="false")
    with server.http() as http:
        for path in ("/metrics", "/metrics/"):
            assert_refused(http.get(path))
        assert http.get("/metrics", headers=bearer(FIRST)).status_code == 200
        assert all(http.get(path).status_code == 200 for path in OPEN)


def test_keys_file_gives_each_key_a_name_and_models(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(KEYS_FILE)
    server = serve(ENABLE_AUTH="1", API_KEYS_FILE="keys.toml", API_KEY_SECRET=FIRST)
    with server.http() as http:
        assert_refused(http.get("/v1/models", headers=bearer(WRONG)))
        listed = {
            key: {m["id"] for m in http.get("/v1/models", headers=bearer(key)).json()["data"]}
            for key in ("sk-team-a-91d2", "sk-team-b-33c0", FIRST)
        }
        assert listed["sk-team-a-91d2"] == {"gpt-4o", "gpt-4o-mini"}
        assert listed["sk-team-b-33c0"] == listed[FIRST] > {"gpt-4o", "o3"}
        for key, status in [("sk-team-a-91d2", 404), ("sk-team-b-33c0", 200)]:
            response = http.post(CHAT_PATH, json=CHAT | {"model": "o3"}, headers=bearer(key))
            assert response.status_code == status
            assert http.post(CHAT_PATH, json=CHAT, headers=bearer(key)).status_code == 200
    assert soon(lambda: '"team-a"' in server.log)
    assert "sk-" not in server.log


def test_keys_without_auth_are_said_to_guard_nothing(serve: Serve) -> None:
    server = serve(API_KEY_SECRET="sk-unused")
    assert "ENABLE_AUTH" in server.log.splitlines()[0]
    assert "sk-unused" not in server.log
    with server.http() as http:
        assert http.get("/v1/models").status_code == 200
