"""Browsers: off by default, and where an origin is allowed, errors and headers are readable too."""

from collections.abc import Iterator

import httpx
import pytest

from tests.adapter.envelope import CHAT, error_of
from tests.server import Serve, Server, start

PATH = "/v1/chat/completions"
ORIGIN, OTHER = "https://app.example", "https://evil.example"
ASKING = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,x-stainless-os",
}
KEY = {"authorization": "Bearer sk-a"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("cors")
    environment = {"ENABLE_AUTH": "1", "API_KEY_SECRET": "sk-a"}
    server = start(folder, CORS_ORIGINS=f"{ORIGIN},http://localhost:3000", **environment)
    yield server
    server.stop()


def assert_readable(response: httpx.Response, origin: str = ORIGIN) -> None:
    """A page of that origin may read the response and the headers that clients act upon."""
    assert response.headers.get_list("access-control-allow-origin") == [origin]
    exposed = response.headers["access-control-expose-headers"].lower()
    assert {name.strip() for name in exposed.split(",")} >= {"x-request-id", "retry-after"}


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000"])
@pytest.mark.parametrize("path", [PATH, "/v1/models", "/v1/models/gpt-4o", "/v1//models/"])
def test_preflight_needs_no_key(browser: Server, path: str, origin: str) -> None:
    with browser.http() as http:
        response = http.options(path, headers={"origin": origin, **ASKING})
    assert response.status_code in {200, 204}
    assert response.headers["access-control-allow-origin"] == origin
    assert "POST" in response.headers["access-control-allow-methods"]
    allowed = response.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ASKING["access-control-request-headers"].split(","))
    assert len(response.headers.get_list("x-request-id")) == 1


@pytest.mark.parametrize("network", ["private", "local"])
def test_a_page_may_call_from_a_more_public_network(browser: Server, network: str) -> None:
    asking = {**ASKING, f"access-control-request-{network}-network": "true"}
    allow = f"access-control-allow-{network}-network"
    with browser.http() as http:
        allowed = http.options(PATH, headers={"origin": ORIGIN, **asking})
        assert allowed.status_code in {200, 204}
        assert allowed.headers[allow] == "true"
        assert allowed.headers["access-control-allow-origin"] == ORIGIN
        assert f"access-control-request-{network}-network" in allowed.headers["vary"].lower()
        assert allow not in http.options(PATH, headers={"origin": ORIGIN, **ASKING}).headers
        refused = http.options(PATH, headers={"origin": OTHER, **asking})
    error_of(refused)
    assert allow not in refused.headers


def test_options_that_is_no_preflight_needs_the_key(browser: Server) -> None:
    with browser.http() as http:
        assert http.options(PATH, headers={"origin": ORIGIN}).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", PATH, CHAT, 200),
        ("POST", PATH, CHAT | {"stream": True}, 200),
        ("POST", PATH, {}, 400),
        ("POST", PATH, CHAT | {"model": "nope"}, 404),
        ("GET", PATH, None, 405),
        ("GET", "/nope", None, 404),
        ("GET", "/v1/models", None, 200),
        ("GET", "/health", None, 200),
    ],
)
def test_every_answer_is_readable(
    browser: Server, method: str, path: str, body: object, status: int
) -> None:
    with browser.http(headers={"origin": ORIGIN, **KEY}) as http:
        response = http.request(method, path, json=body)
    assert response.status_code == status
    assert_readable(response)
    assert len(response.headers.get_list("x-request-id")) == 1


def test_401_is_readable(browser: Server) -> None:
    with browser.http(headers={"origin": ORIGIN}) as http:
        response = http.post(PATH, json=CHAT)
    assert response.status_code == 401
    assert_readable(response)


def test_another_origin_is_told_nothing(browser: Server) -> None:
    with browser.http(headers={"origin": OTHER, **KEY}) as http:
        response = http.post(PATH, json=CHAT)
        assert "access-control-allow-origin" not in response.headers
        preflight = http.options(PATH, headers=ASKING)
        assert preflight.headers.get("access-control-allow-origin") not in {OTHER, "*"}


def test_refused_preflight_is_the_envelope(browser: Server) -> None:
    with browser.http() as http:
        error_of(http.options(PATH, headers={"origin": OTHER, **ASKING}))


def test_star_allows_any_origin(serve: Serve) -> None:
    with serve(CORS_ORIGINS="*").http(headers={"origin": OTHER}) as http:
        for body in (CHAT, CHAT | {"stream": True}, {}):
            assert_readable(http.post(PATH, json=body), "*")
        assert http.options(PATH, headers=ASKING).status_code in {200, 204}


def test_without_the_setting_there_are_no_cors_headers(http: httpx.Client) -> None:
    response = http.post(PATH, json=CHAT, headers={"origin": ORIGIN})
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("access-control")]
