"""A client, and the log, can tell why an upstream cannot be had."""

import asyncio
from pathlib import Path

import pytest

from backends.protocol.errors import REASONS, APIError
from backends.upstream import Upstream
from backends.upstream.retry import RetryPolicy
from tests.adapter.envelope import error_of
from tests.backends.openai.bodies import CHAT, ERROR, PATH
from tests.backends.openai.wicked import RESET, Wicked, whole
from tests.backends.upstream.certificates import Authority
from tests.server import Serve, free_port

HOSTS = ("127.0.0.1", "localhost", "invalid")


async def failure(url: str, silence_s: float = 60) -> APIError:
    """What a request to an upstream raises."""
    upstream = Upstream(url, policy=RetryPolicy(attempts=1), silence_s=silence_s)
    try:
        with pytest.raises(APIError) as raised:
            async with upstream.succeed("POST", "/x", b"{}"):
                pass
    finally:
        await upstream.aclose()
    assert raised.value.reason in REASONS
    assert not [host for host in HOSTS if host in raised.value.message]
    return raised.value


async def test_a_reason_for_each_failure_without_tls() -> None:
    dead = await failure(f"http://127.0.0.1:{free_port()}")
    assert (dead.status, dead.reason, dead.message) == (
        503,
        "refused",
        "The upstream refuses connections.",
    )
    lost = await failure("http://no-such-host.invalid")
    assert (lost.status, lost.reason) == (503, "dns")
    assert lost.message == "The upstream's name does not resolve."
    with Wicked() as wicked:
        url = f"http://127.0.0.1:{wicked.port}"
        wicked.answer([30.0])
        slow = await failure(url, silence_s=0.2)
        assert (slow.status, slow.reason) == (504, "timeout")
        wicked.answer([RESET])
        assert (await failure(url)).reason == "reset"
        wicked.answer([whole(ERROR, status=500)])
        assert (await failure(url)).reason == "status"


async def test_an_upstream_that_speaks_no_tls() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        plain = await failure(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert (plain.status, plain.reason) == (503, "tls")
    assert plain.message == "The upstream failed the TLS handshake."


@pytest.mark.parametrize(
    ("host", "names", "expired", "said"),
    [
        ("localhost", ["localhost"], True, "The upstream's certificate has expired."),
        ("localhost", ["other.test"], False, "The upstream's certificate is for another name."),
        ("127.0.0.1", ["other.test"], False, "The upstream's certificate is for another address."),
    ],
)
def test_a_certificate_that_is_wrong_is_told_by_its_fault(
    serve: Serve,
    tmp_path: Path,
    host: str,
    names: list[str],
    *,
    expired: bool,
    said: str,
) -> None:
    authority = Authority(tmp_path)
    with Wicked(authority.server(*names, expired=expired)) as wicked:
        server = serve(
            "--backend",
            "openai",
            OPENAI_BASE_URL=f"https://{host}:{wicked.port}/v1",
            OPENAI_MODELS="*",
            SSL_CERT_FILE=str(authority.file),
        )
        with server.http() as http:
            answer = http.post(PATH, json=CHAT)
    assert answer.status_code == 503
    assert error_of(answer)["message"] == said


def test_an_untrusted_certificate_is_told_to_the_client(serve: Serve, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    said = "The upstream's certificate is not trusted."
    with Wicked(authority.server("localhost")) as wicked:
        wicked.answer([whole(b"{}")])
        url = f"https://localhost:{wicked.port}"
        sides = {
            "openai": {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODELS": "m"},
            "anthropic": {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_MODELS": "m"},
        }
        for backend, settings in sides.items():
            server = serve("--backend", backend, MODEL_LIST_URL=f"{url}/list", **settings)
            with server.http() as http:
                answer = http.post(PATH, json=CHAT | {"model": "m"})
                assert answer.status_code == 503
                assert error_of(answer)["message"] == said
                listed = http.get("/readyz").json()
            assert "The model list's server's certificate is not trusted." in str(listed)
            assert len(wicked.asked) == 0
