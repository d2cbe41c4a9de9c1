"""The proxies of the environment are used as the OpenAI client uses them."""

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from backends.protocol.proxy import proxy_for, without_credentials
from tests.adapter.commands import adapter
from tests.adapter.envelope import error_of
from tests.backends.openai.bodies import ANSWER, CHAT, PATH, STREAMED
from tests.backends.openai.wicked import CLOSE, Wicked, whole
from tests.backends.upstream.certificates import Authority
from tests.backends.upstream.proxy import LoopbackProxy
from tests.server import Serve, free_port

HOST = "upstream.invalid"
PASSWORD = "proxy-pass-word"
CREDENTIALS = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
LAST = ("connection", "close")
NAMES = [f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")]


@pytest.fixture(scope="module")
def wicked() -> Iterator[Wicked]:
    with Wicked() as upstream:
        yield upstream


def settings(url: str, **environment: str) -> dict[str, str]:
    """An adapter's, in front of an upstream that one attempt is made for."""
    return {
        "BACKEND": "openai",
        "OPENAI_BASE_URL": url,
        "OPENAI_MODELS": "*",
        "OPENAI_API_KEY": "k-of-the-upstream",
        "OPENAI_ATTEMPTS": "1",
        **environment,
    }


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_request_goes_through_the_proxy(serve: Serve, wicked: Wicked, name: str) -> None:
    wicked.answer([whole(ANSWER, LAST), CLOSE])
    with LoopbackProxy(wicked.port, CREDENTIALS) as proxy:
        url = f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}"
        server = serve(**settings(f"http://{HOST}/v1", **{name: url}))
        with server.http() as http:
            for _ in range(2):
                assert http.post(PATH, json=CHAT).content == ANSWER
    assert proxy.asked == [f"POST http://{HOST}/v1/chat/completions"] * 2
    assert wicked.asked[0].header("authorization") == "Bearer k-of-the-upstream"
    assert PASSWORD not in server.log


def test_tls_goes_through_a_tunnel(serve: Serve, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with (
        Wicked(authority.server(HOST)) as upstream,
        LoopbackProxy(upstream.port, CREDENTIALS) as proxy,
    ):
        upstream.answer([whole(ANSWER)])
        url = f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}"
        environment = {"HTTPS_PROXY": url, "SSL_CERT_FILE": str(authority.file)}
        server = serve(**settings(f"https://{HOST}/v1", **environment))
        with server.http() as http:
            for _ in range(2):
                assert http.post(PATH, json=CHAT).content == ANSWER
        assert proxy.asked == [f"CONNECT {HOST}:443"]
        assert upstream.asked[0].header("proxy-authorization") is None


def test_the_proxy_itself_fails(serve: Serve, wicked: Wicked, tmp_path: Path) -> None:
    with LoopbackProxy(wicked.port, CREDENTIALS) as proxy:
        wrong = f"http://me:wrong-{PASSWORD}@127.0.0.1:{proxy.port}"
        nobody = f"http://me:{PASSWORD}@127.0.0.1:{free_port()}"
        for scheme, url, said in [
            ("http", wrong, "407"),
            ("https", wrong, "The proxy on the way to the upstream answered 407."),
            ("https", nobody, "The proxy on the way to the upstream refuses connections."),
        ]:
            name = f"{scheme.upper()}_PROXY"
            server = serve(**settings(f"{scheme}://{HOST}/v1", **{name: url}, LOG_LEVEL="debug"))
            with server.http() as http:
                for body in (CHAT, STREAMED):
                    answer = http.post(PATH, json=body)
                    assert answer.status_code in {407, 503}
                    assert said in error_of(answer)["message"]
                    assert PASSWORD not in answer.text
            assert PASSWORD not in server.log


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "127.0.0.0/8", "x, 127.0.0.1:{port}", "*"])
def test_no_proxy(serve: Serve, wicked: Wicked, no_proxy: str) -> None:
    wicked.answer([whole(ANSWER)])
    with LoopbackProxy(wicked.port) as proxy:
        environment = {
            "HTTP_PROXY": f"http://127.0.0.1:{proxy.port}",
            "NO_PROXY": no_proxy.format(port=wicked.port),
        }
        server = serve(**settings(f"http://127.0.0.1:{wicked.port}/v1", **environment))
        with server.http() as http:
            assert http.post(PATH, json=CHAT).content == ANSWER
    assert proxy.asked == []


def test_every_upstream_and_the_model_list_go_through(serve: Serve, wicked: Wicked) -> None:
    with LoopbackProxy(wicked.port) as proxy:
        wicked.answer([whole(b"[]", LAST), CLOSE])
        environment = {
            "HTTP_PROXY": f"127.0.0.1:{proxy.port}",
            "MODEL_LIST_URL": "http://list.invalid/models.json",
            "ANTHROPIC_BASE_URL": "http://claude.invalid",
            "ANTHROPIC_MODELS": "claude-1",
        }
        server = serve("--backend", "anthropic", **environment)
        with server.http() as http:
            http.post(PATH, json=CHAT | {"model": "claude-1"})
    assert "GET http://list.invalid/models.json" in proxy.asked
    assert "POST http://claude.invalid/v1/messages" in proxy.asked


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("socks5://me:proxy-pass-word@127.0.0.1:1", "HTTPS_PROXY: a proxy of kind 'socks5'"),
        ("http://me:proxy-pass-word@127.0.0.1:port", "HTTPS_PROXY: no URL of a proxy"),
        ("http://", "HTTPS_PROXY: no URL of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_stops_the_start(tmp_path: Path, proxy: str, said: str) -> None:
    for more in (
        settings("https://a.invalid/v1"),
        {"MODEL_LIST_URL": "https://a.invalid/list"},
        {"BACKEND": "anthropic", "ANTHROPIC_API_KEY": "sk"},
    ):
        done = adapter(tmp_path, "serve", PORT=str(free_port()), HTTPS_PROXY=proxy, **more)
        assert done.returncode == 2
        [line] = done.stderr.splitlines()
        assert said in line
        assert PASSWORD not in line


@pytest.mark.parametrize(
    ("no_proxy", "urls"),
    [
        ("example.com", ["http://example.com/", "http://a.example.com", "http://badexample.com"]),
        (".example.com", ["http://example.com", "http://a.example.com", "https://a.b.example.com"]),
        ("*.example.com", ["http://a.example.com", "http://a.com"]),
        ("example.com:8080", ["http://example.com:8080", "http://example.com"]),
        ("https://example.com", ["https://example.com", "http://example.com"]),
        ("localhost", ["http://localhost:1", "http://x.localhost"]),
        ("10.0.0.0/8, ::1", ["http://10.1.2.3", "http://11.1.2.3", "http://[::1]:1"]),
        ("fd00::/8", ["http://[fd00::1]", "http://[fe80::1]"]),
        ("192.168.1.1", ["http://192.168.1.1", "http://192.168.1.10"]),
        ("EXAMPLE.com", ["http://example.COM"]),
        ("*", ["http://example.com"]),
        ("", ["http://example.com", "https://127.0.0.1"]),
    ],
)
def test_the_same_hosts_are_passed_by_as_by_the_openai_client(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, urls: list[str]
) -> None:
    for name in [*NAMES, *(name.lower() for name in NAMES)]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://plain.test:1")
    monkeypatch.setenv("ALL_PROXY", "http://any.test:2")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    with httpx2.Client() as client:
        for url in urls:
            theirs = client._transport_for_url(httpx2.URL(url))  # noqa: SLF001 - what it decides
            ours = proxy_for(url)
            assert (ours is None) == (theirs is client._transport), url  # noqa: SLF001


def test_credentials_leave_a_text() -> None:
    text = "ProxyError: http://me:p@ss@proxy.test:1 and https://host.test/a@b"
    assert without_credentials(text) == (
        "ProxyError: http://proxy.test:1 and https://host.test/a@b"
    )
